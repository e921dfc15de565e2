package mask

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hukougate/module/access"
)

func TestCompileRefuses(t *testing.T) {
	member := func(path string) Member { return Member{Path: path, Field: "f", Transform: pass} }
	members := func(paths ...string) Spec {
		s := Spec{Records: "/data/list/*"}
		for _, p := range paths {
			s.Members = append(s.Members, member(p))
		}
		return s
	}
	transform := func(tr access.Transform) Spec {
		return Spec{Members: []Member{{Path: "A", Field: "f", Transform: tr}}}
	}
	persons := func(person string, paths ...string) Spec {
		return Spec{Members: []Member{member("A"), member("B/C")}, Person: person, PersonPaths: paths}
	}
	for name, s := range map[string]Spec{
		"unknown transform":           transform(access.Transform{Kind: "blur"}),
		"transform in upper case":     transform(access.Transform{Kind: "Clear"}),
		"negative first":              transform(access.Transform{Kind: access.Keep, First: -1}),
		"negative last":               transform(access.Transform{Kind: access.Keep, Last: -1}),
		"first without keep":          transform(access.Transform{Kind: access.Clear, First: 1}),
		"last without keep":           transform(access.Transform{Kind: access.Year, Last: 1}),
		"no field":                    {Members: []Member{{Path: "A", Transform: pass}}},
		"empty path":                  members(""),
		"empty segment":               members("A//B"),
		"leading slash":               members("/A"),
		"trailing slash":              members("A/"),
		"bad escape":                  members("A~2"),
		"escape at the end":           members("A~"),
		"star inside a name":          members("A*"),
		"not UTF-8":                   members("A\xff"),
		"twice":                       members("A", "A"),
		"twice, escaped":              members("A~0", "A~0"),
		"leaf and container":          members("A", "A/B"),
		"container and leaf":          members("A/B", "A"),
		"object and array":            members("A/B", "A/*"),
		"array and object":            members("A/*", "A/B"),
		"record is no array":          members("*"),
		"records without slash":       {Records: "data"},
		"records with empty step":     {Records: "/data/"},
		"records only slash":          {Records: "/"},
		"negative depth":              {MaxDepth: -1},
		"paths above the depth":       {Records: "/a/b/*", MaxDepth: 3},
		"member above the depth":      {Records: "/a", MaxDepth: 2, Members: []Member{member("B/C")}},
		"person paths without person": persons("", "A"),
		"person path twice":           persons("f", "A", "A"),
		"person path is a container":  persons("f", "B"),
		"person path below a leaf":    persons("f", "A/B"),
		"person path in a list":       persons("f", "D/*"),
		"bad person path":             persons("f", "/A"),
	} {
		refusesSpec(t, name, s)
	}
}

func TestCompileRefusesEnvelopes(t *testing.T) {
	enveloped := func(records string, e EnvelopeMember) Spec {
		return Spec{Records: records, Envelope: []EnvelopeMember{e}}
	}
	for name, s := range map[string]Spec{
		"envelope type":             enveloped("/data", EnvelopeMember{Path: "/code", Type: "string"}),
		"envelope without type":     enveloped("/data", EnvelopeMember{Path: "/code"}),
		"envelope without slash":    enveloped("/data", EnvelopeMember{Path: "code", Type: Integer}),
		"envelope is all":           enveloped("/data", EnvelopeMember{Path: "", Type: Integer}),
		"envelope in a list":        enveloped("/data", EnvelopeMember{Path: "/pages/*", Type: Integer}),
		"envelope is the record":    enveloped("/data", EnvelopeMember{Path: "/data", Type: Integer}),
		"envelope in the record":    enveloped("/data", EnvelopeMember{Path: "/data/total", Type: Integer}),
		"envelope in a root record": enveloped("", EnvelopeMember{Path: "/code", Type: Integer}),
		"envelope on the way":       enveloped("/data/list/*", EnvelopeMember{Path: "/data", Type: Integer}),
		"envelope through a list":   enveloped("/list/*", EnvelopeMember{Path: "/list/total", Type: Integer}),
		"words for an integer":      enveloped("/data", EnvelopeMember{Path: "/code", Type: Integer, Allowed: []string{"0"}}),
		"a negative bound":          enveloped("/data", EnvelopeMember{Path: "/code", Type: Integer, Max: -1}),
		"a bound for a word":        enveloped("/data", EnvelopeMember{Path: "/code", Type: Word, Max: 1}),
		"a word that is none":       enveloped("/data", EnvelopeMember{Path: "/code", Type: Word, Allowed: []string{"成功"}}),
		"an empty word":             enveloped("/data", EnvelopeMember{Path: "/code", Type: Word, Allowed: []string{""}}),
		"envelope twice": {Records: "/data", Envelope: []EnvelopeMember{
			{Path: "/code", Type: Integer}, {Path: "/code", Type: Boolean}}},
	} {
		refusesSpec(t, name, s)
	}
}

func refusesSpec(t *testing.T, name string, s Spec) {
	t.Helper()
	if p, err := Compile(s); !errors.Is(err, ErrSpec) || p != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestCompileAccepts(t *testing.T) {
	for name, s := range map[string]Spec{
		"nothing named":    {},
		"zero transform":   {Members: []Member{{Path: "A", Field: "f"}}},
		"large counts":     {Members: []Member{{"A", "f", access.Transform{Kind: access.Keep, First: math.MaxInt, Last: math.MaxInt}}}},
		"exactly as deep":  {Records: "/a/b/*", MaxDepth: 4},
		"path of 64 names": {Members: []Member{{strings.Repeat("a/", 63) + "a", "f", pass}}},
		"full":             residents(),
	} {
		if _, err := Compile(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The zero transform removes; counts beyond any length hide whole.
	m, err := compiled(t, Spec{Members: []Member{
		{Path: "A", Field: "f"},
		{"B", "g", access.Transform{Kind: access.Keep, First: math.MaxInt, Last: math.MaxInt}},
	}}).Rewrite([]byte(`{"A":"canary","B":"canary"}`), testKeys(t))
	if err != nil || string(m.Body) != `{"B":"****"}` {
		t.Errorf("%s %v", m.Body, err)
	}
}

// TestPlanIsItsOwn: changing the Spec afterwards does not change the plan.
func TestPlanIsItsOwn(t *testing.T) {
	s := residents()
	p := compiled(t, s)
	for i := range s.Envelope {
		for j := range s.Envelope[i].Allowed {
			s.Envelope[i].Allowed[j] = "changed"
		}
	}
	for i := range s.Members {
		s.Members[i].Transform = pass
	}
	m, err := p.Rewrite([]byte(`{"status":"success","data":{"list":[{"XM":"张三丰"}]}}`), testKeys(t))
	if err != nil || !strings.Contains(string(m.Body), `张****`) {
		t.Errorf("%s %v", m.Body, err)
	}
}
