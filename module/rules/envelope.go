package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	recordsPattern = regexp.MustCompile(`^(/([A-Za-z_][A-Za-z0-9_]*|\*))+$`)
	pointerPattern = regexp.MustCompile(`^(/[A-Za-z_][A-Za-z0-9_]*)+$`)
	// wordPattern is what the masker takes for a token.
	wordPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

const (
	envelopeInteger = "integer"
	envelopeToken   = "token"
)

// envelopes checks what may pass outside the records: each member for itself,
// and that no path leads into the records or through another's member.
func (l *loader) envelopes(r *Route, all []envelopeYAML) {
	for _, y := range all {
		e := l.envelope(y)
		switch {
		case !pointerPattern.MatchString(e.At):
			l.addf(resourcesName, y.At, "%q is not a path such as /data/total", y.At)
		case tangled(e.At, r.Records):
			l.addf(resourcesName, y.At, "%q is not outside the records at %q; name a member beside them", y.At, r.Records)
		default:
			for _, o := range r.Envelope {
				if tangled(e.At, o.At) {
					l.addf(resourcesName, y.At, "%q contradicts %q; one is the other or leads through it", y.At, o.At)
				}
			}
		}
		r.Envelope = append(r.Envelope, e)
	}
}

func (l *loader) envelope(y envelopeYAML) Envelope {
	e := Envelope{At: y.At.Value, Type: y.Type.Value, Allowed: values(y.Allowed)}
	types := []string{envelopeInteger, "boolean", envelopeToken}
	if !slices.Contains(types, e.Type) {
		l.add(y.Type.At(resourcesName, fmt.Sprintf("envelope type %q is not known", y.Type), types...))
	}
	if y.Max != nil {
		e.Max = *y.Max
		if e.Type != envelopeInteger || e.Max < 1 {
			l.addf(resourcesName, y.At, "max of %q is for an integer, and at least 1", y.At)
		}
	}
	switch {
	case e.Type == envelopeToken && len(y.Allowed) == 0:
		// An open token could carry anything the source puts there.
		l.addf(resourcesName, y.At, "a token at %q needs the list of words allowed", y.At)
	case e.Type != envelopeToken && len(y.Allowed) > 0:
		l.addf(resourcesName, y.At, "the %s at %q has a list of words allowed, which only a token has", y.Type, y.At)
	}
	for _, word := range y.Allowed {
		if !wordPattern.MatchString(word.Value) {
			l.addf(resourcesName, word, "%q is no word a token may be: 1 to 64 of A-Z a-z 0-9 _ . -", word)
		}
	}
	return e
}

// tangled reports whether one path leads to or through the other, or one wants
// a list where the other wants members.
func tangled(a, b string) bool {
	one, other := steps(a), steps(b)
	for i := range min(len(one), len(other)) {
		if one[i] == "*" || other[i] == "*" {
			return true
		}
		if one[i] != other[i] {
			return false
		}
	}
	return true
}

// steps splits a path; "" is the whole answer.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
