package citizenid

import (
	"strings"
	"unicode"
)

// Canonical gives the one text under which a value is counted, and whether it is
// a citizen identity number. It is for detection, not for issue: blanks are
// trimmed, full-width forms become ASCII (U+FF01–FF5E), letters become upper
// case. If what remains, inner blanks aside, is a valid number of 18 characters,
// that is the canonical form; a valid one of 15 (GB 11643-1989) is upgraded with
// the century 19 and a check character. Otherwise ok is false and the trimmed,
// folded, upper-case text is returned, so that equal texts still count as one.
// Canonical(Canonical(s)) is Canonical(s).
func Canonical(s string) (canonical string, ok bool) {
	if n, err := Parse(s); err == nil { // the common case, without copying
		return n.text, true
	}
	folded := strings.TrimFunc(strings.ToUpper(strings.Map(fold, s)), blank)
	compact := folded
	if strings.ContainsFunc(folded, blank) {
		compact = strings.Map(dropBlank, folded)
	}
	if len(compact) == oldSize {
		compact = upgrade(compact)
	}
	if n, err := Parse(compact); err == nil {
		return n.text, true
	}
	return folded, false
}

// upgrade turns the 15-digit form into 18 characters, or returns its input when
// that is not all digits. The sequences 996 to 999, once kept for centenarians,
// get the century 19 like any other: GB 11643-1999 dropped their special use.
func upgrade(old string) string {
	first17 := old[:6] + "19" + old[6:]
	check, err := CheckCharacter(first17)
	if err != nil {
		return old
	}
	return first17 + string(rune(check))
}

// fold maps the full-width forms to their ASCII twins.
func fold(r rune) rune {
	if r >= 0xFF01 && r <= 0xFF5E {
		return r - 0xFF01 + '!'
	}
	return r
}

// blank reports what padding and copying leave behind: white space (with U+3000
// and U+00A0), control and zero-width format characters.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

func dropBlank(r rune) rune {
	if blank(r) {
		return -1
	}
	return r
}
