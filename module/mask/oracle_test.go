package mask

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/jsonlex"
)

// oracle masks decoded values by the Spec itself: slow, without plan, tokenizer
// or splicing.
type oracle struct {
	t       *testing.T
	spec    Spec
	keys    Keys
	counts  map[string]access.FieldCount
	unnamed int
	records int
	shape   bool // a visible place has the wrong type
}

// document masks a whole answer.
func (o *oracle) document(in any) any { return o.place("", in) }

// place masks the value at an absolute path pattern outside the records.
func (o *oracle) place(path string, in any) any {
	if path == o.spec.Records {
		return o.container(in, func(m map[string]any) any { o.records++; return o.members("", m) })
	}
	if strings.HasPrefix(o.spec.Records, path+"/*") {
		return o.list(in, func(e any) any { return o.place(path+"/*", e) })
	}
	return o.container(in, func(m map[string]any) any {
		out := map[string]any{}
		for name, v := range m {
			at := path + "/" + name
			if slices.ContainsFunc(o.spec.Envelope, func(e EnvelopeMember) bool { return e.Path == at }) {
				out[name] = v // the generator writes fitting envelopes; others are tested apart
			} else if strings.HasPrefix(o.spec.Records+"/", at+"/") || slices.ContainsFunc(o.spec.Envelope, func(e EnvelopeMember) bool { return strings.HasPrefix(e.Path, at+"/") }) {
				out[name] = o.place(at, v)
			} else {
				o.unnamed++
			}
		}
		return out
	})
}

func (o *oracle) container(in any, f func(map[string]any) any) any {
	m, ok := in.(map[string]any)
	if in == nil {
		return nil
	}
	if !ok {
		o.shape = true
		return nil
	}
	return f(m)
}

func (o *oracle) list(in any, f func(any) any) any {
	if in == nil {
		return nil
	}
	l, ok := in.([]any)
	if !ok {
		o.shape = true
		return nil
	}
	out := []any{}
	for _, e := range l {
		out = append(out, f(e))
	}
	return out
}

// members masks the members of an object at a path inside the record.
func (o *oracle) members(prefix string, in map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range in {
		path := strings.TrimPrefix(prefix+"/"+name, "/")
		if field, t, ok := o.rule(path); ok {
			masked, kept := o.leaf(field, t, v)
			if kept {
				out[name] = masked
			}
			continue
		}
		switch o.below(path) {
		case nothing:
			o.unnamed++
		case onlyHidden:
			if m, ok := v.(map[string]any); ok {
				o.members(path, m)
			} else {
				o.unnamed++
			}
		case anObject:
			out[name] = o.container(v, func(m map[string]any) any { return o.members(path, m) })
		case aList:
			out[name] = o.list(v, func(e any) any {
				return o.container(e, func(m map[string]any) any { return o.members(path+"/*", m) })
			})
		}
	}
	return out
}

func (o *oracle) rule(path string) (string, access.Transform, bool) {
	for _, m := range o.spec.Members {
		if m.Path == path {
			return m.Field, m.Transform, true
		}
	}
	if slices.Contains(o.spec.PersonPaths, path) {
		return o.spec.Person, remove, true
	}
	return "", access.Transform{}, false
}

const (
	nothing = iota
	onlyHidden
	anObject
	aList
)

func (o *oracle) below(path string) int {
	found := nothing
	for _, m := range o.spec.Members {
		if !strings.HasPrefix(m.Path, path+"/") {
			continue
		}
		switch {
		case m.Transform.Kind == access.Remove:
			found = max(found, onlyHidden)
		case strings.HasPrefix(m.Path, path+"/*"):
			found = aList
		default:
			found = anObject
		}
	}
	return found
}

func (o *oracle) leaf(field string, t access.Transform, v any) (any, bool) {
	c := o.counts[field]
	defer func() { o.counts[field] = c }()
	_, isObject := v.(map[string]any)
	_, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	if t.Kind == access.Remove || isObject || isList {
		c.Removed++
		return nil, false
	}
	if t.Kind == access.Clear || v == nil || isText && text == "" {
		c.Clear++
		return v, true
	}
	if t.Kind == access.Pseudonym {
		if isNumber {
			text = number.String()
		} else if !isText {
			text = fmt.Sprint(v)
		}
		text = strings.TrimSpace(text)
		if field == o.spec.Person {
			text, _ = citizenid.Canonical(text)
		}
		c.Transformed++
		return named(o.t, o.keys.Field, field, text), true
	}
	if !isText {
		c.Removed++
		return nil, false
	}
	c.Transformed++
	if t.Kind == access.Year {
		return slowYear(text), true
	}
	return slowKeep(text, t.First, t.Last), true
}

func slowYear(s string) string {
	if len(s) == 10 {
		s = strings.ReplaceAll(s, "-", "")
	}
	return s[:4] // the generator writes dates only
}

func slowKeep(s string, first, last int) string {
	s = strings.TrimFunc(s, unicode.IsSpace)
	var all []string
	seen := 0
	for g := graphemes.FromString(s); g.Next(); {
		all = append(all, g.Value())
		if strings.TrimFunc(g.Value(), unicode.IsSpace) != "" {
			seen++
		}
	}
	if seen <= first+last {
		return "****"
	}
	return strings.Join(all[:first], "") + "****" + strings.Join(all[len(all)-last:], "")
}

func decoded(t *testing.T, body string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// TestAgreesWithOracle compares 4,000 generated answers with the slow
// implementation, account included.
func TestAgreesWithOracle(t *testing.T) {
	spec, k := residents(), testKeys(t)
	p := compiled(t, spec)
	for seed := range uint64(4000) {
		body := newGenerator(seed, seed+1).document()
		m, err := p.Rewrite([]byte(body), k)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, body)
		}
		o := &oracle{t: t, spec: spec, keys: k, counts: map[string]access.FieldCount{}}
		want := o.document(decoded(t, body))
		if o.shape {
			t.Fatalf("seed %d: the oracle refuses\n%s", seed, body)
		}
		if got := decoded(t, string(m.Body)); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %s\n got %v\nwant %v", seed, body, got, want)
		}
		if err := jsonlex.Valid(m.Body, jsonlex.Options{}); err != nil {
			t.Fatalf("seed %d: %v in %s", seed, err, m.Body)
		}
		counts := map[string]access.FieldCount{}
		for _, c := range m.Fields {
			field := c.Field
			c.Field = ""
			counts[field] = c
		}
		if !reflect.DeepEqual(counts, o.counts) || m.Unnamed != o.unnamed || m.Records != o.records {
			t.Fatalf("seed %d: account %v %d %d, want %v %d %d\n%s", seed, counts, m.Unnamed, m.Records, o.counts, o.unnamed, o.records, body)
		}
	}
}

// TestNonInterference: answers that differ only in hidden values are released
// byte for byte the same.
func TestNonInterference(t *testing.T) {
	k := testKeys(t)
	p := compiled(t, residents())
	differed := 0
	for seed := range uint64(2000) {
		a, b := newGenerator(seed, 1000000+seed).document(), newGenerator(seed, 2000000+seed).document()
		if a != b {
			differed++
		}
		one, err := p.Rewrite([]byte(a), k)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		two, err := p.Rewrite([]byte(b), k)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if string(one.Body) != string(two.Body) {
			t.Fatalf("seed %d: hidden values show\n%s\n%s\n%s\n%s", seed, a, b, one.Body, two.Body)
		}
	}
	if differed < 1500 {
		t.Fatalf("only %d pairs differed: the test proves nothing", differed)
	}
}

// TestCanariesStayIn: what is hidden is nowhere in the output, in no form.
func TestCanariesStayIn(t *testing.T) {
	k := testKeys(t)
	p := compiled(t, residents())
	present := 0
	for seed := range uint64(2000) {
		g := newGenerator(seed, seed)
		g.canary = true
		body := g.document()
		if raw, err := json.Marshal(decoded(t, body)); err != nil || strings.Contains(string(raw), canary) {
			present++
		}
		m, err := p.Rewrite([]byte(body), k)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		noCanary(t, m.Body)
	}
	if present < 1500 {
		t.Fatalf("only %d answers held a canary: the test proves nothing", present)
	}
}

// noCanary fails if any two letters of the canary stand together in the output,
// as they are, escaped, or in lower case.
func noCanary(t *testing.T, out []byte) {
	t.Helper()
	plain, err := json.Marshal(decoded(t, string(out)))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(out), string(plain)} {
		for _, part := range []string{canary, "CAN", "NARY", "密", "秘", `\u5bc6`, `\u79d8`, `\u0043\u0041`} {
			if strings.Contains(text, part) {
				t.Fatalf("%q got out: %s", part, text)
			}
		}
	}
}
