package hostile

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Canary is a value that must not reach a caller who may not see its field.
// Field is a member name of the register, or, for a place outside the record, a
// name that begins with a colon: see DefaultCanaries.
type Canary struct {
	Field string
	Value string
}

// Canaries are values unique per field, in the order the record has them.
type Canaries []Canary

// DefaultCanaries gives one canary for each personal member of the default body
// and for each place outside it that the cases use. The identity numbers are
// valid under GB 11643-1999 and of birth years 1881 to 1900; every other value
// holds a run of ASCII that occurs nowhere else, so that a change of charset
// does not hide it.
func DefaultCanaries() Canaries {
	return Canaries{
		{"GMSFHM", "110105190001049387"},
		{"XM", "王CNRYxm7Q"},
		{"XMPY", "WANG CNRYXMPY3K"},
		{"CYM", "王CNRYcym5T"},
		{"HJDZ", "北京市朝阳区示例街道CNRYhjdz8R号"},
		{"XZZ", "北京市朝阳区样本街道CNRYxzz2W号"},
		{"LXDH", "10079183746"},
		{"ZJXY", "CNRYzjxy4M教"},
		{"XX", "CNRYxx6B"},
		{"FWCS", "示例CNRYfwcs9D厂"},
		{"FQXM", "王CNRYfqxm1F"},
		{"FQGMSFHM", "310104188112079384"},
		{"MQXM", "李CNRYmqxm3G"},
		{"MQGMSFHM", "440106188309249385"},
		{"POXM", "陈CNRYpoxm5H"},
		{"POGMSFHM", "530102189906119387"},
		{"JHRYGMSFHM", "610102188505309388"},
		{"XP", "Q05SWXhwOEowMTIzNDU2Nzg5"},
		{"DJRXM", "张CNRYdjrxm7L"},
		{":x-debug", "CNRYhdrDebug2P"},
		{":set-cookie", "CNRYhdrCookie4S"},
		{":etag", "CNRYhdrEtag6U"},
		{":header", "CNRYhdrOther8V"},
		{":trailer", "CNRYtrailer1X"},
		{":link", "CNRYlink3Y"},
		{":location", "CNRYlocation5Z"},
		{":reason", "CNRYreason7A"},
		{":message", "CNRYmessage9C"},
		{":new", "CNRYnewField2E"},
		{":stray", "CNRYstray4I"},
		{":name", "CNRYname6N"},
	}
}

// Value gives the canary of a field, or the first canary when the field has
// none of its own: a case always has something to leak.
func (c Canaries) Value(field string) string {
	for _, canary := range c {
		if canary.Field == field {
			return canary.Value
		}
	}
	return c[0].Value
}

// Leaks names the fields whose canary occurs in data as it stands, behind JSON
// escapes, in UTF-16, or compressed with gzip,
// more than once too. The caller leaves out the fields
// it granted in clear.
func (c Canaries) Leaks(data []byte) []string {
	views := [][]byte{data, unescaped(data), bytes.ReplaceAll(data, []byte{0}, nil)}
	for plain := inflated(data); plain != nil && len(views) < 8; plain = inflated(plain) {
		views = append(views, plain)
	}
	var fields []string
	for _, canary := range c {
		needle := []byte(mark(canary.Value))
		for _, view := range views {
			if bytes.Contains(view, needle) {
				fields = append(fields, canary.Field)
				break
			}
		}
	}
	return fields
}

// mark is the longest run of printable ASCII in a value, or the value itself
// when it has none.
func mark(value string) string {
	longest := ""
	for _, run := range strings.FieldsFunc(value, func(r rune) bool { return r > '~' }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	if longest == "" {
		return value
	}
	return longest
}

var escape = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)

// unescaped writes out the \u escapes of single characters.
func unescaped(data []byte) []byte {
	return escape.ReplaceAllFunc(data, func(e []byte) []byte {
		n, err := strconv.ParseUint(string(e[2:]), 16, 16)
		if err != nil {
			return e
		}
		return []byte(string(rune(n)))
	})
}

// inflated gives what a gzip stream in data holds, as far as it can be read.
func inflated(data []byte) []byte {
	at := bytes.Index(data, []byte{0x1f, 0x8b, 8})
	if at < 0 {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data[at:]))
	if err != nil {
		return nil
	}
	// A stream that breaks off still gave what stands before the break.
	plain, _ := io.ReadAll(io.LimitReader(r, 8<<20))
	return plain
}
