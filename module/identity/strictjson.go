package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

var errNotStrict = errors.New("not a strict JSON object")

// strictObject accepts exactly one JSON object (RFC 8259) in UTF-8 in which no
// object, at any depth, repeats a name, and no string holds a replacement
// character, which is what decoders make of a lone surrogate. Decoders differ on
// all of these, and what two of them read differently is a way around one.
func strictObject(data []byte) error {
	// The token loop below is lax about syntax; Valid is not.
	if !utf8.Valid(data) || !json.Valid(data) {
		return errNotStrict
	}
	type frame struct {
		names   map[string]bool // nil in an array
		atValue bool
	}
	var stack []frame
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for first := true; ; first = false {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || first && token != json.Delim('{') {
			return errNotStrict
		}
		text, isText := token.(string)
		if isText && strings.ContainsRune(text, utf8.RuneError) {
			return errNotStrict
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if top := len(stack) - 1; top >= 0 && stack[top].names != nil {
			f := &stack[top]
			if !f.atValue {
				if f.names[text] {
					return errNotStrict
				}
				f.names[text], f.atValue = true, true
				continue
			}
			f.atValue = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, frame{names: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, frame{})
		}
	}
}
