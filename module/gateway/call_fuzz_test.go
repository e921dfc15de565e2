package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
)

// FuzzParseQuery: what is accepted is what net/url reads, each name once.
func FuzzParseQuery(f *testing.F) {
	for _, raw := range []string{"a=1&b=2", "a=%E4%B9%A6", "a=1&a=2", "a=+", "a;b=1", "=&x=", "%", "a=\xff"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, why := parseQuery(raw, true)
		if (why == "") == (got == nil) {
			t.Fatalf("%q: %v with %q", raw, got, why)
		}
		if why != "" {
			return
		}
		want, err := url.ParseQuery(raw)
		if err != nil || len(want) != len(got) {
			t.Fatalf("%q: %v, net/url reads %v, %v", raw, got, want, err)
		}
		for name, g := range got {
			if len(want[name]) != 1 || want[name][0] != g.text {
				t.Fatalf("%q: %q is %q, net/url reads %q", raw, name, g.text, want[name])
			}
		}
	})
}

// FuzzParseCall: whatever a server may pass on, what is accepted has a canonical
// path and values of their types, and the request made of it says only that.
func FuzzParseCall(f *testing.F) {
	s := snapshot(f)
	f.Add("POST", "/v1/books/get", fmt.Sprintf(`{"reader":%q,"title":"书名","count":3,"day":"20240229","shelf":"a"}`, someone))
	f.Add("GET", "/v1/divisions/110105/books?page=1&shelf=x", "")
	f.Add("POST", "/v1/divisions/110105/books", "{}")
	f.Add("GET", "/v1/divisions/110105/../110105/books?page=1", "")
	f.Add("GET", "/v1/divisions/11%30105/books?page=1", "")
	f.Add("GET", "//v1/divisions/110105/books;x?page=1#y", "")
	f.Add("GET", "http://x/v1/divisions/110105/books?page=1", "")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r := parsed(method, target, body, jsonHeader)
		if r == nil {
			return
		}
		c, _, why := parseCall(s, r, collectBody(r))
		if why != "" {
			if len(c.values) > 0 {
				t.Fatalf("refused with %q, yet holds values", why)
			}
			return
		}
		path, _, _ := strings.Cut(target, "?")
		if path != r.URL.Path || strings.ContainsAny(path, "%;\\#? ") || strings.Contains(path, "//") || strings.Contains(path, "/.") || strings.HasSuffix(path, "/") {
			t.Fatalf("accepts the path %q", path)
		}
		if _, ok := c.route.Path.Match(path); !ok || c.route.Method != method {
			t.Fatalf("%s %q is taken for route %s", method, path, c.route.ID)
		}
		checkCall(t, c)
	})
}

func checkCall(t *testing.T, c call) {
	t.Helper()
	seen := map[string]string{}
	for _, v := range c.values {
		if again, ok := checkValue(v.parameter, v.text); !ok || again != v.text {
			t.Fatalf("%s is %q, not canonical", v.parameter.Name, v.text)
		}
		seen[string(v.parameter.SendIn)+" "+v.parameter.SendAs] = v.text
	}
	for _, p := range c.route.Parameters {
		if _, there := seen[string(p.SendIn)+" "+p.SendAs]; p.Required && !there {
			t.Fatalf("%s is missing", p.Name)
		}
	}
	r, err := upstreamRequest(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	values, ok := c.route.UpstreamPath.Match(r.URL.Path)
	if !ok {
		t.Fatalf("asks the source for %q", r.URL.Path)
	}
	sent := map[string]string{}
	for name, text := range values {
		sent["path "+name] = text
	}
	for name, texts := range r.URL.Query() {
		sent["query "+name] = strings.Join(texts, " and ")
	}
	if r.Body != nil {
		members := map[string]any{}
		decoder := json.NewDecoder(r.Body)
		decoder.UseNumber()
		if err := decoder.Decode(&members); err != nil {
			t.Fatal(err)
		}
		for name, member := range members {
			sent["body "+name] = fmt.Sprint(member)
		}
	}
	if !maps.Equal(sent, seen) {
		t.Fatalf("sends %q, was asked %q", sent, seen)
	}
}
