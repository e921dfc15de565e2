package mask

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
)

// FuzzRewrite: never panics; an error releases nothing; what succeeds is strict
// JSON, a fixed point of names, holds no hidden canary, and an all-clear plan
// leaves the body as it was.
func FuzzRewrite(f *testing.F) {
	for seed := range uint64(30) {
		g := newGenerator(seed, seed)
		g.canary = true
		f.Add([]byte(g.document()))
	}
	f.Add([]byte(inList(`{"ZJXY":"CANARY","A":[{"B":"CANARY"}]}`)))
	f.Add([]byte(inList(`{"XM":"张三丰","JHR":{"XM":"ab\ud83d\ude00"},"JTCY":[{"XM":null}]}`)))
	k := testKeys(f)
	masked := compiled(f, residents())
	hideAll := compiled(f, Spec{Records: "/data/list/*", Members: []Member{{"XM", "name", access.Transform{Kind: access.Keep}}}})
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		m, err := masked.Rewrite(body, k)
		if !bytes.Equal(before, body) {
			t.Fatal("the source's bytes were changed")
		}
		if err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) || m.Body != nil || m.Done || m.Persons != nil {
				t.Fatalf("refused with %v and %v", err, m)
			}
		} else {
			if err := jsonlex.Valid(m.Body, jsonlex.Options{}); err != nil || !m.Done || m.Records < len(m.Persons) {
				t.Fatalf("%v: %s", err, m.Body)
			}
			again, err := masked.Rewrite(m.Body, k)
			if err != nil || again.Unnamed != 0 {
				t.Fatalf("the output is not what the plan names: %v, %d unnamed: %s", err, again.Unnamed, m.Body)
			}
		}
		// Where every value is hidden, no canary can get out in any form.
		if m, err := hideAll.Rewrite(body, k); err == nil && strings.Contains(strings.ToUpper(string(m.Body)), canary) {
			t.Fatalf("%s", m.Body)
		}
		allClear(t, body, k)
	})
}

// allClear names every member of a flat root record and expects the same bytes.
func allClear(t *testing.T, body []byte, k Keys) {
	members, err := jsonlex.ParseFlat(body, jsonlex.Options{})
	if err != nil {
		return
	}
	var s Spec
	for i, m := range members {
		path := strings.ReplaceAll(strings.ReplaceAll(m.Name, "~", "~0"), "/", "~1")
		if path == "" || strings.Contains(path, "*") {
			return
		}
		s.Members = append(s.Members, Member{Path: path, Field: "f" + string(rune('a'+i%3)), Transform: pass})
	}
	m, err := compiled(t, s).Rewrite(body, k)
	if err != nil || !bytes.Equal(m.Body, body) || m.Unnamed != 0 {
		t.Fatalf("all clear changed %q to %q (%v)", body, m.Body, err)
	}
}
