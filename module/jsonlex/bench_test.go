package jsonlex

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLexer reads about 60 KB of records as a source would send them.
func BenchmarkLexer(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"code":0,"data":{"list":[`)
	for i := range 40 {
		if i > 0 {
			s.WriteString(",")
		}
		s.WriteString(`{`)
		for j := range 30 {
			fmt.Fprintf(&s, `"XM%02d":"张三丰","GX%02d":"18800101120000",`, j, j)
		}
		fmt.Fprintf(&s, `"RYID":%d}`, i)
	}
	s.WriteString(`]}}`)
	body := []byte(s.String())
	var l Lexer
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		l.Reset(body, Options{})
		for {
			tok, err := l.Next()
			if err != nil {
				b.Fatal(err)
			}
			if tok.Kind == End {
				break
			}
		}
	}
}
