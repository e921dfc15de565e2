package mask

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"hukougate/module/access"
	"hukougate/module/citizenid"
	"hukougate/module/keys"
)

// Fill stands for what Keep and Year hide. Its width is fixed, so that the
// length of what is hidden does not show.
const Fill = "****"

// checked returns a transform the masker can carry out: the zero kind is
// Remove; First and Last belong to Keep alone.
func checked(t access.Transform) (access.Transform, error) {
	switch t.Kind {
	case "":
		t.Kind = access.Remove
	case access.Remove, access.Clear, access.Keep, access.Year, access.Pseudonym:
	default:
		return access.Transform{}, errTransform
	}
	if t.First < 0 || t.Last < 0 || t.Kind != access.Keep && (t.First > 0 || t.Last > 0) {
		return access.Transform{}, errCounts
	}
	return t, nil
}

// Example applies one transform to one decoded string exactly as Rewrite does,
// for decision tests and for trying a rule out. field is the catalogue id,
// isPerson whether it is the field that names the person, and k the field key
// (used by Pseudonym only). removed means that nothing of the value is released;
// out is then empty.
func Example(t access.Transform, field string, isPerson bool, value string, k keys.Key) (out string, removed bool, err error) {
	kind := t.Kind
	if t, err = checked(t); err != nil {
		return "", false, fmt.Errorf("mask: transform %q: %w", kind, err)
	}
	if t.Kind == access.Remove {
		return "", true, nil
	}
	if t.Kind == access.Clear || value == "" {
		return value, false, nil
	}
	text, err := transformed(nil, t, field, isPerson, []byte(value), k)
	if err != nil {
		return "", false, fmt.Errorf("mask: %w", err)
	}
	return string(text), false, nil
}

// transformed appends the released form of a non-empty decoded text under Keep,
// Year or Pseudonym.
func transformed(dst []byte, t access.Transform, field string, isPerson bool, text []byte, k keys.Key) ([]byte, error) {
	switch t.Kind {
	case access.Keep:
		return keep(dst, t.First, t.Last, text), nil
	case access.Year:
		return year(dst, text), nil
	case access.Pseudonym:
		value := strings.TrimSpace(string(text))
		if isPerson {
			value, _ = citizenid.Canonical(value)
		}
		p, err := k.Pseudonym(field, value)
		if err != nil {
			return nil, fmt.Errorf("field pseudonym: %w", err)
		}
		return append(dst, p...), nil
	}
	return nil, errTransform
}

// keep appends the first and last characters (grapheme clusters, UAX #29) with
// Fill between. A text is hidden whole unless more characters than it shows
// remain hidden. Padding is no character: blanks are trimmed at both ends, and
// inside they don't make a short text long, so that "张　三" is as short as "张三".
func keep(dst []byte, first, last int, text []byte) []byte {
	text = bytes.TrimFunc(text, blank)
	plain := simple(text)
	total, seen := count(text, plain)
	if seen <= first || seen-first <= last { // written so that no sum can overflow
		return append(dst, Fill...)
	}
	dst = append(dst, text[:offset(text, plain, first)]...)
	dst = append(dst, Fill...)
	return append(dst, text[offset(text, plain, total-last):]...)
}

// count returns how many clusters the text has and how many of them show
// anything.
func count(text []byte, plain bool) (total, seen int) {
	if plain {
		for _, r := range string(text) {
			total++
			if !blank(r) {
				seen++
			}
		}
		return total, seen
	}
	for g := graphemes.FromBytes(text); g.Next(); {
		total++
		for _, r := range string(g.Value()) {
			if !blank(r) && !selector(r) {
				seen++
				break
			}
		}
	}
	return total, seen
}

// offset returns where cluster n begins, counted from zero; the text's length
// when it has n clusters.
func offset(text []byte, plain bool, n int) int {
	if n == 0 {
		return 0
	}
	if plain {
		for i := range string(text) {
			if n == 0 {
				return i
			}
			n--
		}
		return len(text)
	}
	for g := graphemes.FromBytes(text); g.Next(); n-- {
		if n == 0 {
			return g.Start()
		}
	}
	return len(text)
}

// simple reports whether each rune is a cluster of its own: printable ASCII, CJK
// ideographs, CJK punctuation, full-width ASCII and the middle dot. None of them
// joins a neighbour (GB3 to GB13 of UAX #29).
func simple(text []byte) bool {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7F {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		switch {
		case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF, r >= 0x20000 && r <= 0x323AF,
			r >= 0x3000 && r <= 0x3029, r >= 0xFF01 && r <= 0xFF5E, r == 0xB7:
		default:
			return false
		}
	}
	return true
}

// blank reports characters that show nothing and may be trimmed: white space,
// controls, format characters such as U+200B, and the fillers that are letters
// by category.
func blank(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r <= ' ' || r == 0x7F
	case r >= 0x4E00 && r <= 0x9FFF: // most of what names are made of
		return false
	}
	switch r {
	case 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// selector reports characters that show nothing by themselves but choose the
// glyph of the one before (IVS in rare names), so they are never trimmed.
func selector(r rune) bool { return r == 0x34F || unicode.Is(unicode.Variation_Selector, r) }

// year appends the year of a date written yyyyMMdd, yyyyMMddHHmmss or
// yyyy-MM-dd, the forms registers use; anything else, or a day that is not in
// the calendar, is hidden whole.
func year(dst, text []byte) []byte {
	digits := make([]byte, 0, 14)
	switch {
	case len(text) == 8 || len(text) == 14:
		digits = append(digits, text...)
	case len(text) == 10 && text[4] == '-' && text[7] == '-':
		digits = append(append(append(digits, text[:4]...), text[5:7]...), text[8:]...)
	default:
		return append(dst, Fill...)
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return append(dst, Fill...)
		}
	}
	layout := "20060102150405"[:len(digits)]
	if _, err := time.Parse(layout, string(digits)); err != nil || string(digits[:4]) == "0000" {
		return append(dst, Fill...)
	}
	return append(dst, digits[:4]...)
}
