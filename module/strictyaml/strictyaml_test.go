package strictyaml

import (
	"slices"
	"strings"
	"testing"
)

type sample struct {
	Name  Text            `yaml:"name" need:"yes"`
	Count int             `yaml:"count"`
	On    bool            `yaml:"on"`
	Items []item          `yaml:"items"`
	Map   map[string]Text `yaml:"map"`
	Word  Text            `yaml:"word" text:"only"`
	Ways  []way           `yaml:"ways"`
}

type item struct {
	ID Text `yaml:"id" need:"yes"`
}

type way struct {
	By   Text `yaml:"by" need:"one"`
	Over Text `yaml:"over" need:"one"`
	Note Text `yaml:"note"`
}

func TestDecodeRemembersWhere(t *testing.T) {
	var s sample
	if ps := Decode("a.yaml", []byte("name: x\nitems:\n  - id: first\nmap: {k: v}\ncount: 3\non: true\nword: \"7\"\nways: [{by: 7}, {over: x, note: y}]\n"), &s); ps.Err() != nil {
		t.Fatal(ps)
	}
	if s.Name.Value != "x" || s.Items[0].ID.Line != 3 || s.Map["k"].Value != "v" || s.Count != 3 || !s.On || s.Word.Value != "7" {
		t.Errorf("%+v", s)
	}
	if w := s.Ways; w[0].By.Value != "7" || w[0].Over != (Text{}) || w[1].Over.Line != 8 {
		t.Errorf("%+v", w)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"typo":          {"nmae: x\n", `a.yaml:1:1: unknown word "nmae"; did you mean "name"?`},
		"unlike any":    {"name: x\nzzzz: y\n", `a.yaml:2:1: unknown word "zzzz"; known: name, count, on,`},
		"text a number": {"name: x\nword: 7\n", `a.yaml:2:7: wants text; put it in quotes`},
		"text a date":   {"name: x\nword: 2026-01-01\n", `wants text; put it in quotes`},
		"text a truth":  {"name: x\nword: true\n", `wants text; put it in quotes`},
		"text tagged":   {"name: x\nword: !!binary eA==\n", `wants text; put it in quotes`},
		"text null":     {"name: x\nword: ~\n", `a.yaml:2:7: wants a word`},
		"none of":       {"name: x\nways: [{note: y}]\n", `a.yaml:2:8: wants exactly one of by, over`},
		"both of":       {"name: x\nways: [{by: y, over: z}]\n", `a.yaml:2:8: wants exactly one of by, over`},
		"comment only":  {"# nothing\n", `a.yaml: empty`},
		"junk after":    {"name: x\n...\n]", `second document`},
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

func TestDecodeTellsAllInReadingOrder(t *testing.T) {
	var s sample
	ps := Decode("a.yaml", []byte("count: x\nitems: [{id: a}, {idd: a}]\non: y\nways: [{}]\n"), &s)
	var at []int
	for _, p := range ps {
		at = append(at, p.Line)
	}
	if !slices.Equal(at, []int{1, 1, 2, 2, 3, 4}) {
		t.Errorf("%v:\n%v", at, ps)
	}
}

func TestProblemsShowNoPastedContent(t *testing.T) {
	secret := "hk_" + strings.Repeat("q", 32)
	for _, in := range []string{
		secret + ": x\n", "张三: x\n", "name: x\ncount: 张三\n", "name: x\non: " + secret + "\n", "name: x\nmap: {张三: a, 张三: b}\n",
		"name: *" + secret + "\n", "name: x\ncount: !!int " + secret + "\n", "name: x\n!!int count: 1\n", "name: x\ncount: 12345678901234567890\n",
	} {
		var s sample
		got := Decode("a.yaml", []byte(in), &s).Error()
		if got == "" || strings.Contains(got, "qqq") || strings.Contains(got, "张") || strings.Contains(got, "12345") {
			t.Errorf("%q: %q", in, got)
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
