// Package citizenid reads citizen identity numbers (公民身份号码, GB 11643-1999):
// strictly for parameters, leniently for detecting and counting persons.
package citizenid

import "time"

// Problem says why a text is not a citizen identity number. It is an error and
// never carries the text; compare with errors.Is.
type Problem string

// The problems Parse and CheckCharacter report.
const (
	ErrLength    Problem = "citizenid: wrong number of characters"
	ErrCharacter Problem = "citizenid: a character is not a digit, or the last not a digit or X"
	ErrDivision  Problem = "citizenid: the address code does not begin with a digit from 1 to 8"
	ErrBirthDate Problem = "citizenid: the birth date is not in the calendar"
	ErrCheck     Problem = "citizenid: the check character does not match"
)

// Error returns the problem's fixed sentence.
func (p Problem) Error() string { return string(p) }

// Sex is a code of GB/T 2261.1-2003. The zero value is 未知 (unknown).
type Sex int

// The two sexes a number encodes in the parity of its 17th digit.
const (
	Male   Sex = 1
	Female Sex = 2
)

const (
	size    = 18 // GB 11643-1999: address 6, birth date 8, sequence 3, check 1
	oldSize = 15 // GB 11643-1989: address 6, yyMMdd, sequence 3
)

// Number is a valid citizen identity number of 18 characters. Its zero value is
// no number. Printing one never shows it: ask for Text.
type Number struct{ text string }

// Text returns the 18 characters, the last in upper case; "" for the zero Number.
func (n Number) Text() string { return n.text }

// String never shows the number.
func (n Number) String() string { return "citizenid.Number(hidden)" }

// GoString never shows the number, not even under %#v.
func (n Number) GoString() string { return n.String() }

// Division returns the address code: six digits of GB/T 2260 as they stood when
// the number was assigned; "" for the zero Number.
func (n Number) Division() string {
	if n.text == "" {
		return ""
	}
	return n.text[:6]
}

// BirthDate returns the encoded day at midnight UTC; the zero time for the zero
// Number.
func (n Number) BirthDate() time.Time {
	if n.text == "" {
		return time.Time{}
	}
	year, month, day := splitDate(n.text[6:14])
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// Sex returns the encoded sex; 0 (unknown) for the zero Number.
func (n Number) Sex() Sex {
	switch {
	case n.text == "":
		return 0
	case (n.text[16]-'0')%2 == 1:
		return Male
	default:
		return Female
	}
}

// Parse reads the 18-character form strictly: ASCII digits, the last a digit, X
// or x; an address code beginning with 1 to 8 (9 begins the permanent-residence
// cards of foreigners, which GB 11643 does not cover); a Gregorian birth date of
// the years 1800 to 2199; the check character of ISO 7064 MOD 11-2. Whether the
// county existed or the day is past is not its affair. The error is a Problem.
func Parse(s string) (Number, error) {
	if len(s) != size {
		return Number{}, ErrLength
	}
	want, err := CheckCharacter(s[:size-1])
	if err != nil {
		return Number{}, err
	}
	last := s[size-1]
	if last == 'x' {
		last = 'X'
	}
	switch {
	case last != 'X' && (last < '0' || last > '9'):
		return Number{}, ErrCharacter
	case s[0] < '1' || s[0] > '8':
		return Number{}, ErrDivision
	case !validDate(s[6:14]):
		return Number{}, ErrBirthDate
	case last != want:
		return Number{}, ErrCheck
	}
	if last == s[size-1] {
		return Number{text: s}, nil
	}
	return Number{text: s[:size-1] + "X"}, nil
}

// CheckCharacter computes the 18th character from the first 17 digits by ISO
// 7064 MOD 11-2 (GB 11643-1999 §4.2.3): a digit or 'X'. The error is ErrLength
// or ErrCharacter.
func CheckCharacter(first17 string) (byte, error) {
	if len(first17) != size-1 {
		return 0, ErrLength
	}
	// Horner form of the weights 2^(17-i) mod 11.
	product := 0
	for i := range len(first17) {
		c := first17[i]
		if c < '0' || c > '9' {
			return 0, ErrCharacter
		}
		product = (product + int(c-'0')) * 2 % 11
	}
	return "10X98765432"[product], nil
}

// validDate reports whether eight digits are a Gregorian day of 1800 to 2199.
// The range only keeps other 18-digit numbers from passing for a person's.
func validDate(digits string) bool {
	year, month, day := splitDate(digits)
	if year < 1800 || year > 2199 || month < 1 || month > 12 || day < 1 {
		return false
	}
	// Day 0 of the next month is the last day of this one.
	return day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func splitDate(digits string) (year, month, day int) {
	return number(digits[:4]), number(digits[4:6]), number(digits[6:8])
}

func number(digits string) int {
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}
