package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"hukougate/module/strictyaml"
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// ValidID reports whether a text may be an id. Ids mean nothing to YAML, CSV or
// Casbin and can stand in any record.
func ValidID(s string) bool { return idPattern.MatchString(s) }

func (l *loader) newID(file string, id strictyaml.Text, taken bool) bool {
	switch {
	case !ValidID(id.Value):
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

// known checks that a word is the id of something loaded before.
func known[T any](l *loader, file string, word strictyaml.Text, what string, byID map[string]*T) bool {
	if byID[word.Value] == nil {
		l.add(word.At(file, fmt.Sprintf("%s %q is not defined", what, word), ids(byID)...))
		return false
	}
	return true
}

// ids lists what is loaded, for "did you mean".
func ids[T any](byID map[string]*T) []string { return slices.Sorted(maps.Keys(byID)) }

func values(texts []strictyaml.Text) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t.Value
	}
	return out
}
