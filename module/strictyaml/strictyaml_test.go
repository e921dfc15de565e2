package strictyaml

import (
	"strings"
	"testing"
)

type sample struct {
	Name  Text            `yaml:"name" need:"yes"`
	Count int             `yaml:"count"`
	On    bool            `yaml:"on"`
	Items []item          `yaml:"items"`
	Map   map[string]Text `yaml:"map"`
}

type item struct {
	ID Text `yaml:"id" need:"yes"`
}

func TestDecodeRemembersWhere(t *testing.T) {
	var s sample
	if ps := Decode("a.yaml", []byte("name: x\nitems:\n  - id: first\nmap: {k: v}\ncount: 3\non: true\n"), &s); ps.Err() != nil {
		t.Fatal(ps)
	}
	if s.Name.Value != "x" || s.Items[0].ID.Line != 3 || s.Map["k"].Value != "v" || s.Count != 3 || !s.On {
		t.Errorf("%+v", s)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"typo":          {"nmae: x\n", `a.yaml:1:1: unknown word "nmae"; did you mean "name"?`},
		"missing":       {"count: 1\n", `"name" is missing`},
		"twice":         {"name: a\nname: b\n", `stands twice`},
		"number":        {"name: a\ncount: many\n", `a.yaml:2:8: wants a whole number, not "many"`},
		"bool":          {"name: a\non: yep\n", `wants true or false`},
		"null":          {"name:\n", `wants a word`},
		"list":          {"name: a\nitems: x\n", `wants a list`},
		"list for word": {"name: [a]\n", `wants a word`},
		"alias":         {"name: &a x\nitems: []\n", `anchors and aliases`},
		"merge":         {"name: x\n<<: {count: 1}\n", `plain word as key`},
		"two documents": {"name: x\n---\nname: y\n", `second document`},
		"empty":         {"", `empty`},
		"BOM":           {"\xef\xbb\xbfname: x\n", `byte order mark`},
		"not UTF-8":     {"name: \xff\n", `UTF-8`},
		"syntax":        {"name: [\n", `a.yaml:`},
		"nested typo":   {"name: x\nitems:\n  - idd: y\n", `did you mean "id"?`},
		"map twice":     {"name: x\nmap: {a: b, a: c}\n", `stands twice`},
		"large":         {"name: " + strings.Repeat("x", MaxBytes), `larger than`},
	} {
		var s sample
		if got := Decode("a.yaml", []byte(tc.in), &s).Error(); !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		} else if s.Name.Value != "" {
			t.Errorf("%s: the struct was filled in spite of a problem", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: x\nitems: [{id: a}]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var s sample
		_ = Decode("f", data, &s)
	})
}
