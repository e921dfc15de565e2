package rules

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"hukougate/module/strictyaml"
)

// TestWhatCannotBeMaskedIsRefused: the masker would refuse these when the first
// query comes, or let through what it should not.
func TestWhatCannotBeMaskedIsRefused(t *testing.T) {
	const code, records = "{at: /code, type: integer}", "records: /data/list/*\n          envelope:\n"
	refuses(t, []refusal{
		{"catalogue.yaml", "[LOAN]", "[LOAN/DATE]", `alias "LOAN/DATE" is empty or holds /, *, ~`},
		{"catalogue.yaml", "[LOAN]", `["*"]`, `alias "*" is empty or holds /, *, ~`},
		{"catalogue.yaml", "[LOAN]", "[LOAN~2]", `alias "LOAN~2" is empty or holds /, *, ~`},
		{"catalogue.yaml", "[LOAN]", `["LO\nAN"]`, `alias "LO\nAN" is empty or holds`},

		{"resources.yaml", "[ok, none]", "[ok, 成功]", `"成功" is no word a token may be`},
		{"resources.yaml", "[ok, none]", `["", ok]`, `"" is no word a token may be`},
		{"resources.yaml", "[ok, none]", "[ok, not found]", `"not found" is no word a token may be`},
		{"resources.yaml", "[ok, none]", "[ok, " + strings.Repeat("a", 65) + "]", `is no word a token may be`},
		{"resources.yaml", code, "{at: /code, type: integer, allowed: [a]}", `the integer at "/code" has a list of words allowed`},
		{"resources.yaml", code, "{at: /data, type: integer}", `"/data" is not outside the records at "/data/list/*"`},
		{"resources.yaml", code, "{at: /data/list, type: integer}", `"/data/list" is not outside the records`},
		{"resources.yaml", code, "{at: /data/list/total, type: integer}", `"/data/list/total" is not outside the records`},
		{"resources.yaml", records, strings.Replace(records, "/data/list/*", "/*", 1), `ANY "/code" is not outside the records at "/*"`},
		{"resources.yaml", records, strings.Replace(records, "/data/list/*", `""`, 1), `ANY "/code" is not outside the records at ""`},
		{"resources.yaml", "{at: /state,", "{at: /code,", `"/code" contradicts "/code"`},
		{"resources.yaml", "{at: /state,", "{at: /code/state,", `"/code/state" contradicts "/code"`},

		{"resources.yaml", code, "{at: /code, type: integer, max: 0}", `max of "/code" is for an integer, and at least 1`},
		{"resources.yaml", code, "{at: /code, type: integer, max: -1}", `max of "/code" is for an integer, and at least 1`},
		{"resources.yaml", code, "{at: /code, type: boolean, max: 1}", `max of "/code" is for an integer`},
	})
}

func TestEnvelopeBesideTheRecords(t *testing.T) {
	m, _ := with(t, "resources.yaml", "{at: /code, type: integer}", "{at: /data/total, type: integer, max: 9}")
	s, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Route("book-get").Envelope[0], (Envelope{At: "/data/total", Type: "integer", Max: 9, Allowed: []string{}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestTwinsShowNoMoreThanTheirField: a text beside its masked code, or a pinyin
// beside its masked name, would undo the mask.
func TestTwinsShowNoMoreThanTheirField(t *testing.T) {
	const both = "title: clear\n      reader: keep 1+2\n      title_text: remove"
	refuses(t, []refusal{
		{"scopes.yaml", both, "title_text: clear\n      title: keep 1+0", `scope "narrow" shows title_text (clear) but not all of title (keep 1+0), which it repeats in another form`},
		{"scopes.yaml", both, "title_text: keep 1+0\n      title: keep 1+0", `scope "narrow" shows title_text (keep 1+0) but not all of title (keep 1+0)`},
		{"scopes.yaml", "reader: pseudonym", "title_text: clear", `scope "named" shows title_text (clear) but not all of title (remove)`},
		{"catalogue.yaml", "twin_of: title", "twin_of: title_text", `field "title_text" is its own twin`},
	})
	for _, twin := range []string{"clear", "keep 1+0", "pseudonym"} { // beside the clear field none tells more
		m, _ := with(t, "scopes.yaml", "title_text: remove", "title_text: "+twin)
		if s, err := Load(m); err != nil || FormatTransform(s.Scope("narrow").Outcome("title_text")) != twin {
			t.Errorf("%s: %v", twin, err)
		}
	}
}

// TestUnreadFileHidesWhatRefersToIt: of a catalogue that can't be read no field
// is known, and no scope is to blame for that. What stands before it is told.
func TestUnreadFileHidesWhatRefersToIt(t *testing.T) {
	m := files()
	for file, edit := range map[string][2]string{
		"bundle.yaml":    {"version: 3", "version: 0"},
		"catalogue.yaml": {"level: sensitive", "levle: sensitive"},
		"limits.yaml":    {"burst: 10", "burst: 0"},
		"scopes.yaml":    {"loan_date: year", "loan_date: yaer"},
	} {
		m[file] = &fstest.MapFile{Data: []byte(strings.Replace(library[file], edit[0], edit[1], 1))}
	}
	_, err := Load(m)
	var ps strictyaml.Problems
	if !errors.As(err, &ps) || ps[0].File != "bundle.yaml" || len(ps) < 2 {
		t.Fatalf("%v", err)
	}
	for _, p := range ps[1:] {
		if p.File != "catalogue.yaml" {
			t.Errorf("beside the catalogue's own problems: %v", p)
		}
	}
}
