package mask

import (
	"sync"

	"hukougate/module/access"
	"hukougate/module/jsonlex"
	"hukougate/module/keys"
)

// run is the rewriting of one answer.
type run struct {
	plan *Plan
	keys Keys
	lex  *jsonlex.Lexer
	body []byte
	out  []byte
	text []byte // buffers for one decoded and one released value
	made []byte

	counts  []access.FieldCount
	records int
	unnamed int
	carried []carried
	known   map[string]struct{}
	persons []string
}

// lexers keeps the tokenizer's small buffers between answers; what they held is
// wiped before they go back.
var lexers = sync.Pool{New: func() any { return new(jsonlex.Lexer) }}

// Rewrite masks one whole answer, which the caller has bounded in size, and does
// not change it. All of it is checked, what is removed too. The error is a
// *Refusal, and the Masking is then zero: nothing of the answer may be released.
//
// An empty string and null pass as they are unless the field is removed: that a
// value is empty is visible. Under Keep and Year a number or a boolean is
// removed; under Pseudonym its text is replaced. A container where a scalar is
// named is removed.
func (p *Plan) Rewrite(body []byte, k Keys) (access.Masking, error) {
	if p == nil || p.root == nil {
		return access.Masking{}, &Refusal{Reason: access.InternalError}
	}
	if k.Person.Version() == 0 || p.fieldKey && k.Field.Version() == 0 {
		return access.Masking{}, &Refusal{Reason: access.KeysUnavailable, cause: keys.ErrNoKey}
	}
	lex := lexers.Get().(*jsonlex.Lexer)
	lex.Reset(body, jsonlex.Options{MaxDepth: p.maxDepth})
	defer func() {
		lex.Reset(nil, jsonlex.Options{})
		lexers.Put(lex)
	}()
	r := &run{
		plan: p, keys: k, lex: lex, body: body,
		out:     make([]byte, 0, len(body)+len(body)/8+64), // pseudonyms may be longer than values
		counts:  make([]access.FieldCount, len(p.fields)),
		carried: make([]carried, p.paths),
	}
	if refusal := r.whole(); refusal != nil {
		return access.Masking{}, refusal
	}
	return r.masking(), nil
}

// whole rewrites the top-level value and makes sure that nothing follows it.
func (r *run) whole() *Refusal {
	t, err := r.lex.Next()
	if err != nil {
		return refuse(err, 0)
	}
	if _, refusal := r.value(r.plan.root, t, 0, true); refusal != nil {
		return refusal
	}
	tail := r.lex.Offset()
	end, err := r.lex.Next()
	if err != nil {
		return refuse(err, 0)
	}
	r.copy(tail, end.Start)
	return nil
}

func (r *run) copy(from, to int) { r.out = append(r.out, r.body[from:to]...) }

// skip passes over a value, checking it.
func (r *run) skip(t jsonlex.Token) *Refusal {
	if _, err := r.lex.Skip(t); err != nil {
		return refuse(err, t.Start)
	}
	return nil
}

func shape(t jsonlex.Token) *Refusal {
	return &Refusal{Reason: access.SourceShape, Offset: t.Start}
}

// value rewrites the value that t begins. What stands between from and the value
// (the comma, white space, the name) is written with it. emit is false inside a
// container that is removed: then it only counts. kept tells whether anything
// was written.
func (r *run) value(n *node, t jsonlex.Token, from int, emit bool) (kept bool, refusal *Refusal) {
	switch n.kind {
	case leaf:
		return r.leaf(n, t, from, emit)
	case envelope:
		if !r.fits(n.scalar, t) {
			return false, shape(t)
		}
		r.copy(from, t.End)
		return true, nil
	}
	want := jsonlex.BeginObject
	if n.kind == array {
		want = jsonlex.BeginArray
	}
	emit = emit && n.visible
	switch {
	case t.Kind == jsonlex.Null && emit:
		r.copy(from, t.End)
		return true, nil
	case t.Kind != want && emit:
		return false, shape(t)
	case t.Kind != want:
		// Hidden whatever its type, so its type must not decide about the answer.
		r.unnamed++
		return false, r.skip(t)
	}
	if emit {
		r.copy(from, t.End)
	}
	if n.kind == array {
		return emit, r.array(n, t, emit)
	}
	return emit, r.object(n, t, emit)
}

// object rewrites the members of the object that begin opened.
func (r *run) object(n *node, begin jsonlex.Token, emit bool) *Refusal {
	c := cursor{tail: begin.End}
	for {
		t, err := r.lex.Next()
		if err != nil {
			return refuse(err, begin.Start)
		}
		if emit {
			r.between(&c, t)
		}
		if t.Kind == jsonlex.EndObject {
			if n.record {
				if err := r.counted(r.body[begin.Start:t.End]); err != nil {
					return refuse(err, begin.Start)
				}
			}
			return nil
		}
		child := n.children[string(r.lex.Name())]
		v, err := r.lex.Next()
		if err != nil {
			return refuse(err, begin.Start)
		}
		kept, refusal := false, (*Refusal)(nil)
		if child != nil {
			kept, refusal = r.value(child, v, c.from(t), emit)
		} else {
			r.unnamed++
			refusal = r.skip(v)
		}
		if refusal != nil {
			return refusal
		}
		c.passed(kept, r.lex.Offset())
	}
}

// array rewrites the elements of the array that begin opened.
func (r *run) array(n *node, begin jsonlex.Token, emit bool) *Refusal {
	c := cursor{tail: begin.End}
	for {
		t, err := r.lex.Next()
		if err != nil {
			return refuse(err, begin.Start)
		}
		if emit {
			r.between(&c, t)
		}
		if t.Kind == jsonlex.EndArray {
			return nil
		}
		kept, refusal := r.value(n.element, t, c.from(t), emit)
		if refusal != nil {
			return refusal
		}
		c.passed(kept, r.lex.Offset())
	}
}

// cursor follows the members of one container, so that each kept one is written
// with the bytes around it and each removed one goes with them.
type cursor struct {
	written bool // a member was written: the next needs its comma
	tail    int  // where the kept bytes before the next separator begin; -1: none
}

// from is where the segment of the member at t begins. All but the first written
// bring the comma before them.
func (c *cursor) from(t jsonlex.Token) int {
	if c.written {
		return t.Segment - 1
	}
	return t.Segment
}

func (c *cursor) passed(kept bool, end int) {
	c.tail = -1
	if kept {
		c.written, c.tail = true, end
	}
}

// between writes what stands between the last kept member (at first: the opening
// bracket) and the separator before t: white space, and a closing bracket when t
// is one.
func (r *run) between(c *cursor, t jsonlex.Token) {
	separator := t.Segment - 1
	closing := t.Kind == jsonlex.EndObject || t.Kind == jsonlex.EndArray
	if closing {
		separator = t.Start
	}
	if c.tail >= 0 && c.tail < separator { // the first member has no separator
		r.copy(c.tail, separator)
	}
	if closing {
		r.copy(t.Start, t.End)
	}
}

// leaf rewrites a value the rules name. Only what can be shown by its rule is.
func (r *run) leaf(n *node, t jsonlex.Token, from int, emit bool) (kept bool, refusal *Refusal) {
	r.note(n, t)
	account := &r.counts[n.field]
	text, hideable := r.literal(t, n.transform.Kind)
	switch {
	case !emit || n.transform.Kind == access.Remove || t.Kind.Container():
		account.Removed++
		return false, r.skip(t)
	case n.transform.Kind == access.Clear || t.Kind == jsonlex.Null || t.Kind == jsonlex.String && t.End-t.Start == 2:
		account.Clear++
		r.copy(from, t.End)
		return true, nil
	case !hideable:
		account.Removed++
		return false, nil
	}
	made, err := transformed(r.made[:0], n.transform, r.plan.fields[n.field], n.isPerson, text, r.keys.Field)
	if err != nil {
		return false, refuse(err, t.Start)
	}
	r.made = made
	r.copy(from, t.Start)
	r.out = jsonlex.AppendQuoted(r.out, made)
	account.Transformed++
	return true, nil
}

// literal returns the text a transform works on. Only Pseudonym takes anything
// but strings: half a number would still be a number.
func (r *run) literal(t jsonlex.Token, kind access.TransformKind) (text []byte, ok bool) {
	switch {
	case kind != access.Keep && kind != access.Year && kind != access.Pseudonym:
		return nil, false
	case t.Kind == jsonlex.String:
		text = r.lex.Text(t, r.text)
		if t.Escaped {
			r.text = text
		}
		return text, true
	case kind == access.Pseudonym && (t.Kind == jsonlex.Number || t.Kind == jsonlex.True || t.Kind == jsonlex.False):
		return r.body[t.Start:t.End], true
	}
	return nil, false
}
