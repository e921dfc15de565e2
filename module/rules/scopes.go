package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

var keepPattern = regexp.MustCompile(`^keep ([0-9]{1,2})\+([0-9]{1,2})$`)

// ParseTransform reads the form rules are written in: clear, remove, year,
// pseudonym, or "keep F+L" for F characters at the front and L at the back.
func ParseTransform(text string) (access.Transform, error) {
	switch k := access.TransformKind(text); k {
	case access.Clear, access.Remove, access.Year, access.Pseudonym:
		return access.Transform{Kind: k}, nil
	}
	m := keepPattern.FindStringSubmatch(text)
	if m == nil {
		return access.Transform{}, fmt.Errorf("transform %q is not known", text)
	}
	first, _ := strconv.Atoi(m[1]) // two digits always fit
	last, _ := strconv.Atoi(m[2])
	if first+last == 0 {
		return access.Transform{}, fmt.Errorf("transform %q keeps nothing; write remove", text)
	}
	return access.Transform{Kind: access.Keep, First: first, Last: last}, nil
}

// FormatTransform writes a transform as rules do.
func FormatTransform(t access.Transform) string {
	switch t.Kind {
	case access.Keep:
		return fmt.Sprintf("keep %d+%d", t.First, t.Last)
	case "":
		return string(access.Remove)
	}
	return string(t.Kind)
}

func (l *loader) scopes() {
	var f scopesFile
	if !l.decode(scopesName, &f) {
		return
	}
	for _, y := range f.Scopes {
		if !l.newID(scopesName, y.ID, l.s.scopeByID[y.ID.Value] != nil) {
			continue
		}
		s := &Scope{ID: y.ID.Value, Title: l.title(scopesName, y.ID, y.Title), Purposes: values(y.Purposes), Resources: values(y.Resources), NamedItems: y.NamedItems}
		for _, p := range y.Purposes {
			known(l, scopesName, p, "purpose", l.s.purposeByID)
		}
		for _, r := range y.Resources {
			known(l, scopesName, r, "resource", l.s.resourceByID)
		}
		l.scopeFields(s, y)
		l.s.Scopes = append(l.s.Scopes, s)
		l.s.scopeByID[s.ID] = s
	}
}

func (l *loader) scopeFields(s *Scope, y scopeYAML) {
	outcomes := map[string]access.Transform{}
	for _, id := range slices.Sorted(maps.Keys(y.Fields)) {
		text := y.Fields[id]
		field := l.s.fieldByID[id]
		if field == nil {
			p := text.At(scopesName, fmt.Sprintf("field %q of scope %q is not in the catalogue", id, s.ID))
			p.Nearest = strictyaml.Nearest(id, ids(l.s.fieldByID))
			l.add(p)
			continue
		}
		t, err := ParseTransform(text.Value)
		if err != nil {
			l.add(text.At(scopesName, err.Error(), "clear", "remove", "year", "pseudonym", "keep 1+0"))
			continue
		}
		if t.Visible() && (field.Level == Drop || field.Level == Control) {
			l.addf(scopesName, text, "field %q has level %s and is never released; remove it from scope %q", id, field.Level, s.ID)
		}
		if !slices.ContainsFunc(s.Resources, func(r string) bool {
			res := l.s.resourceByID[r]
			return res == nil || slices.Contains(res.Fields, id)
		}) {
			l.addf(scopesName, text, "field %q of scope %q is carried by none of the scope's resources", id, s.ID)
		}
		outcomes[id] = t
	}
	for _, field := range l.s.Fields {
		t := outcomes[field.ID]
		if !t.Visible() {
			continue
		}
		// A text beside its code, or a pinyin beside its name, would undo the mask.
		if twin := field.TwinOf; twin != "" && outcomes[twin].Kind != access.Clear {
			l.addf(scopesName, y.Fields[field.ID], "scope %q shows %s (%s) but not all of %s (%s), which it repeats in another form; remove %s or show %s clear",
				s.ID, field.ID, FormatTransform(t), twin, FormatTransform(outcomes[twin]), field.ID, twin)
		}
		s.Fields = append(s.Fields, access.FieldOutcome{Field: field.ID, Transform: t})
	}
	if len(s.Fields) == 0 {
		l.addf(scopesName, y.ID, "scope %q releases no field", s.ID)
	}
}
