package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hukougate/module/access"
)

// edited is the shipped model with one text replaced.
func edited(t *testing.T, old, replacement string) string {
	t.Helper()
	text := shippedModel(t)
	if strings.Count(text, old) != 1 {
		t.Fatalf("the shipped model does not hold %q once", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// definition is the right side of a definition in the shipped model.
func definition(t *testing.T, name string) string {
	t.Helper()
	for line := range strings.Lines(shippedModel(t)) {
		if text, ok := strings.CutPrefix(line, name+" = "); ok {
			return strings.TrimSpace(text)
		}
	}
	t.Fatalf("the shipped model does not define %s", name)
	return ""
}

// TestPermissiveModelsAreRefused: Casbin lets everything through by a model
// without an effect or with a matcher that asks nothing.
func TestPermissiveModelsAreRefused(t *testing.T) {
	effect, request, matcher := definition(t, "e"), definition(t, "r"), definition(t, "m")
	for name, model := range map[string]string{
		"empty":                     "",
		"no model at all":           "everything is allowed",
		"no request":                edited(t, "[request_definition]\nr = "+request, ""),
		"another request":           edited(t, "r = "+request, "r = sub, obj, act"),
		"request in another order":  edited(t, "r = caller, application,", "r = application, caller,"),
		"request with more":         edited(t, "r = "+request, "r = "+request+", time"),
		"no policy definition":      edited(t, "[policy_definition]\np = "+definition(t, "p"), ""),
		"policy without its effect": edited(t, ", scope, eft", ", scope"),
		"columns in another order":  edited(t, "p = role, purpose,", "p = purpose, role,"),
		"no roles":                  edited(t, "[role_definition]\ng = _, _, _", ""),
		"roles without application": edited(t, "g = _, _, _", "g = _, _"),
		"no effect":                 edited(t, "[policy_effect]\ne = "+effect, ""),
		"empty effect":              edited(t, "e = "+effect, "e ="),
		"allowed unless denied":     edited(t, "e = "+effect, "e = !some(where (p.eft == deny))"),
		"a deny does not count":     edited(t, "e = "+effect, "e = some(where (p.eft == allow))"),
		"the first line counts":     edited(t, "e = "+effect, "e = priority(p.eft) || deny"),
		"effect without spaces":     edited(t, "e = "+effect, "e = "+strings.ReplaceAll(effect, " ", "")),
		"second request":            edited(t, "r = "+request, "r = "+request+"\nr2 = caller"),
		"second policy":             edited(t, "p = "+definition(t, "p"), "p = "+definition(t, "p")+"\np2 = role, eft"),
		"second effect":             edited(t, "e = "+effect, "e = "+effect+"\ne2 = some(where (p.eft == allow))"),
		"second matcher":            edited(t, "m = "+matcher, "m = "+matcher+"\nm2 = true"),
		"no matcher":                edited(t, "m = "+matcher, ""),
		"empty matcher":             edited(t, "m = "+matcher, "m ="),
		"matcher true":              edited(t, "m = "+matcher, "m = true"),
		"matcher 1 == 1":            edited(t, "m = "+matcher, "m = 1 == 1"),
		"matcher asks no caller":    edited(t, "m = "+matcher, "m = r.purpose == p.purpose && r.route == p.route"),
		"matcher with an or":        edited(t, "m = "+matcher, "m = "+matcher+" || r.route == p.route"),
		"matcher does not parse":    edited(t, "m = "+matcher, "m = r.caller =="),
		"matcher asks the unknown":  edited(t, "m = "+matcher, "m = r.nothing == p.nothing"),
		"matcher is no condition":   edited(t, "m = "+matcher, `m = "yes"`),
	} {
		s := snapshot(t)
		s.Model = model
		if d, err := New(s, []access.Grant{grant()}); err == nil {
			t.Errorf("%s: accepted", name)
		} else if d != nil {
			t.Errorf("%s: refused, yet there is a Decider", name)
		}
	}
}

func TestPolicyThatCannotBeAskedIsRefused(t *testing.T) {
	whole := []string{"lending_clerk", "reading", "book", "book-get", "narrow", "allow"}
	for name, policies := range map[string][][]string{
		"none":           nil,
		"line too short": {whole[:5]},
		"line too long":  {append(whole[:6:6], "x")},
	} {
		s := snapshot(t)
		s.Policies = policies
		if _, err := New(s, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestDenyTakesBack: one deny outweighs every allow, wherever it stands.
func TestDenyTakesBack(t *testing.T) {
	allow := []string{"lending_clerk", "reading", "book", "book-get", "narrow", "allow"}
	deny := []string{"lending_clerk", "reading", "book", "book-get", "narrow", "deny"}
	for name, policies := range map[string][][]string{"first": {deny, allow}, "last": {allow, deny}, "alone": {deny}} {
		s := snapshot(t)
		s.Policies = policies
		got := newDecider(t, s, grant()).Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june})
		if got.Allowed || got.Reason != access.NotPermitted {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, unknown := range []string{"maybe", "", "Allow", "allow "} {
		s := snapshot(t)
		s.Policies = [][]string{append(allow[:5:5], unknown)}
		got := newDecider(t, s, grant()).Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june})
		if got.Allowed {
			t.Errorf("effect %q allows", unknown)
		}
	}
}

// TestEveryTermOfTheMatcherCounts takes each term out of the shipped matcher.
// Without g() the model is permissive and refused; without any other term one
// query is allowed that the whole matcher denies.
func TestEveryTermOfTheMatcherCounts(t *testing.T) {
	matcher := definition(t, "m")
	terms := strings.Split(matcher, " && ")
	type counterexample struct {
		caller string
		change func(*access.Grant)
		route  string
		policy []string // a line more
	}
	examples := map[string]counterexample{
		// To Casbin's g() two equal names are one role.
		"r.caller != p.role":                 {caller: "lending_clerk", change: func(g *access.Grant) { g.Caller, g.Role = "lending_clerk", "shelf_clerk" }, route: "book-get"},
		"r.purpose == p.purpose":             {change: func(g *access.Grant) { g.Purpose = "weeding" }, route: "book-get"},
		"r.resource == p.resource":           {route: "book-list", policy: []string{"lending_clerk", "reading", "film", "book-list", "narrow", "allow"}},
		"r.route == p.route":                 {route: "book-list"},
		"r.scope == p.scope":                 {change: func(g *access.Grant) { g.Scope = "wide" }, route: "book-get"},
		"g(r.caller, p.role, r.application)": {},
	}
	if len(terms) != len(examples) {
		t.Fatalf("the shipped matcher has %d terms, %d are pinned here", len(terms), len(examples))
	}
	for i, term := range terms {
		example, known := examples[term]
		if !known {
			t.Fatalf("term %q is not pinned", term)
		}
		weaker := strings.Join(append(append([]string{}, terms[:i]...), terms[i+1:]...), " && ")
		decide := func(model string) (access.Decision, error) {
			s := snapshot(t)
			s.Model = model
			if example.policy != nil {
				s.Policies = append(s.Policies, example.policy)
			}
			g := grant()
			if example.change != nil {
				example.change(&g)
			}
			d, err := New(s, []access.Grant{g})
			if err != nil {
				return access.Decision{}, err
			}
			caller := "desk"
			if example.caller != "" {
				caller = example.caller
			}
			return d.Decide(Query{Caller: desk(caller), Application: "APP-1", Route: s.Route(example.route), Now: june}), nil
		}
		if strings.HasPrefix(term, "g(") {
			if _, err := decide(edited(t, "m = "+matcher, "m = "+weaker)); !errors.Is(err, errPermissive) {
				t.Errorf("without %s: %v, want errPermissive", term, err)
			}
			continue
		}
		if got, err := decide(shippedModel(t)); err != nil || got.Reason != access.NotPermitted {
			t.Errorf("whole matcher, example of %s: %+v, %v", term, got, err)
		}
		if got, err := decide(edited(t, "m = "+matcher, "m = "+weaker)); err != nil || !got.Allowed {
			t.Errorf("without %s nothing changes: %s, %v; the example pins nothing", term, got.Reason, err)
		}
	}
}

// TestManyCallersOneEnforcer: the answers do not depend on what was asked before
// (Casbin remembers role lookups inside a matcher).
func TestManyCallersOneEnforcer(t *testing.T) {
	s := snapshot(t)
	var grants []access.Grant
	for n := range 40 {
		grants = append(grants, grant(func(g *access.Grant) {
			g.Application, g.Caller = fmt.Sprintf("APP-%d", n), fmt.Sprintf("desk-%d", n%20)
			if n%2 == 1 {
				g.Role = "shelf_clerk"
			}
		}))
	}
	d := newDecider(t, s, grants...)
	for range 2 {
		for n, g := range grants {
			for route, want := range map[string]bool{"book-get": n%2 == 0, "book-list": n%2 == 1} {
				got := d.Decide(Query{Caller: desk(g.Caller), Application: g.Application, Route: s.Route(route), Now: june})
				if got.Allowed != want {
					t.Fatalf("%s %s: %+v", g.Application, route, got)
				}
			}
		}
	}
}
