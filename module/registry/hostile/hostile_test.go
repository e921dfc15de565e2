package hostile

import (
	"slices"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/citizenid"
)

func TestCasesAreNamedOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Cases() {
		if c.Name == "" || c.Note == "" || seen[c.Name] || strings.Contains(c.Name, "@") {
			t.Errorf("case %+v", c)
		}
		seen[c.Name] = true
		if c.Expect != "" && !slices.Contains(access.Reasons(), c.Expect) {
			t.Errorf("%s expects %q, which is no reason", c.Name, c.Expect)
		}
	}
	// Every reason that speaks of the source is expected of some case.
	expected := make(map[access.Reason]bool)
	for _, c := range Cases() {
		expected[c.Expect] = true
	}
	for _, r := range access.Reasons() {
		if strings.HasPrefix(string(r), "source_") && !expected[r] {
			t.Errorf("no case expects %s", r)
		}
	}
}

func TestCanaries(t *testing.T) {
	canaries := DefaultCanaries()
	for i, c := range canaries {
		if len(mark(c.Value)) < 8 {
			t.Errorf("%s: mark %q is too short to be told apart", c.Field, mark(c.Value))
		}
		for _, other := range canaries[i+1:] {
			if c.Field == other.Field || strings.Contains(c.Value, mark(other.Value)) || strings.Contains(other.Value, mark(c.Value)) {
				t.Errorf("%s and %s can't be told apart", c.Field, other.Field)
			}
		}
		if !strings.HasSuffix(c.Field, "GMSFHM") {
			continue
		}
		check, err := citizenid.CheckCharacter(c.Value[:17])
		if err != nil || check != c.Value[17] || c.Value[6:10] < "1880" || c.Value[6:10] > "1905" {
			t.Errorf("%s is not a valid number of the past: %v", c.Field, err)
		}
	}
	if got := canaries.Value("XM"); got != "王CNRYxm7Q" {
		t.Errorf("XM is %s", got)
	}
	if got := canaries.Value("no such"); got != canaries[0].Value {
		t.Errorf("a field without a canary has %s", got)
	}
}

func TestLeaks(t *testing.T) {
	canaries := DefaultCanaries()
	name, id := canaries.Value("XM"), canaries.Value("GMSFHM")
	tests := []struct {
		what string
		data string
		want []string
	}{
		{"nothing", `{"XM":"王***","GMSFHM":"110105********9387"}`, nil},
		{"as it stands", "x" + name + "y", []string{"XM"}},
		{"two", name + id, []string{"GMSFHM", "XM"}},
		{"escapes", escaped(name), []string{"XM"}},
		{"capital escapes", strings.ReplaceAll(strings.ToUpper(escaped(id)), `\U`, `\u`), []string{"GMSFHM"}},
		{"UTF-16LE", utf16Of(name, false), []string{"XM"}},
		{"UTF-16BE", utf16Of(id, true), []string{"GMSFHM"}},
		{"gzip", "head" + gzipped(id), []string{"GMSFHM"}},
		{"gzip cut short", gzipped(strings.Repeat(id, 2000))[:60], []string{"GMSFHM"}},
		{"a part", id[:17], nil},
	}
	for _, tt := range tests {
		if got := canaries.Leaks([]byte(tt.data)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}

func TestOwnCanaries(t *testing.T) {
	s := &scene{Canaries{{"GMSFHM", "110105190001049387"}}}
	for _, d := range definitions {
		sent := d.play(s).bytes
		if leaks := s.canaries.Leaks(sent); (len(leaks) == 0) != slices.Contains(silent, d.Name) {
			t.Errorf("%s leaks %v of one canary", d.Name, leaks)
		}
	}
}
