package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"hukougate/module/strictyaml"
)

const policyColumns = 7 // p, role, purpose, resource, route, scope, effect

// casbin reads model.conf and policy.csv. The CSV is read strictly here rather
// than by Casbin's own adapter, which takes any text for a name: every name
// must be defined in the bundle, and no name can hold a comma, quote or #.
func (l *loader) casbin() {
	model := l.contents[modelName]
	if len(bytes.TrimSpace(model)) == 0 || !utf8.Valid(model) {
		l.add(strictyaml.Problem{File: modelName, Message: "is empty or not valid UTF-8"})
	}
	l.s.Model = string(model)

	r := csv.NewReader(bytes.NewReader(l.contents[policyName]))
	r.Comment = '#'
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = -1
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var pe *csv.ParseError
			if errors.As(err, &pe) {
				l.add(strictyaml.Problem{File: policyName, Line: pe.Line, Column: pe.Column, Message: pe.Err.Error()})
			}
			return
		}
		at, _ := r.FieldPos(0)
		l.policyLine(at, line)
	}
	if len(l.s.Policies) == 0 {
		l.add(strictyaml.Problem{File: policyName, Message: "permits nothing; a bundle without a policy is refused"})
	}
}

func (l *loader) policyLine(at int, line []string) {
	problem := func(message, word string, known ...string) {
		l.add(strictyaml.Problem{File: policyName, Line: at, Message: message, Nearest: strictyaml.Nearest(word, known)})
	}
	if len(line) != policyColumns || line[0] != "p" {
		problem(fmt.Sprintf("wants %d columns: p, role, purpose, resource, route, scope, effect", policyColumns), "")
		return
	}
	role, purpose, resource, route, scope, effect := line[1], line[2], line[3], line[4], line[5], line[6]
	for _, c := range []struct {
		what, word string
		ok         bool
		known      []string
	}{
		{"role", role, l.s.roleByID[role] != nil, ids(l.s.roleByID)},
		{"purpose", purpose, l.s.purposeByID[purpose] != nil, ids(l.s.purposeByID)},
		{"resource", resource, l.s.resourceByID[resource] != nil, ids(l.s.resourceByID)},
		{"route", route, l.s.routeByID[route] != nil, ids(l.s.routeByID)},
		{"scope", scope, l.s.scopeByID[scope] != nil, ids(l.s.scopeByID)},
		{"effect", effect, effect == "allow" || effect == "deny", []string{"allow", "deny"}},
	} {
		if !c.ok {
			problem(fmt.Sprintf("%s %q is not defined", c.what, c.word), c.word, c.known...)
			return
		}
	}
	if l.s.routeByID[route].Resource.ID != resource {
		problem(fmt.Sprintf("route %q does not belong to resource %q", route, resource), "")
	}
	if s := l.s.scopeByID[scope]; !slices.Contains(s.Purposes, purpose) || !slices.Contains(s.Resources, resource) {
		problem(fmt.Sprintf("scope %q is not for purpose %q on resource %q", scope, purpose, resource), "")
	}
	if slices.ContainsFunc(l.s.Policies, func(o []string) bool { return slices.Equal(o, line[1:]) }) {
		problem("stands twice", "")
	}
	l.s.Policies = append(l.s.Policies, line[1:])
}
