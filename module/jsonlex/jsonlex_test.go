package jsonlex

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// lines reads a list in testdata, without comments.
func lines(t testing.TB, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		if !strings.HasPrefix(s.Text(), "#") {
			out = append(out, s.Text())
		}
	}
	return out
}

func unquote(t testing.TB, literal string) string {
	t.Helper()
	text, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatalf("testdata: %s: %v", literal, err)
	}
	return text
}

func TestAccept(t *testing.T) {
	accepted := lines(t, "accept.txt")
	if len(accepted) < 20 {
		t.Fatalf("only %d texts", len(accepted))
	}
	for _, line := range accepted {
		text := unquote(t, line)
		if err := Valid([]byte(text), Options{}); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%s: encoding/json refuses it", line)
		}
	}
}

func TestRefuse(t *testing.T) {
	refused := lines(t, "refuse.txt")
	if len(refused) < 60 {
		t.Fatalf("only %d texts", len(refused))
	}
	for _, line := range refused {
		parts := strings.SplitN(line, " ", 3)
		err := Valid([]byte(unquote(t, parts[2])), Options{})
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("%s: accepted", line)
			continue
		}
		if got := fmt.Sprintf("%s %d", se.Kind, se.Offset); got != parts[0]+" "+parts[1] {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// TestTruncatedEverywhere cuts every accepted container and string at every
// byte: each cut is Truncated, and never anything else.
func TestTruncatedEverywhere(t *testing.T) {
	for _, line := range lines(t, "accept.txt") {
		text := strings.TrimSpace(unquote(t, line))
		if !strings.ContainsAny(text[:1], `{["`) {
			continue
		}
		for cut := range len(text) {
			var se *SyntaxError
			if err := Valid([]byte(text[:cut]), Options{}); !errors.As(err, &se) || se.Kind != Truncated {
				t.Errorf("%s cut at %d: %v", line, cut, err)
			}
		}
	}
}

func TestCaps(t *testing.T) {
	o := Options{MaxDepth: 2, MaxString: 4, MaxNumber: 3}
	for text, want := range map[string]Problem{
		`[[1]]`:        "",
		`[[[1]]]`:      TooDeep,
		`[{"a":{}}]`:   TooDeep,
		`["abcd"]`:     "",
		`["abcde"]`:    TooLong,
		`["姓名"]`:       TooLong, // bytes, not characters
		`{"abcde":1}`:  TooLong,
		`["\u0041"]`:   TooLong, // as written
		`[123]`:        "",
		`[1234]`:       TooLong,
		`[-1.5]`:       TooLong,
		`{"a":[1e10]}`: TooLong,
	} {
		err := Valid([]byte(text), o)
		var se *SyntaxError
		if got := errors.As(err, &se); got != (want != "") || got && se.Kind != want {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	deep := strings.Repeat("[", 1<<20)
	var se *SyntaxError
	if err := Valid([]byte(deep), Options{}); !errors.As(err, &se) || se.Kind != TooDeep || se.Offset != DefaultMaxDepth {
		t.Errorf("a million brackets: %v", err)
	}
}

func TestTokens(t *testing.T) {
	const text = "{ \"a\" : 1 ,\n\"\\u0062\":[ true, \"x\\n\" ] }\n"
	want := []string{
		"1 0-1 @0 '{' ''",
		"5 2-5 @1 '\"a\"' 'a'",
		"7 8-9 @7 '1' ''",
		"5 12-20 @11 '\"\\u0062\"' 'b'",
		"3 21-22 @21 '[' ''",
		"8 23-27 @22 'true' ''",
		"6 29-34 @28 '\"x\\n\"' 'x\n'",
		"4 35-36 @35 ']' ''",
		"2 37-38 @37 '}' ''",
		"11 39-39 @39 '' ''",
		"11 39-39 @39 '' ''",
	}
	var l Lexer
	l.Reset([]byte(text), Options{})
	for _, w := range want {
		tok, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		decoded := ""
		switch tok.Kind {
		case Name:
			decoded = string(l.Name())
		case String:
			decoded = string(l.Text(tok, nil))
		}
		if got := fmt.Sprintf("%d %d-%d @%d '%s' '%s'", tok.Kind, tok.Start, tok.End, tok.Segment, text[tok.Start:tok.End], decoded); got != w {
			t.Errorf("got %s, want %s", got, w)
		}
	}
}

func TestErrorsStayAndShowNothing(t *testing.T) {
	var l Lexer
	l.Reset([]byte(`{"GMSFHM":"canary" "canary"`), Options{})
	var first error
	for first == nil {
		_, first = l.Next()
	}
	if _, again := l.Next(); again != first {
		t.Errorf("the error changed to %v", again)
	}
	if strings.Contains(first.Error(), "canary") {
		t.Errorf("%v", first)
	}
	l.Reset([]byte(`[]`), Options{})
	if _, err := l.Next(); err != nil {
		t.Errorf("after Reset: %v", err)
	}
}

func TestSkip(t *testing.T) {
	body := []byte(`{"a":{"b":[1,{"c":"]}"}]},"d":2}`)
	var l Lexer
	l.Reset(body, Options{})
	next := func() Token {
		t.Helper()
		tok, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	next()
	next()
	end, err := l.Skip(next())
	if err != nil || string(body[end:end+4]) != `,"d"` {
		t.Fatalf("%d %v", end, err)
	}
	if tok := next(); tok.Kind != Name || string(l.Name()) != "d" {
		t.Fatalf("%v", tok)
	}
	if end, err = l.Skip(next()); err != nil || string(body[end:]) != `}` {
		t.Fatalf("scalar: %d %v", end, err)
	}
	l.Reset([]byte(`[[{"a":1,"a":2}]]`), Options{})
	next()
	if _, err := l.Skip(next()); err == nil {
		t.Error("a skipped container was not checked")
	}
}

// TestManyNames drives the hash tables, nested and growing.
func TestManyNames(t *testing.T) {
	object := func(n int, inner string) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range n {
			if i == n/2 && inner != "" {
				fmt.Fprintf(&b, `"inner":%s,`, inner)
			}
			fmt.Fprintf(&b, `"n%d":%d,`, i, i)
		}
		b.WriteString(`"last":0}`)
		return b.String()
	}
	for _, n := range []int{1, 14, 15, 16, 17, 31, 32, 33, 100, 5000} {
		good := object(n, object(n, object(20, "")))
		if err := Valid([]byte(good), Options{}); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		for _, again := range []string{"n0", fmt.Sprintf("n%d", n-1), "inner", `\u006e0`} {
			bad := strings.TrimSuffix(good, "}") + `,"` + again + `":1}`
			var se *SyntaxError
			if err := Valid([]byte(bad), Options{}); !errors.As(err, &se) || se.Kind != DuplicateName {
				t.Errorf("%d members, %s again: %v", n, again, err)
			}
		}
	}
}

func TestParseFlat(t *testing.T) {
	got, err := ParseFlat([]byte(`{"GMSFHM":"\u0031x","n":-12,"t":true,"f":false,"e":""}`), Options{})
	want := "[{GMSFHM 6 1x} {n 7 -12} {t 8 true} {f 9 false} {e 6 }]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v", got, err)
	}
	if got, err := ParseFlat([]byte(` { } `), Options{}); err != nil || got == nil || len(got) != 0 {
		t.Errorf("empty object: %v %v", got, err)
	}
	for text, want := range map[string]Problem{
		``:                        Truncated,
		`null`:                    Malformed,
		`"a"`:                     Malformed,
		`[]`:                      Malformed,
		`[1]`:                     Malformed,
		`{"a":null}`:              Malformed,
		`{"a":1.0}`:               Malformed,
		`{"a":1e2}`:               Malformed,
		`{"a":[]}`:                TooDeep,
		`{"a":{}}`:                TooDeep,
		`{"a":1,"a":1}`:           DuplicateName,
		`{"a":1,"\u0061":1}`:      DuplicateName,
		`{"a":1}{}`:               Malformed,
		`{"a":1} x`:               Malformed,
		`{"a":1`:                  Truncated,
		`{"a":"\ud800"}`:          Malformed,
		"\ufeff{}":                Malformed,
		`{"a":"` + "\xd5\\" + `"`: Malformed,
	} {
		members, err := ParseFlat([]byte(text), Options{})
		var se *SyntaxError
		if !errors.As(err, &se) || se.Kind != want || members != nil {
			t.Errorf("%s: %v %v, want %s", text, members, err, want)
		}
	}
	if _, err := ParseFlat([]byte(`{"a":"12345"}`), Options{MaxString: 4}); err == nil {
		t.Error("the string cap was not kept")
	}
}

func TestAppendQuoted(t *testing.T) {
	for _, text := range []string{"", "abc", "a\"b\\c", "\x00\x1f\n\t\x7f", "姓名·𠮷", "\u2028\ufffd", "</script>"} {
		got := AppendQuoted(nil, []byte(text))
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text {
			t.Errorf("%q: %s %v", text, got, err)
		}
		if err := Valid(got, Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := AppendQuoted(nil, []byte("a\xffb")); string(got) != "\"a\ufffdb\"" {
		t.Errorf("%q", got)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	body := []byte(`[{"a":1,"b":{"c":"姓名"},"\u0064":[1,2,3]},{"a":"x"}]`)
	var l Lexer
	read := func() {
		l.Reset(body, Options{})
		for {
			tok, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			if tok.Kind == End {
				return
			}
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
