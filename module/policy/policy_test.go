package policy

import (
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hukougate/module/access"
)

func TestZeroDeciderDenies(t *testing.T) {
	s := snapshot(t)
	q := Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june}
	for name, d := range map[string]*Decider{"nil": nil, "zero": {}} {
		if got := d.Decide(q); got.Allowed || got.Reason != access.RulesUnavailable {
			t.Errorf("%s: %+v", name, got)
		}
	}
	d := newDecider(t, s, grant())
	for name, zero := range map[string]Query{
		"zero query": {},
		"no route":   {Caller: q.Caller, Application: "APP-1", Now: june},
		"no caller":  {Application: "APP-1", Route: q.Route, Now: june},
		"no time":    {Caller: q.Caller, Application: "APP-1", Route: q.Route},
		"no kind":    {Caller: access.Caller{ID: "desk"}, Application: "APP-1", Route: q.Route, Now: june},
	} {
		if got := d.Decide(zero); got.Allowed || got.Reason == "" || got.Fields != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A grant issued to nobody is held by nobody, not by a caller without an id.
	nobodys := newDecider(t, s, grant(func(g *access.Grant) { g.Caller = "" }))
	if got := nobodys.Decide(Query{Caller: access.Caller{Kind: access.Internal}, Application: "APP-1", Route: q.Route, Now: june}); got.Allowed {
		t.Errorf("nobody: %+v", got)
	}
}

func TestAllowedDecisionIsWhole(t *testing.T) {
	s := snapshot(t)
	d := newDecider(t, s, grant())
	want := access.Decision{
		Allowed: true, Application: "APP-1", GrantRevision: 4, Role: "lending_clerk", Purpose: "reading", LegalBasis: "馆规第一条",
		Resource: "book", Route: "book-get", Scope: "narrow", RulesVersion: s.ID(), Budget: access.GrantBudget{RequestsPerMinute: 7, PersonsPerDay: 8},
		Fields: []access.FieldOutcome{{Field: "title", Transform: access.Transform{Kind: access.Clear}}},
	}
	if got := d.Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june}); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	withDefault := desk("desk")
	withDefault.DefaultApplication = "APP-1"
	if got := d.Decide(Query{Caller: withDefault, Route: s.Route("book-get"), Now: june}); !reflect.DeepEqual(got, want) {
		t.Errorf("by the caller's default: %+v", got)
	}
}

func TestReasons(t *testing.T) {
	s := snapshot(t)
	type change = func(*access.Grant)
	for name, tt := range map[string]struct {
		change change
		query  func(*Query)
		want   access.Reason
	}{
		"allowed":                 {},
		"no application":          {query: func(q *Query) { q.Application = "" }, want: access.ApplicationMissing},
		"unknown application":     {query: func(q *Query) { q.Application = "APP-9" }, want: access.ApplicationUnknown},
		"another's application":   {change: func(g *access.Grant) { g.Caller = "other" }, want: access.ApplicationUnknown},
		"caller in other case":    {query: func(q *Query) { q.Caller.ID = "Desk" }, want: access.ApplicationUnknown},
		"revoked":                 {change: func(g *access.Grant) { g.Revoked = true }, want: access.GrantRevoked},
		"revoked and expired":     {change: func(g *access.Grant) { g.Revoked, g.NotAfter = true, january }, want: access.GrantRevoked},
		"last instant":            {query: func(q *Query) { q.Now = newYear.Add(-1) }},
		"at its end":              {query: func(q *Query) { q.Now = newYear }, want: access.GrantExpired},
		"first instant":           {query: func(q *Query) { q.Now = january }},
		"before its begin":        {query: func(q *Query) { q.Now = january.Add(-1) }, want: access.GrantNotYetValid},
		"no begin":                {change: func(g *access.Grant) { g.NotBefore = time.Time{} }, want: access.GrantExpired},
		"no end":                  {change: func(g *access.Grant) { g.NotAfter = time.Time{} }, want: access.GrantExpired},
		"agreement ended":         {change: func(g *access.Grant) { g.Agreement = june }, want: access.AgreementExpired},
		"no agreement":            {change: func(g *access.Grant) { g.Agreement = time.Time{} }, want: access.AgreementExpired},
		"role not in the rules":   {change: func(g *access.Grant) { g.Role = "lending_clark" }, want: access.GrantInvalid},
		"no role":                 {change: func(g *access.Grant) { g.Role = "" }, want: access.GrantInvalid},
		"purpose not in rules":    {change: func(g *access.Grant) { g.Purpose = "reeding" }, want: access.GrantInvalid},
		"scope not in the rules":  {change: func(g *access.Grant) { g.Scope = "broad" }, want: access.GrantInvalid},
		"role of the other kind":  {change: func(g *access.Grant) { g.Role = "guest_reader" }, want: access.GrantInvalid},
		"caller of other kind":    {query: func(q *Query) { q.Caller.Kind = access.External }, want: access.GrantInvalid},
		"resource not granted":    {change: func(g *access.Grant) { g.Resources = []string{"film"} }, want: access.GrantInvalid},
		"no resource":             {change: func(g *access.Grant) { g.Resources = nil }, want: access.GrantInvalid},
		"scope not for purpose":   {change: func(g *access.Grant) { g.Scope = "weeders" }, want: access.GrantInvalid},
		"scope not for resource":  {change: func(g *access.Grant) { g.Scope = "named" }, query: func(q *Query) { q.Route = s.Route("film-get") }, want: access.GrantInvalid},
		"names no items":          {change: func(g *access.Grant) { g.Scope = "named" }, want: access.GrantInvalid},
		"names items":             {change: func(g *access.Grant) { g.Scope, g.Fields = "named", []string{"shelf"} }},
		"names an unknown field":  {change: func(g *access.Grant) { g.Fields = []string{"title", "tittle"} }, want: access.GrantInvalid},
		"names nothing visible":   {change: func(g *access.Grant) { g.Fields = []string{"reader"} }, want: access.GrantInvalid},
		"purpose without policy":  {change: func(g *access.Grant) { g.Purpose = "weeding" }, want: access.NotPermitted},
		"scope without policy":    {change: func(g *access.Grant) { g.Scope = "wide" }, want: access.NotPermitted},
		"route without policy":    {query: func(q *Query) { q.Route = s.Route("book-list") }, want: access.NotPermitted},
		"role without policy":     {change: func(g *access.Grant) { g.Role = "shelf_clerk" }, want: access.NotPermitted},
		"other role, its route":   {change: func(g *access.Grant) { g.Role = "shelf_clerk" }, query: func(q *Query) { q.Route = s.Route("book-list") }},
		"other resource's policy": {query: func(q *Query) { q.Route = s.Route("film-get") }},
	} {
		g := grant()
		if tt.change != nil {
			tt.change(&g)
		}
		q := Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june}
		if tt.query != nil {
			tt.query(&q)
		}
		checkReason(t, name, newDecider(t, s, g).Decide(q), tt.want)
	}
}

func checkReason(t *testing.T, name string, got access.Decision, want access.Reason) {
	t.Helper()
	if got.Reason != want || got.Allowed != (want == "") {
		t.Errorf("%s: allowed %v, %q, want %q", name, got.Allowed, got.Reason, want)
	}
	if !got.Allowed && got.Fields != nil {
		t.Errorf("%s: a denial names fields", name)
	}
	if got.RulesVersion == "" || got.Route == "" || got.Resource == "" {
		t.Errorf("%s: the decision does not say on what and under which rules: %+v", name, got)
	}
}

// TestFieldsNarrow: a grant's own list takes away and never adds.
func TestFieldsNarrow(t *testing.T) {
	s := snapshot(t)
	s.Policies = append(s.Policies, []string{"lending_clerk", "reading", "book", "book-get", "wide", "allow"})
	title := access.FieldOutcome{Field: "title", Transform: access.Transform{Kind: access.Clear}}
	shelf := access.FieldOutcome{Field: "shelf", Transform: access.Transform{Kind: access.Keep, First: 1}}
	for name, tt := range map[string]struct {
		fields []string
		want   []access.FieldOutcome
	}{
		"whole scope, of the resource only": {nil, []access.FieldOutcome{title, shelf}},
		"one field":                         {[]string{"shelf"}, []access.FieldOutcome{shelf}},
		"in another order":                  {[]string{"shelf", "title"}, []access.FieldOutcome{title, shelf}},
		"beside one the scope hides":        {[]string{"reader", "title"}, []access.FieldOutcome{title}},
	} {
		d := newDecider(t, s, grant(func(g *access.Grant) { g.Scope, g.Fields = "wide", tt.fields }))
		got := d.Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june})
		if !got.Allowed || !reflect.DeepEqual(got.Fields, tt.want) {
			t.Errorf("%s: %q, %+v", name, got.Reason, got.Fields)
		}
	}
}

// TestRoleHoldsForItsApplicationOnly: what one application gives does not
// leak into another of the same caller.
func TestRoleHoldsForItsApplicationOnly(t *testing.T) {
	s := snapshot(t)
	d := newDecider(t, s, grant(), grant(func(g *access.Grant) { g.Application, g.Role = "APP-2", "shelf_clerk" }))
	for application, allowed := range map[string]map[string]bool{
		"APP-1": {"book-get": true, "book-list": false},
		"APP-2": {"book-get": false, "book-list": true},
	} {
		for route, want := range allowed {
			got := d.Decide(Query{Caller: desk("desk"), Application: application, Route: s.Route(route), Now: june})
			if got.Allowed != want {
				t.Errorf("%s %s: %+v", application, route, got)
			}
		}
	}
}

// TestNamesAreExact: commas, line breaks and # in a name are part of it; they
// neither end it nor hide what follows.
func TestNamesAreExact(t *testing.T) {
	s := snapshot(t)
	for _, id := range []string{"desk, lending_clerk", "desk\ng, x, lending_clerk, APP-1", "desk#", "desk # x", `"desk"`, " desk", "desk\x00", "desk*", "*"} {
		d := newDecider(t, s, grant(func(g *access.Grant) { g.Caller = id }))
		if got := d.Decide(Query{Caller: desk(id), Application: "APP-1", Route: s.Route("book-get"), Now: june}); !got.Allowed {
			t.Errorf("%q with its own grant: %s", id, got.Reason)
		}
		if got := d.Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route("book-get"), Now: june}); got.Allowed {
			t.Errorf("desk passes with the grant of %q", id)
		}
		if got := d.Decide(Query{Caller: desk(id), Application: "APP-1", Route: s.Route("book-list"), Now: june}); got.Allowed {
			t.Errorf("%q passes where its role may not", id)
		}
	}
}

func TestSameApplicationTwice(t *testing.T) {
	if _, err := New(snapshot(t), []access.Grant{grant(), grant(func(g *access.Grant) { g.Revision = 5 })}); err == nil {
		t.Error("an application granted twice is accepted")
	}
}

// TestDecidesWhileReplaced asks from many goroutines while Deciders with and
// without the grant take each other's place: every answer is that of one whole
// Decider. Run with -race.
func TestDecidesWhileReplaced(t *testing.T) {
	s := snapshot(t)
	type version struct {
		*Decider
		granted bool
	}
	build := func(n int) *version {
		v := &version{granted: n%2 == 0}
		var grants []access.Grant
		if v.granted {
			grants = append(grants, grant())
		}
		v.Decider = newDecider(t, s, grants...)
		return v
	}
	var current atomic.Pointer[version]
	current.Store(build(0))
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for asked := 0; ; asked++ {
				select {
				case <-done:
					if asked > 0 {
						return
					}
				default:
				}
				v := current.Load()
				for route, may := range map[string]bool{"book-get": true, "book-list": false} {
					got := v.Decide(Query{Caller: desk("desk"), Application: "APP-1", Route: s.Route(route), Now: june})
					if want := v.granted && may; got.Allowed != want || want != (got.Reason == "") {
						t.Errorf("%s, granted %v: %+v", route, v.granted, got)
						return
					}
				}
			}
		})
	}
	for n := range 60 {
		current.Store(build(n))
	}
	close(done)
	asking.Wait()
}
