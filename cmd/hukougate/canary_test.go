package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"hukougate/module/registry/hostile"
)

// hunter finds canaries in whatever encoding they could leave: as they stand (in
// UTF-8, GBK and GB18030 their mark is the same ASCII), escaped for JSON, HTML,
// C or URLs, in UTF-16 and UTF-32, in hexadecimal and in base64 at any offset.
type hunter struct {
	canaries hostile.Canaries
	folded   [][][]byte // by canary, what is sought without regard to case
	exact    [][][]byte // by canary, base64
}

func newHunter(canaries hostile.Canaries) hunter {
	h := hunter{canaries: canaries}
	for _, c := range canaries {
		m := markOf(c.Value)
		var folded, exact [][]byte
		for _, form := range []string{m, reversed(m), hex.EncodeToString([]byte(m)), each(m, "%%%02x"), each(m, `\u%04x`), each(m, `\x%02x`),
			each(m, "&#%d;"), each(m, "&#x%x;"), strings.Join(strings.Split(m, ""), "\x00"), strings.Join(strings.Split(m, ""), "\x00\x00\x00")} {
			folded = append(folded, []byte(strings.ToLower(form)))
		}
		for offset := range 3 {
			// Characters at either end also hold bits of what stands beside the mark.
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + m))
			text = text[offset+min(offset, 1):]
			text = strings.TrimRight(text, "=")
			text = text[:len(text)-1]
			exact = append(exact, []byte(text), []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text)))
		}
		h.folded, h.exact = append(h.folded, folded), append(h.exact, exact)
	}
	return h
}

// leaks names the fields whose canary is in data.
func (h hunter) leaks(data []byte) []string {
	lower := bytes.ToLower(data)
	fields := h.canaries.Leaks(data) // also within gzip and mixed escapes
	for i, c := range h.canaries {
		if slices.ContainsFunc(h.folded[i], func(form []byte) bool { return bytes.Contains(lower, form) }) ||
			slices.ContainsFunc(h.exact[i], func(form []byte) bool { return bytes.Contains(data, form) }) {
			if !slices.Contains(fields, c.Field) {
				fields = append(fields, c.Field)
			}
		}
	}
	return fields
}

// markOf is the longest run of ASCII in a value.
func markOf(value string) string {
	runs := strings.FieldsFunc(value, func(r rune) bool { return r > '~' })
	return slices.MaxFunc(runs, func(a, b string) int { return len(a) - len(b) })
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func each(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// TestHunter hides every canary in every encoding and finds it, and only it.
func TestHunter(t *testing.T) {
	t.Parallel()
	canaries := hostile.DefaultCanaries()
	h := newHunter(canaries)
	if leaks := h.leaks([]byte(`{"code":0,"data":{"list":[{"XM":"王****","GMSFHM":"1****87","SSXQ":"110105"}]}}`)); len(leaks) > 0 {
		t.Errorf("masked values are taken for %v", leaks)
	}
	for _, c := range canaries {
		gbk, err := simplifiedchinese.GBK.NewEncoder().String(c.Value)
		if err != nil {
			t.Fatal(err)
		}
		utf16 := func(s string) string { return "\x00" + strings.Join(strings.Split(s, ""), "\x00") }
		m := markOf(c.Value)
		for _, hidden := range []string{
			c.Value, gbk, strings.ToLower(c.Value), strings.ToUpper(c.Value), each(c.Value, "%%%02X"), each(m, `\u%04X`), each(m, `\u%04x`), utf16(m), utf16(m)[1:] + "\x00",
			hex.EncodeToString([]byte(c.Value)), strings.ToUpper(hex.EncodeToString([]byte(c.Value))),
			base64.StdEncoding.EncodeToString([]byte(c.Value)), base64.StdEncoding.EncodeToString([]byte("x" + c.Value)), base64.RawURLEncoding.EncodeToString([]byte("xx" + c.Value + "x")),
		} {
			if leaks := h.leaks([]byte("before " + hidden + " after")); !slices.Equal(leaks, []string{c.Field}) {
				t.Errorf("%s as %q: found %v", c.Field, hidden, leaks)
			}
		}
	}
}
