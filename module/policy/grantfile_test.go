package policy

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/strictyaml"
)

func b64(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// sameGrant compares two grants by what they mean: instants may be written in
// any zone, and the digest is of the text.
func sameGrant(a, b access.Grant) bool {
	times := a.NotBefore.Equal(b.NotBefore) && a.NotAfter.Equal(b.NotAfter) && a.Agreement.Equal(b.Agreement)
	a.NotBefore, a.NotAfter, a.Agreement, a.Digest = b.NotBefore, b.NotAfter, b.Agreement, b.Digest
	return times && reflect.DeepEqual(a, b)
}

// TestFormatIsReadBack: whatever a word holds, it is written so that YAML reads
// that word and nothing beside it. ParseGrant refuses the worst of them, after.
func TestFormatIsReadBack(t *testing.T) {
	for name, change := range map[string]func(*access.Grant){
		"plain":              func(*access.Grant) {},
		"no budget":          func(g *access.Grant) { g.Budget = access.GrantBudget{} },
		"fields":             func(g *access.Grant) { g.Fields = []string{"title", "shelf"} },
		"revoked":            func(g *access.Grant) { g.Revoked = true },
		"quotes":             func(g *access.Grant) { g.Unit, g.LegalBasis = `"a" \ 'b'`, "a: b # c" },
		"line breaks":        func(g *access.Grant) { g.Unit = "a\nrevoked: true\n# signature: hukou-grant-v1 x y\n" },
		"fraction of second": func(g *access.Grant) { g.NotAfter = g.NotAfter.Add(1) },
		"rare characters":    func(g *access.Grant) { g.Unit = "𠮷\u200b\u202e\x7f\u0085\ufeff" },
		"words YAML reads":   func(g *access.Grant) { g.Role, g.Purpose, g.Scope = "null", "a: b", "~" },
		"words beside them":  func(g *access.Grant) { g.Role, g.Purpose, g.Scope = "true", "1", "x # y" },
		"words that inject":  func(g *access.Grant) { g.Role = "x\nrevoked: false" },
		"lists that inject":  func(g *access.Grant) { g.Resources, g.Fields = []string{"a, b", "c]"}, []string{"null", "", "{a: b}"} },
	} {
		want := grant(change)
		text := FormatGrant(want)
		var y grantYAML
		ps := strictyaml.Decode("g.yaml", text, &y)
		r := grantReader{file: "g.yaml"}
		if got := r.read(&y); len(ps)+len(r.problems) > 0 || !sameGrant(got, want) {
			t.Errorf("%s: %v %v\n%s\ngot  %+v\nwant %+v", name, ps, r.problems, text, got, want)
		}
		parsed, err := ParseGrant("g.yaml", text)
		if err == nil && (!sameGrant(parsed, want) || len(parsed.Digest) != 64) {
			t.Errorf("%s: parsed as %+v", name, parsed)
		}
		if ordinary := name == "plain" || name == "fields" || name == "revoked" || name == "quotes"; ordinary && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseGrantRefuses(t *testing.T) {
	whole := string(FormatGrant(grant()))
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"unknown word":        {"revision: 4", "revison: 4", `g.yaml:4:1: unknown word "revison"; did you mean "revision"?`},
		"missing":             {"caller: desk\n", "", `"caller" is missing`},
		"twice":               {"caller: desk\n", "caller: desk\ncaller: desk\n", `g.yaml:6:1: "caller" stands twice`},
		"no application":      {"application: APP-1", `application: ""`, "an application number is"},
		"small letters":       {"application: APP-1", "application: app-1", "g.yaml:3:14: an application number is"},
		"comma":               {"application: APP-1", `application: "APP-1,x"`, "an application number is"},
		"line break":          {"application: APP-1", `application: "APP-1\n"`, "an application number is"},
		"long":                {"application: APP-1", "application: A" + strings.Repeat("1", 63), "an application number is"},
		"caller like a role":  {"caller: desk", "caller: lending_clerk", "a caller id is small letters, digits and dashes"},
		"caller with comma":   {"caller: desk", `caller: "desk,x"`, "a caller id is"},
		"no revision":         {"revision: 4", "revision: 0", "revision starts at 1"},
		"negative revision":   {"revision: 4", "revision: -1", "revision starts at 1"},
		"huge revision":       {"revision: 4", "revision: 1000000001", "revision is at most 1000000000"},
		"revision in words":   {"revision: 4", "revision: four", `wants a whole number, not "four"`},
		"day without time":    {`"2026-01-01T00:00:00Z"`, `"2026-01-01"`, `"2026-01-01" is not a time such as`},
		"ends before":         {`not_after: "2027`, `not_after: "2025`, "not_after is not later than not_before"},
		"ends at its begin":   {`not_after: "2027`, `not_after: "2026`, "not_after is not later than not_before"},
		"negative budget":     {"requests_per_minute: 7", "requests_per_minute: -7", "a budget is not negative"},
		"no resources":        {"[book, film]", "[]", "resources is empty"},
		"no legal basis":      {`"馆规第一条"`, `""`, "g.yaml:9:14: legal_basis is empty, longer than 250 characters"},
		"revoked by a word":   {"revoked: false", "revoked: no", `wants true or false`},
		"second document":     {"revoked: false\n", "revoked: false\n---\nrevoked: true\n", "second document"},
		"alias":               {"scope: narrow", "scope: &a narrow", "anchors and aliases are not used here"},
		"list for a word":     {"scope: narrow", "scope: [narrow]", "wants a word"},
		"null for a word":     {"scope: narrow", "scope: null", "wants a word"},
		"unknown budget word": {"persons_per_day: 8", "persons_a_day: 8", `unknown word "persons_a_day"; did you mean "persons_per_day"?`},
	} {
		if strings.Count(whole, tt.old) != 1 {
			t.Fatalf("%s: %q does not stand once in\n%s", name, tt.old, whole)
		}
		g, err := ParseGrant("g.yaml", []byte(strings.Replace(whole, tt.old, tt.replacement, 1)))
		var ps strictyaml.Problems
		if !errors.As(err, &ps) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q (%+v)", name, err, tt.want, g)
		}
	}
}

func TestValidApplication(t *testing.T) {
	for text, want := range map[string]bool{
		"APP-2026-0001": true, "A12": true, "123": true, "A" + strings.Repeat("-", 62): true,
		"": false, "A1": false, "-A1": false, "app": false, "A_1": false, "A 1": false, "A1\n": false, "A,1": false, "Ａ12": false, "A" + strings.Repeat("1", 63): false,
	} {
		if ValidApplication(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestCheckAgainst(t *testing.T) {
	s := snapshot(t)
	for name, tt := range map[string]struct {
		change func(*access.Grant)
		want   []string // none: fits
	}{
		"fits":             {func(*access.Grant) {}, nil},
		"named items":      {func(g *access.Grant) { g.Scope, g.Fields, g.Resources = "named", []string{"title"}, []string{"book"} }, nil},
		"revoked":          {func(g *access.Grant) { g.Revoked = true }, nil},
		"role":             {func(g *access.Grant) { g.Role = "lending_clrek" }, []string{`role "lending_clrek" is not in the rules; did you mean "lending_clerk"?`}},
		"purpose":          {func(g *access.Grant) { g.Purpose = "reeding" }, []string{`purpose "reeding" is not in the rules; did you mean "reading"?`}},
		"scope":            {func(g *access.Grant) { g.Scope = "narow" }, []string{`scope "narow" is not in the rules; did you mean "narrow"?`}},
		"resource":         {func(g *access.Grant) { g.Resources = []string{"book", "flim"} }, []string{`resource "flim" is not in the rules; did you mean "film"?`}},
		"field":            {func(g *access.Grant) { g.Fields = []string{"titel"} }, []string{`field "titel" is not in the rules; did you mean "title"?`}},
		"scope's purpose":  {func(g *access.Grant) { g.Scope = "weeders" }, []string{`scope "weeders" is not for purpose "reading"`}},
		"no named items":   {func(g *access.Grant) { g.Scope = "named" }, []string{`scope "named" needs the grant to name its fields`}},
		"no policy line":   {func(g *access.Grant) { g.Role = "shelf_clerk"; g.Scope = "wide" }, []string{`resource "book" has no policy line that allows role "shelf_clerk", purpose "reading" and scope "wide"`, `resource "film" has no policy line`}},
		"line for another": {func(g *access.Grant) { g.Role = "shelf_clerk" }, []string{`resource "film" has no policy line that allows role "shelf_clerk"`}},
		"scope's resource": {func(g *access.Grant) { g.Scope, g.Fields = "named", []string{"title"} }, []string{`resource "film" is not in scope "named"`}},
		"hidden field":     {func(g *access.Grant) { g.Fields = []string{"reader", "title", "length"} }, []string{`field "reader" is not shown by scope "narrow" of the resources granted`}},
		"nothing visible":  {func(g *access.Grant) { g.Fields = []string{"title"} }, []string{`resource "film" carries none of the fields that scope "narrow" and the grant show`}},
		"no agreement":     {func(g *access.Grant) { g.Agreement = g.NotBefore }, []string{`application "APP-1" is never in force: at its beginning already agreement_expired`}},
		"all at once":      {func(g *access.Grant) { g.Role, g.Resources = "x_y", []string{"z"} }, []string{`role "x_y"`, `resource "z"`}},
	} {
		err := CheckAgainst("g.yaml", grant(tt.change), s)
		if (err != nil) != (tt.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tt.want {
			if err != nil && !strings.Contains(err.Error(), "g.yaml: "+want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}
