package jsonlex

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the high bit of its byte, the first byte of x that is a
// quote, a backslash or a control character; bytes after the first mark may be
// marked wrongly. Bytes above 0x7F are plain: Reset settled UTF-8.
func special(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
}

// scanString moves past the string that begins at pos and reports whether it
// holds an escape.
func (l *Lexer) scanString() (escaped bool, err error) {
	body, start := l.body, l.pos
	i := start + 1
	for {
		for i+8 <= len(body) {
			mark := special(binary.LittleEndian.Uint64(body[i:]))
			if mark != 0 {
				i += bits.TrailingZeros64(mark) / 8
				break
			}
			i += 8
		}
		// At a special byte, or within eight bytes of the end.
		for i < len(body) && body[i] != '"' && body[i] != '\\' && body[i] >= 0x20 {
			i++
		}
		if i >= len(body) {
			_, err = l.atEnd()
			return false, err
		}
		switch body[i] {
		case '"':
			if i-start-1 > l.opt.MaxString {
				_, err = l.fail(start, TooLong)
				return false, err
			}
			l.pos = i + 1
			return escaped, nil
		case '\\':
			escaped = true
			n := l.scanEscape(i)
			if n == 0 {
				return false, l.err
			}
			i += n
		default:
			_, err = l.fail(i, Malformed) // an unescaped control character, RFC 8259 §7
			return false, err
		}
	}
}

// scanEscape returns the length of the escape at i, a surrogate pair counting as
// one, or 0 after noting what is wrong with it.
func (l *Lexer) scanEscape(i int) int {
	rest := l.body[i:]
	if len(rest) < 2 {
		_, _ = l.atEnd()
		return 0
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
	default:
		_, _ = l.fail(i, Malformed)
		return 0
	}
	unit, ok := l.hex4(i + 2)
	if !ok {
		return 0
	}
	if unit < 0xD800 || unit > 0xDFFF {
		return 6
	}
	if unit > 0xDBFF { // a low surrogate without its high one
		_, _ = l.fail(i, Malformed)
		return 0
	}
	for k, want := range []byte(`\u`) {
		if i+6+k >= len(l.body) {
			_, _ = l.atEnd()
			return 0
		}
		if l.body[i+6+k] != want {
			_, _ = l.fail(i, Malformed)
			return 0
		}
	}
	low, ok := l.hex4(i + 8)
	if !ok {
		return 0
	}
	if low < 0xDC00 || low > 0xDFFF {
		_, _ = l.fail(i, Malformed)
		return 0
	}
	return 12
}

// hex4 reads four hexadecimal digits at i, noting what is wrong.
func (l *Lexer) hex4(i int) (rune, bool) {
	var unit rune
	for k := i; k < i+4; k++ {
		if k >= len(l.body) {
			_, _ = l.atEnd()
			return 0, false
		}
		d := hexDigit(l.body[k])
		if d < 0 {
			_, _ = l.fail(k, Malformed)
			return 0, false
		}
		unit = unit<<4 | d
	}
	return unit, true
}

func hexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// scanNumber moves past the number at pos: RFC 8259 §6, nothing looser.
func (l *Lexer) scanNumber() error {
	body, start := l.body, l.pos
	i := start
	if body[i] == '-' {
		i++
	}
	if i < len(body) && body[i] == '0' {
		i++ // a zero stands alone: a digit after it is refused by what follows
	} else if i = l.digits(i); i < 0 {
		return l.err
	}
	if i < len(body) && body[i] == '.' {
		if i = l.digits(i + 1); i < 0 {
			return l.err
		}
	}
	if i < len(body) && (body[i] == 'e' || body[i] == 'E') {
		i++
		if i < len(body) && (body[i] == '+' || body[i] == '-') {
			i++
		}
		if i = l.digits(i); i < 0 {
			return l.err
		}
	}
	if i-start > l.opt.MaxNumber {
		_, err := l.fail(start, TooLong)
		return err
	}
	l.pos = i
	return nil
}

// digits moves past one or more digits, or returns -1 after noting that there
// are none.
func (l *Lexer) digits(i int) int {
	first := i
	for i < len(l.body) && l.body[i] >= '0' && l.body[i] <= '9' {
		i++
	}
	switch {
	case i > first:
		return i
	case i >= len(l.body):
		_, _ = l.atEnd()
	default:
		_, _ = l.fail(i, Malformed)
	}
	return -1
}

func (l *Lexer) literal(word string, k Kind, segment int) (Token, error) {
	start := l.pos
	for i := range len(word) {
		if start+i >= len(l.body) {
			return l.atEnd()
		}
		if l.body[start+i] != word[i] {
			return l.fail(start+i, Malformed)
		}
	}
	l.pos = start + len(word)
	return Token{Kind: k, Start: start, End: l.pos, Segment: segment}, nil
}
