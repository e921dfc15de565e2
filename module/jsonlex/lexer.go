package jsonlex

import "unicode/utf8"

// state is what the grammar allows next.
type state uint8

const (
	wantValue   state = iota // at the top, or after a colon
	afterObject              // after '{': a name or '}'
	afterArray               // after '[': a value or ']'
	afterValue               // a comma, a closing bracket, or the end
	ended
)

// Lexer gives the tokens of one text in order. The zero Lexer reads an empty
// text; Reset prepares one, keeping its buffers. It is not safe for concurrent
// use.
type Lexer struct {
	body []byte // up to the first byte that is not valid UTF-8
	cut  int    // 0: body is the whole text; otherwise why it was cut, see Reset
	opt  Options

	pos   int
	state state
	err   error

	frames  []frame
	names   []member // names seen in the open objects, innermost last
	slots   []int32  // hash tables of the open objects with many members
	decoded []byte   // decoded text of escaped names in the open objects
	name    member   // the last Name
}

// frame is one open container.
type frame struct {
	object  bool
	hashed  bool // the names stand in a hash table at slots
	names   int  // where its names begin
	slots   int  // where its hash table begins
	decoded int  // where its decoded names begin
}

// Buffers above these capacities are not kept from one text to the next.
const (
	keepNames   = 4096
	keepDecoded = 1 << 14
)

const (
	whole    = iota
	badRune  // bytes that are no UTF-8 follow
	partRune // the text ends inside a rune
)

// Reset makes the lexer read body, which it does not change and must not be
// changed while it is read. Reset(nil, Options{}) lets go of all content.
func (l *Lexer) Reset(body []byte, o Options) {
	if cap(l.names) > keepNames || cap(l.decoded) > keepDecoded {
		// One odd text must not keep its buffers, and their wiping, for ever. The
		// hash tables are bounded by the names.
		*l = Lexer{}
	}
	clear(l.decoded[:cap(l.decoded)])
	*l = Lexer{
		body: body, opt: o.withDefaults(),
		frames: l.frames[:0], names: l.names[:0], slots: l.slots[:0], decoded: l.decoded[:0],
	}
	// One fast pass settles UTF-8 for the whole text, so that the scanners may
	// treat every byte above 0x7F as plain. What follows the first bad byte does
	// not exist for them.
	if utf8.Valid(body) {
		return
	}
	at := 0
	for {
		r, n := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	l.body, l.cut = body[:at], partRune
	if utf8.FullRune(body[at:]) {
		l.cut = badRune
	}
}

// Depth is the number of containers open after the last token.
func (l *Lexer) Depth() int { return len(l.frames) }

// Offset is where the last token ended; after a Name, where its colon ended.
func (l *Lexer) Offset() int { return l.pos }

// Name returns the decoded text of the last Name token. It stays valid until the
// next call of Next or Skip; it must not be changed.
func (l *Lexer) Name() []byte { return l.text(&l.name) }

// Text returns the decoded text of a String or Name token: the text's own bytes
// when nothing is escaped, else decoded into buf[:0].
func (l *Lexer) Text(t Token, buf []byte) []byte {
	inner := l.body[t.Start+1 : t.End-1]
	if !t.Escaped {
		return inner
	}
	return appendUnescaped(buf[:0], inner)
}

// Next returns the next token, or End after the top-level value and nothing but
// white space. The error is a *SyntaxError and stays.
func (l *Lexer) Next() (Token, error) {
	segment := l.pos
	c, ok := l.peek()
	if !ok || l.err != nil || len(l.frames) == 0 && l.state >= afterValue {
		return l.atEdge(ok)
	}
	object := l.state == afterObject
	switch l.state {
	case afterValue: // a closing bracket, or a comma and the next one
		object = l.frames[len(l.frames)-1].object
		if c != ',' {
			return l.closing(c, object)
		}
		l.pos++
		segment = l.pos
		if _, ok = l.peek(); !ok {
			return l.atEnd()
		}
	case afterObject, afterArray:
		if c == '}' || c == ']' {
			return l.closing(c, object)
		}
	}
	if object {
		return l.memberName(segment)
	}
	return l.value(segment)
}

// atEdge answers where no token can be read: after an error, at the end of the
// text, and after the top-level value.
func (l *Lexer) atEdge(more bool) (Token, error) {
	switch {
	case l.err != nil:
		return Token{}, l.err
	case l.state < afterValue || len(l.frames) > 0:
		return l.atEnd()
	case more || l.cut != whole:
		return l.fail(l.pos, Malformed)
	}
	l.state = ended
	return Token{Kind: End, Start: l.pos, End: l.pos, Segment: l.pos}, nil
}

// Skip consumes the rest of the container that t opened, checking it like
// everything else, and returns the offset just past it. For any other token it
// returns t.End.
func (l *Lexer) Skip(t Token) (int, error) {
	if !t.Kind.Container() {
		return t.End, nil
	}
	outside := len(l.frames) - 1
	for {
		t, err := l.Next()
		if err != nil {
			return 0, err
		}
		if len(l.frames) == outside {
			return t.End, nil
		}
	}
}

func (l *Lexer) value(segment int) (Token, error) {
	start := l.pos
	l.state = afterValue
	switch c := l.body[start]; {
	case c == '"':
		escaped, err := l.scanString()
		return Token{Kind: String, Escaped: escaped, Start: start, End: l.pos, Segment: segment}, err
	case c == '{' || c == '[':
		return l.opening(c, segment)
	case c == '-' || c >= '0' && c <= '9':
		err := l.scanNumber()
		return Token{Kind: Number, Start: start, End: l.pos, Segment: segment}, err
	case c == 't':
		return l.literal("true", True, segment)
	case c == 'f':
		return l.literal("false", False, segment)
	case c == 'n':
		return l.literal("null", Null, segment)
	}
	return l.fail(start, Malformed)
}

// memberName reads a name and its colon, and refuses one seen in this object.
func (l *Lexer) memberName(segment int) (Token, error) {
	start := l.pos
	if l.body[start] != '"' {
		return l.fail(start, Malformed)
	}
	escaped, err := l.scanString()
	if err != nil {
		return Token{}, err
	}
	end := l.pos
	m := member{from: start + 1, to: end - 1, escaped: escaped}
	if escaped {
		m.from = len(l.decoded)
		l.decoded = appendUnescaped(l.decoded, l.body[start+1:end-1])
		m.to = len(l.decoded)
	}
	l.name = m
	if !l.addName(m) {
		return l.fail(start, DuplicateName)
	}
	c, ok := l.peek()
	if !ok {
		return l.atEnd()
	}
	if c != ':' {
		return l.fail(l.pos, Malformed)
	}
	l.pos++
	l.state = wantValue
	return Token{Kind: Name, Escaped: escaped, Start: start, End: end, Segment: segment}, nil
}

func (l *Lexer) opening(c byte, segment int) (Token, error) {
	if len(l.frames) >= l.opt.MaxDepth {
		return l.fail(l.pos, TooDeep)
	}
	l.frames = append(l.frames, frame{object: c == '{', names: len(l.names), slots: len(l.slots), decoded: len(l.decoded)})
	l.pos++
	if c == '{' {
		l.state = afterObject
		return Token{Kind: BeginObject, Start: l.pos - 1, End: l.pos, Segment: segment}, nil
	}
	l.state = afterArray
	return Token{Kind: BeginArray, Start: l.pos - 1, End: l.pos, Segment: segment}, nil
}

// closing reads the bracket that closes the innermost container; any other byte
// is wrong here.
func (l *Lexer) closing(c byte, object bool) (Token, error) {
	k := EndArray
	if object {
		k = EndObject
	}
	if c != '}' && c != ']' || object != (c == '}') {
		return l.fail(l.pos, Malformed)
	}
	f := l.frames[len(l.frames)-1]
	l.frames = l.frames[:len(l.frames)-1]
	l.names, l.slots, l.decoded = l.names[:f.names], l.slots[:f.slots], l.decoded[:f.decoded]
	l.pos++
	l.state = afterValue
	return Token{Kind: k, Start: l.pos - 1, End: l.pos, Segment: l.pos - 1}, nil
}

// peek skips white space and returns the byte there.
func (l *Lexer) peek() (byte, bool) {
	body, i := l.body, l.pos
	for i < len(body) {
		switch c := body[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			l.pos = i
			return c, true
		}
	}
	l.pos = i
	return 0, false
}

func (l *Lexer) fail(at int, p Problem) (Token, error) {
	l.err = &SyntaxError{Offset: at, Kind: p}
	return Token{}, l.err
}

// atEnd is the error for a text that ends too early. Where it was cut before
// bytes that are no UTF-8, those are what is wrong.
func (l *Lexer) atEnd() (Token, error) {
	if l.cut == badRune {
		return l.fail(len(l.body), Malformed)
	}
	return l.fail(len(l.body), Truncated)
}
