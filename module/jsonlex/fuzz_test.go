package jsonlex

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// build makes of the tokens what encoding/json makes of the text, numbers as
// json.Number.
func build(t *testing.T, l *Lexer, tok Token, body []byte) any {
	next := func() Token {
		tok, err := l.Next()
		if err != nil {
			t.Fatalf("valid, then %v", err)
		}
		return tok
	}
	switch tok.Kind {
	case BeginObject:
		out := map[string]any{}
		for tok := next(); tok.Kind != EndObject; tok = next() {
			if body[tok.Segment-1] != '{' && body[tok.Segment-1] != ',' {
				t.Fatalf("segment of a member begins after %q", body[tok.Segment-1])
			}
			name := string(l.Name())
			out[name] = build(t, l, next(), body)
		}
		return out
	case BeginArray:
		out := []any{}
		for tok := next(); tok.Kind != EndArray; tok = next() {
			if body[tok.Segment-1] != '[' && body[tok.Segment-1] != ',' {
				t.Fatalf("segment of an element begins after %q", body[tok.Segment-1])
			}
			out = append(out, build(t, l, tok, body))
		}
		return out
	case String:
		return string(l.Text(tok, nil))
	case Number:
		return json.Number(body[tok.Start:tok.End])
	case True:
		return true
	case False:
		return false
	case Null:
		return nil
	}
	t.Fatalf("token kind %d begins a value", tok.Kind)
	return nil
}

// FuzzLexer: never panics; what it accepts encoding/json accepts and reads the
// same; what encoding/json refuses it refuses; offsets stay inside the text.
func FuzzLexer(f *testing.F) {
	for _, line := range lines(f, "accept.txt") {
		f.Add([]byte(unquote(f, line)))
	}
	for _, line := range lines(f, "refuse.txt") {
		f.Add([]byte(unquote(f, strings.SplitN(line, " ", 3)[2])))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		err := Valid(body, Options{})
		if !bytes.Equal(body, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Offset < 0 || se.Offset > len(body) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted, encoding/json does not: %q", body)
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		var l Lexer
		l.Reset(body, Options{})
		tok, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := build(t, &l, tok, body); !reflect.DeepEqual(got, want) {
			t.Fatalf("read %#v, encoding/json %#v", got, want)
		}
	})
}

func FuzzParseFlat(f *testing.F) {
	f.Add([]byte(`{"GMSFHM":"x","n":-12,"t":true}`))
	f.Add([]byte(`{"a":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := ParseFlat(body, Options{})
		if err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal(body, &want); err != nil || len(want) != len(members) {
			t.Fatalf("%d members, encoding/json %d, %v", len(members), len(want), err)
		}
	})
}
