package rules

import (
	"fmt"
	"regexp"

	"hukougate/module/strictyaml"
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// validID keeps ids to words that mean nothing to YAML, CSV or Casbin.
func validID(s string) bool { return idPattern.MatchString(s) }

func (l *loader) newID(file string, id strictyaml.Text, taken bool) bool {
	switch {
	case !validID(id.Value):
		l.addf(file, id, "id %q is not [a-z][a-z0-9_-]*", id)
	case taken:
		l.addf(file, id, "id %q stands twice", id)
	default:
		return true
	}
	return false
}

// title checks that a thing has a name in both languages.
func (l *loader) title(file string, id strictyaml.Text, t titleYAML) Title {
	if t.Chinese.Value == "" || t.English.Value == "" {
		l.addf(file, id, "title of %q needs zh and en", id)
	}
	return Title{Chinese: t.Chinese.Value, English: t.English.Value}
}

func (l *loader) known(file string, word strictyaml.Text, what string, ok bool, known []string) bool {
	if !ok {
		l.add(word.At(file, fmt.Sprintf("%s %q is not defined", what, word), known...))
	}
	return ok
}

func values(texts []strictyaml.Text) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t.Value
	}
	return out
}

func (l *loader) fieldIDs() (ids []string) {
	for _, f := range l.s.Fields {
		ids = append(ids, f.ID)
	}
	return ids
}

func (l *loader) purposeIDs() (ids []string) {
	for _, p := range l.s.Purposes {
		ids = append(ids, p.ID)
	}
	return ids
}

func (l *loader) roleIDs() (ids []string) {
	for _, r := range l.s.Roles {
		ids = append(ids, r.ID)
	}
	return ids
}

func (l *loader) resourceIDs() (ids []string) {
	for _, r := range l.s.Resources {
		ids = append(ids, r.ID)
	}
	return ids
}

func (l *loader) scopeIDs() (ids []string) {
	for _, s := range l.s.Scopes {
		ids = append(ids, s.ID)
	}
	return ids
}
