// Package jsonlex is a strict pull tokenizer for JSON (RFC 8259) over a byte
// slice, made for splicing: every token tells where it stands.
//
// It accepts what RFC 8259 and RFC 3629 allow and no more, and narrows it where
// two parsers could differ: duplicate member names are refused at any depth,
// compared after decoding; lone surrogates, a byte order mark and anything but
// white space after the top-level value are refused; depth, strings and numbers
// are capped.
package jsonlex

import "fmt"

// Kind is the kind of a token. The zero value is none.
type Kind uint8

// The kinds of token. End follows the top-level value.
const (
	None Kind = iota
	BeginObject
	EndObject
	BeginArray
	EndArray
	Name // a member name; its colon is consumed with it
	String
	Number
	True
	False
	Null
	End
)

// Container reports whether the kind opens an object or an array.
func (k Kind) Container() bool { return k == BeginObject || k == BeginArray }

// Token is one token of the text; offsets count bytes from its start.
type Token struct {
	Kind    Kind
	Escaped bool // a String or Name holds a backslash: its text differs from its bytes
	Start   int  // first byte; of a string, its opening quote
	End     int  // one past the last byte

	// Segment is where the member or element that this token begins starts: just
	// after the bracket or comma before it, its leading white space included.
	// The comma between two members therefore stands at Segment-1. For a closing
	// bracket it is Start.
	Segment int
}

// Options are the caps; zero or less means the default.
type Options struct {
	MaxDepth  int // containers open at once; default 64
	MaxString int // bytes between the quotes of one string or name; default 1 MiB
	MaxNumber int // bytes of one number; default 64
}

// The default caps.
const (
	DefaultMaxDepth  = 64
	DefaultMaxString = 1 << 20
	DefaultMaxNumber = 64
)

func (o Options) withDefaults() Options {
	if o.MaxDepth <= 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.MaxString <= 0 {
		o.MaxString = DefaultMaxString
	}
	if o.MaxNumber <= 0 {
		o.MaxNumber = DefaultMaxNumber
	}
	return o
}

// Problem says what is wrong with a text.
type Problem string

// The problems a SyntaxError names.
const (
	Malformed     Problem = "malformed"
	DuplicateName Problem = "duplicate_name"
	TooDeep       Problem = "too_deep"
	TooLong       Problem = "too_long"  // a string or number above its cap
	Truncated     Problem = "truncated" // the text ends where more must follow
)

// SyntaxError is the only error of this package. It says where and what, never
// the content.
type SyntaxError struct {
	Offset int // in bytes, where the problem was seen
	Kind   Problem
}

// Error returns the problem and its offset.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("jsonlex: %s at byte %d", e.Kind, e.Offset)
}

// Valid checks a whole text. The error is a *SyntaxError.
func Valid(body []byte, o Options) error {
	var l Lexer
	l.Reset(body, o)
	for {
		t, err := l.Next()
		if err != nil {
			return err
		}
		if t.Kind == End {
			return nil
		}
	}
}
