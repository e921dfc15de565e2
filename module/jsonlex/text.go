package jsonlex

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends the text of a string's inner bytes, whose escapes
// scanString has checked.
func appendUnescaped(dst, inner []byte) []byte {
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			dst = append(dst, inner[i])
			i++
			continue
		}
		if inner[i+1] != 'u' {
			dst = append(dst, plainEscape(inner[i+1]))
			i += 2
			continue
		}
		r := unit(inner[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			r = utf16.DecodeRune(r, unit(inner[i+2:]))
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unit(hex []byte) rune {
	return hexDigit(hex[0])<<12 | hexDigit(hex[1])<<8 | hexDigit(hex[2])<<4 | hexDigit(hex[3])
}

// plainEscape returns what a two-character escape stands for (RFC 8259 §7).
func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a JSON string: quotes, backslashes and control
// characters escaped, bytes that are not UTF-8 replaced by U+FFFD, all else as
// it is.
func AppendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
