package plan

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/keys"
	"hukougate/module/mask"
	"hukougate/module/rules"
)

func shipped(t *testing.T) *rules.Snapshot {
	t.Helper()
	s, err := rules.Load(os.DirFS("../../rules"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func maskKeys(t *testing.T) mask.Keys {
	t.Helper()
	var out mask.Keys
	for name, k := range map[keys.Name]*keys.Key{keys.PersonPseudonym: &out.Person, keys.FieldPseudonym: &out.Field} {
		made, err := keys.New(name, 1, []byte("a secret of thirty-two bytes, al"))
		if err != nil {
			t.Fatal(err)
		}
		*k = made
	}
	return out
}

// TestCompile: what is given is shown, by every alias; what isn't, and what the
// resource doesn't list, is not.
func TestCompile(t *testing.T) {
	s := shipped(t)
	p, err := Compile(s, s.Route("resident-lookup"), []access.FieldOutcome{
		{Field: "name", Transform: access.Transform{Kind: access.Keep, First: 1}},
		{Field: "sex", Transform: access.Transform{Kind: access.Clear}},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := `{"code":0,"message":"甲","data":{"total":2,"list":[{"XM":"李四五","XB":"1","xbdm":"1","HJDZ":"甲","GMSFHM":"1","new":"x"},{"GMSFHM":"2"}]}}`
	m, err := p.Rewrite([]byte(in), maskKeys(t))
	if want := `{"code":0,"data":{"total":2,"list":[{"XM":"李****","XB":"1","xbdm":"1"},{}]}}`; err != nil || string(m.Body) != want {
		t.Errorf("%s %v, want %s", m.Body, err, want)
	}
	if len(m.Persons) != 2 {
		t.Errorf("%d persons, want 2: the number counts though it is not shown", len(m.Persons))
	}
	for _, wide := range []string{`{"code":10000}`, `{"code":13800138000}`, `{"data":{"total":1000001}}`, `{"data":{"total":18800101}}`} {
		var refusal *mask.Refusal
		if _, err := p.Rewrite([]byte(wide), maskKeys(t)); !errors.As(err, &refusal) || refusal.Reason != access.SourceShape {
			t.Errorf("%s: %v", wide, err)
		}
	}
}

func TestShippedRulesHaveTheirPlans(t *testing.T) {
	if err := Check(shipped(t)); err != nil {
		t.Error(err)
	}
}

// TestCheckRefuses: whatever the loader may have let through, a route without a
// plan is told with its resource, its route and what is wrong.
func TestCheckRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*rules.Snapshot)
		want   []string
	}{
		"too deep":            {func(s *rules.Snapshot) { s.Route("resident-lookup").Records = strings.Repeat("/a", 70) }, []string{`resource "resident", route "resident-lookup": mask: `, "71 deep"}},
		"envelope in records": {func(s *rules.Snapshot) { s.Route("resident-search").Envelope[0].At = "/data/list" }, []string{`route "resident-search"`, `envelope "/data/list"`}},
		"envelope word":       {func(s *rules.Snapshot) { s.Route("resident-search").Envelope[0].Allowed = []string{"成功"} }, []string{`route "resident-search"`, `envelope "/code"`}},
		"alias is a path":     {func(s *rules.Snapshot) { s.Field("name").Aliases = []string{"XM", "XM/XMX"} }, []string{`route "resident-lookup"`, `route "division-residents"`, `member "XM/XMX"`}},
		"transform of a scope": {func(s *rules.Snapshot) {
			i := slices.IndexFunc(s.Scope("bank-kyc").Fields, func(f access.FieldOutcome) bool { return f.Field == "name" })
			s.Scope("bank-kyc").Fields[i].Transform.Kind = "blur"
		}, []string{`route "resident-lookup"`, `member "XM"`, `with scope "bank-kyc"`}},
	} {
		s := shipped(t)
		tt.change(s)
		err := Check(s)
		if !errors.Is(err, mask.ErrSpec) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if p, err := Compile(s, s.Route("household-members"), nil); name == "alias is a path" && (err == nil || p != nil) {
			t.Errorf("%s: compiled", name)
		}
	}
}
