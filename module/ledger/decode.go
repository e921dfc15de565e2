package ledger

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// defect is why a line is not the record it should be. Its words are fixed and
// never quote the line.
type defect struct {
	kind   FaultKind
	detail string
}

func (d *defect) Error() string { return d.detail }

// decoder reads exactly what encoder writes: one spelling for one record. White
// space, other orders, repeated or unknown members, other escapes, and zeros
// that should be absent are all errors. The first error stops it.
type decoder struct {
	rest   []byte
	comma  bool
	detail string // first error, "" while there is none
}

func (d *decoder) fail(detail string) {
	if d.detail == "" {
		d.detail = detail
	}
	d.rest = nil
}

func (d *decoder) accept(literal string) bool {
	if len(d.rest) < len(literal) || string(d.rest[:len(literal)]) != literal {
		return false
	}
	d.rest = d.rest[len(literal):]
	return true
}

// member consumes the name of a member when it is next; "" is always next.
func (d *decoder) member(name string) bool {
	if d.detail != "" {
		return false
	}
	if name == "" {
		return true
	}
	rest := d.rest
	if d.comma {
		if len(rest) == 0 || rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
	n := len(name)
	if len(rest) < n+3 || rest[0] != '"' || string(rest[1:n+1]) != name || rest[n+1] != '"' || rest[n+2] != ':' {
		return false
	}
	d.rest = rest[n+3:]
	d.comma = true
	return true
}

func (d *decoder) text(name string, v *string) {
	if !d.member(name) {
		return
	}
	s, ok := d.quoted()
	if !ok {
		d.fail("a text is not written as v1 writes it")
		return
	}
	if s == "" {
		d.fail("an empty text is written")
		return
	}
	*v = s
}

// quoted reads a JSON string with the only escapes v1 writes, \" and \\.
func (d *decoder) quoted() (string, bool) {
	if !d.accept(`"`) {
		return "", false
	}
	end := bytes.IndexAny(d.rest, `"\`)
	if end < 0 {
		return "", false
	}
	if d.rest[end] == '"' {
		s := string(d.rest[:end])
		d.rest = d.rest[end+1:]
		return s, true
	}
	var s strings.Builder
	for i := 0; i < len(d.rest); i++ {
		c := d.rest[i]
		switch c {
		case '"':
			d.rest = d.rest[i+1:]
			return s.String(), true
		case '\\':
			i++
			if i == len(d.rest) || (d.rest[i] != '"' && d.rest[i] != '\\') {
				return "", false
			}
			c = d.rest[i]
		}
		s.WriteByte(c)
	}
	return "", false
}

// digits reads a decimal number from 1 up, without sign or leading zero.
func (d *decoder) digits(bits int) (uint64, bool) {
	n := 0
	for n < len(d.rest) && d.rest[n] >= '0' && d.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 20 || d.rest[0] == '0' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(d.rest[:n]), 10, bits)
	d.rest = d.rest[n:]
	return v, err == nil
}

func (d *decoder) count(name string, v *int) {
	if !d.member(name) {
		return
	}
	n, ok := d.digits(strconv.IntSize - 1)
	if !ok {
		d.fail("a number is not written as v1 writes it")
		return
	}
	*v = int(n)
}

func (d *decoder) moment(name string, v *time.Time) {
	if !d.member(name) {
		return
	}
	s, ok := d.quoted()
	t, err := time.Parse(timeLayout, s)
	// Parse is lenient, for instance about a comma before the decimals.
	if !ok || err != nil || t.Format(timeLayout) != s {
		d.fail("a time is not written as v1 writes it")
		return
	}
	*v = t.UTC()
}

func (d *decoder) enter(name string, bracket byte, _ bool) bool {
	if !d.member(name) {
		return false
	}
	if !d.accept(string(rune(bracket))) {
		d.fail("a list or an object is not written as v1 writes it")
		return false
	}
	d.comma = false
	return true
}

func (d *decoder) more(i, _ int) bool {
	if d.detail != "" {
		return false
	}
	if i == 0 {
		return true // an empty list is never written: the element is missing and fails
	}
	return d.accept(",")
}

func (d *decoder) leave(bracket byte) {
	if d.detail == "" && !d.accept(string(rune(bracket))) {
		d.fail("a member is unknown, repeated or out of its place")
	}
	d.comma = true
}

// decodeJSON reads the whole JSON of one line, strictly.
func decodeJSON(raw []byte) (seq uint64, prev string, r Record, err error) {
	d := &decoder{rest: raw, comma: true}
	if !d.accept(headVersion) {
		return 0, "", Record{}, &defect{Tampered, "it does not begin as a v1 record"}
	}
	seq, ok := d.digits(64)
	if !ok || !d.accept(headPrev) || len(d.rest) < hashLength || !isHash(string(d.rest[:hashLength])) {
		return 0, "", Record{}, &defect{Tampered, "its head is not that of a v1 record"}
	}
	prev = string(d.rest[:hashLength])
	d.rest = d.rest[hashLength:]
	if !d.accept(`"`) {
		d.fail("its head is not that of a v1 record")
	}
	members(d, &r)
	d.leave('}')
	if d.detail == "" && len(d.rest) > 0 {
		d.fail("something follows the JSON")
	}
	if d.detail == "" {
		if err := check(&r); err != nil {
			d.fail(err.Error())
		}
	}
	if d.detail != "" {
		return 0, "", Record{}, &defect{Tampered, d.detail}
	}
	return seq, prev, r, nil
}
