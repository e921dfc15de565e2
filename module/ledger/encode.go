package ledger

import (
	"strconv"
	"strings"
	"time"
)

// timeLayout is RFC 3339 in UTC with exactly six decimals: one instant has one
// spelling.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// encoder writes members compactly. We don't use encoding/json: its choice of
// escapes changes between Go releases, and these bytes are permanent.
type encoder struct {
	b     []byte
	comma bool // a member came before in this object
}

// encodeBody gives the JSON of a checked record from the comma after the head to
// the closing brace.
func encodeBody(r *Record) []byte {
	e := &encoder{b: make([]byte, 0, 1024), comma: true}
	members(e, r)
	return append(e.b, '}')
}

func (e *encoder) name(name string) {
	if name == "" {
		return
	}
	if e.comma {
		e.b = append(e.b, ',')
	}
	e.comma = true
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) text(name string, v *string) {
	if name != "" && *v == "" {
		return
	}
	e.name(name)
	e.b = append(e.b, '"')
	e.b = appendEscaped(e.b, *v)
	e.b = append(e.b, '"')
}

// appendEscaped escapes the two characters JSON demands (RFC 8259 §7); the third
// case it demands, control characters, the checker has refused.
func appendEscaped(b []byte, s string) []byte {
	if !strings.ContainsAny(s, `"\`) {
		return append(b, s...)
	}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

func (e *encoder) count(name string, v *int) {
	if *v == 0 {
		return
	}
	e.name(name)
	e.b = strconv.AppendInt(e.b, int64(*v), 10)
}

func (e *encoder) moment(name string, v *time.Time) {
	if v.IsZero() {
		return
	}
	e.name(name)
	e.b = append(e.b, '"')
	e.b = v.UTC().AppendFormat(e.b, timeLayout)
	e.b = append(e.b, '"')
}

func (e *encoder) enter(name string, bracket byte, present bool) bool {
	if !present {
		return false
	}
	e.name(name)
	e.b = append(e.b, bracket)
	e.comma = false
	return true
}

func (e *encoder) more(i, n int) bool {
	if i > 0 && i < n {
		e.b = append(e.b, ',')
	}
	return i < n
}

func (e *encoder) leave(bracket byte) {
	e.b = append(e.b, bracket)
	e.comma = true
}
