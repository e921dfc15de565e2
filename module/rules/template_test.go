package rules

import (
	"net/url"
	"reflect"
	"testing"

	"hukougate/module/access"
)

func TestParseTemplate(t *testing.T) {
	for text, want := range map[string][]string{ // nil: refused
		"/a": {}, "/v1/a-b_c~d.e": {}, "/{a}": {"a"}, "/v1/{b}/x/{a_1}": {"b", "a_1"}, "/A/9": {},
		"": nil, "/": nil, "a": nil, "a/b": nil, "//": nil, "/a/": nil, "/a//b": nil, "/.": nil, "/..": nil, "/a/../b": nil, "/.hidden": nil,
		"/a b": nil, "/a%20b": nil, "/a;b": nil, "/a?b": nil, "/a#b": nil, "/ä": nil, "/a\n": nil, "/a\\b": nil, "/a:b": nil, "/*": nil,
		"/{}": nil, "/{A}": nil, "/{1}": nil, "/{a": nil, "/a}": nil, "/x{a}": nil, "/{a}x": nil, "/{a}/{a}": nil, "/{a}{b}": nil, "/{a-b}": nil,
	} {
		tpl, err := ParseTemplate(text)
		if (err == nil) != (want != nil) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if err != nil {
			continue
		}
		if got := tpl.Parameters(); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) || tpl.String() != text {
			t.Errorf("%q: parameters %q, spelt %q", text, got, tpl)
		}
	}
}

func parsed(t *testing.T, text string) Template {
	t.Helper()
	tpl, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func TestTemplateMatch(t *testing.T) {
	tpl := parsed(t, "/v1/{a}/x/{b}")
	for path, want := range map[string]map[string]string{
		"/v1/1/x/2":   {"a": "1", "b": "2"},
		"/v1/x/x/x":   {"a": "x", "b": "x"},
		"/v1/{a}/x/y": {"a": "{a}", "b": "y"},
		"/v1//x/2":    nil, "/v1/1/x/": nil, "/v1/1/x": nil, "/v1/1/x/2/": nil, "/v1/1/x/2/3": nil, "/v1/1/y/2": nil,
		"v1/1/x/2": nil, "": nil, "/": nil, "//v1/1/x/2": nil, "/V1/1/x/2": nil,
	} {
		got, ok := tpl.Match(path)
		if ok != (want != nil) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v", path, got, ok)
		}
	}
	if _, ok := (Template{}).Match("/"); ok {
		t.Error("the zero template matches")
	}
	if _, ok := (Template{}).Match(""); ok {
		t.Error("the zero template matches nothing at all")
	}
}

func TestTemplateExpand(t *testing.T) {
	tpl := parsed(t, "/v1/{a}/x/{b}")
	values := map[string]string{"a": url.PathEscape("../甲?"), "b": "2"}
	got, err := tpl.Expand(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	if err != nil || got != "/v1/..%2F%E7%94%B2%3F/x/2" {
		t.Errorf("%q, %v", got, err)
	}
	for name, lookup := range map[string]func(string) (string, bool){
		"missing": func(name string) (string, bool) { return "1", name == "a" },
		"empty":   func(string) (string, bool) { return "", true },
	} {
		if got, err := tpl.Expand(lookup); err == nil || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestTemplatesThatOverlap(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"/a", "/a", true}, {"/a", "/b", false}, {"/a", "/a/b", false}, {"/{x}", "/a", true}, {"/{x}", "/{y}", true},
		{"/a/{x}", "/{y}/b", true}, {"/a/{x}", "/b/{y}", false}, {"/a/{x}/c", "/a/b/d", false},
	} {
		a, b := parsed(t, tt.a), parsed(t, tt.b)
		if a.overlaps(b) != tt.want || b.overlaps(a) != tt.want {
			t.Errorf("%s and %s: overlap %v", tt.a, tt.b, !tt.want)
		}
	}
}

func TestTransformForms(t *testing.T) {
	for text, want := range map[string]access.Transform{
		"clear": {Kind: access.Clear}, "remove": {Kind: access.Remove}, "year": {Kind: access.Year}, "pseudonym": {Kind: access.Pseudonym},
		"keep 1+0": {Kind: access.Keep, First: 1}, "keep 0+4": {Kind: access.Keep, Last: 4}, "keep 10+99": {Kind: access.Keep, First: 10, Last: 99},
	} {
		got, err := ParseTransform(text)
		if err != nil || got != want || FormatTransform(got) != text {
			t.Errorf("%q: %+v, %v, written %q", text, got, err, FormatTransform(got))
		}
	}
	for _, text := range []string{"", "keep", "Clear", "clear ", " clear", "keep 1", "keep 1-2", "keep 0+0", "keep 00+0", "keep 100+1", "keep -1+2", "keep 1 + 2", "keep 1+2\n", "hash", "keep ١+٢"} {
		if got, err := ParseTransform(text); err == nil || got.Visible() {
			t.Errorf("%q: accepted as %+v", text, got)
		}
	}
	if got := FormatTransform(access.Transform{}); got != "remove" {
		t.Errorf("the zero transform is written %q", got)
	}
}
