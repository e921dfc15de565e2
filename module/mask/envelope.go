package mask

import (
	"slices"
	"strconv"

	"hukougate/module/citizenid"
	"hukougate/module/jsonlex"
)

// fits reports whether a value is what the envelope member may be.
func (r *run) fits(e EnvelopeMember, t jsonlex.Token) bool {
	switch e.Type {
	case Boolean:
		return t.Kind == jsonlex.True || t.Kind == jsonlex.False
	case Integer:
		literal := r.body[t.Start:t.End]
		return t.Kind == jsonlex.Number && within(literal, e.Max) && !names(literal)
	case Word:
		if t.Kind != jsonlex.String {
			return false
		}
		text := r.lex.Text(t, r.text)
		if len(e.Allowed) > 0 {
			return slices.Contains(e.Allowed, string(text))
		}
		return word(text) && !names(text)
	}
	return false
}

// within reports whether a number is written without fraction and exponent and
// lies between -bound and bound.
func within(literal []byte, bound int) bool {
	n, err := strconv.Atoi(string(literal))
	return err == nil && -bound <= n && n <= bound
}

// names reports whether a scalar outside the records names a person: a source
// that puts the number it was asked for into its envelope must not leak it.
func names(text []byte) bool {
	_, err := citizenid.Parse(string(text))
	return err == nil
}

// word reports whether a text is 1 to 64 of A-Z a-z 0-9 _ . -
func word(text []byte) bool {
	for _, c := range text {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return len(text) >= 1 && len(text) <= 64
}
