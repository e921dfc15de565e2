package citizenid

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Documented samples: GB 11643-1999 Annex A and widely printed constants.
var documented = []struct {
	text, division, birth string
	sex                   Sex
}{
	{"11010519491231002X", "110105", "1949-12-31", Female},
	{"440524188001010014", "440524", "1880-01-01", Male},
	{"34052419800101001X", "340524", "1980-01-01", Male},
	{"51343620000320711X", "513436", "2000-03-20", Male},
}

// synthetic makes a valid number of the years 1880 to 1905, so that no living
// person can be meant.
func synthetic(t testing.TB, rng *rand.Rand) string {
	t.Helper()
	day := time.Date(1880, 1, 1+rng.IntN(26*365), 0, 0, 0, 0, time.UTC)
	first17 := fmt.Sprintf("%d%05d%s%03d", 1+rng.IntN(8), rng.IntN(100000), day.Format("20060102"), rng.IntN(1000))
	check, err := CheckCharacter(first17)
	if err != nil {
		t.Fatal(err)
	}
	return first17 + string(rune(check))
}

func TestParseDocumented(t *testing.T) {
	for _, d := range documented {
		for _, text := range []string{d.text, strings.ToLower(d.text)} {
			n, err := Parse(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if n.Text() != d.text || n.Division() != d.division || n.BirthDate().Format(time.DateOnly) != d.birth || n.Sex() != d.sex {
				t.Errorf("%s: %s %s %s %d", text, n.Text(), n.Division(), n.BirthDate(), n.Sex())
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Problem
	}{
		"empty":              {"", ErrLength},
		"17 characters":      {"11010519491231002", ErrLength},
		"19 characters":      {"11010519491231002X0", ErrLength},
		"15-digit form":      {"110105491231002", ErrLength},
		"blank before":       {" 11010519491231002X", ErrLength},
		"blank inside":       {"110105 949123100X2", ErrCharacter},
		"letter inside":      {"1101051949123100XX", ErrCharacter},
		"letter at the end":  {"11010519491231002Y", ErrCharacter},
		"NUL at the end":     {"11010519491231002\x00", ErrCharacter},
		"full-width digits":  {"１１０１０５", ErrCharacter},
		"check off by one":   {"440524188001010015", ErrCheck},
		"check X for digit":  {"44052418800101001X", ErrCheck},
		"two digits swapped": {"440524188001010104", ErrCheck},
		"month 13":           {withCheck(t, "44052418801301001"), ErrBirthDate},
		"month 0":            {withCheck(t, "44052418800001001"), ErrBirthDate},
		"day 0":              {withCheck(t, "44052418800100001"), ErrBirthDate},
		"30 February":        {withCheck(t, "44052418800230001"), ErrBirthDate},
		"29 February 1900":   {withCheck(t, "44052419000229001"), ErrBirthDate},
		"31 April":           {withCheck(t, "44052418800431001"), ErrBirthDate},
		"year 1799":          {withCheck(t, "44052417991231001"), ErrBirthDate},
		"year 2200":          {withCheck(t, "44052422000101001"), ErrBirthDate},
		"division 0":         {withCheck(t, "04052418800101001"), ErrDivision},
		"division 9":         {withCheck(t, "94052418800101001"), ErrDivision},
	} {
		n, err := Parse(c.text)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if n != (Number{}) {
			t.Errorf("%s: a refused text gave a number", name)
		}
		if err != nil && len(c.text) > 3 && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: the error shows the text", name)
		}
	}
	if _, err := Parse(withCheck(t, "44052418840229001")); err != nil {
		t.Errorf("29 February 1884: %v", err)
	}
}

func withCheck(t *testing.T, first17 string) string {
	t.Helper()
	check, err := CheckCharacter(first17)
	if err != nil {
		t.Fatal(err)
	}
	return first17 + string(rune(check))
}

// TestCheckCharacterAgainstWeights compares with the weighted sum as the
// standard prints it.
func TestCheckCharacterAgainstWeights(t *testing.T) {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := synthetic(t, rng)
		sum := 0
		for i, w := range weights {
			sum += int(text[i]-'0') * w
		}
		if want := "10X98765432"[sum%11]; text[17] != want {
			t.Fatalf("%s: want %c", text, want)
		}
		n, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if odd := (text[16]-'0')%2 == 1; odd != (n.Sex() == Male) {
			t.Fatalf("%s: sex %d", text, n.Sex())
		}
		if n.BirthDate().Format("20060102") != text[6:14] {
			t.Fatalf("%s: birth date %s", text, n.BirthDate())
		}
	}
	for _, bad := range []string{"", "1101051949123100", "1101051949123100a", "110105194912310021"} {
		if _, err := CheckCharacter(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestEveryWrongCheckCharacterIsRefused(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		text := synthetic(t, rng)
		for _, c := range "0123456789X" {
			_, err := Parse(text[:17] + string(c))
			if (err == nil) != (byte(c) == text[17]) {
				t.Fatalf("%s with %c: %v", text, c, err)
			}
		}
	}
}

func TestCanonical(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		ok       bool
	}{
		"as it is":             {"11010519491231002X", "11010519491231002X", true},
		"lower case":           {"11010519491231002x", "11010519491231002X", true},
		"blanks around":        {" \t11010519491231002X\u3000\r\n", "11010519491231002X", true},
		"blanks inside":        {"110105 19491231 002x", "11010519491231002X", true},
		"zero-width inside":    {"110105\u200b19491231\ufeff002X", "11010519491231002X", true},
		"full width":           {"１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X", true},
		"full width, lower":    {"１１０１０５１９４９１２３１００２ｘ", "11010519491231002X", true},
		"15 digits":            {"110105491231002", "11010519491231002X", true},
		"15 digits, blanks":    {" 110105 491231 002 ", "11010519491231002X", true},
		"15, full width":       {"１１０１０５４９１２３１００２", "11010519491231002X", true},
		"15 with a wrong date": {"110105491331002", "110105491331002", false},
		"15 with a letter":     {"11010549123100x", "11010549123100X", false},
		"wrong check":          {" 110105194912310021 ", "110105194912310021", false},
		"passport":             {" ｅ12345678 ", "E12345678", false},
		"text keeps its blank": {" 不 详 ", "不 详", false},
		"empty":                {"", "", false},
		"blanks only":          {" \u3000\u200b", "", false},
	} {
		got, ok := Canonical(c.in)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %q %v, want %q %v", name, got, ok, c.want, c.ok)
		}
	}
}

func TestNumberNeverPrintsItself(t *testing.T) {
	n, err := Parse("440524188001010014")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if strings.Contains(fmt.Sprintf(verb, n), "18800101") {
			t.Errorf("%s shows the number", verb)
		}
	}
	var zero Number
	if zero.Text() != "" || zero.Division() != "" || zero.Sex() != 0 || !zero.BirthDate().IsZero() {
		t.Error("the zero Number says something")
	}
}

func FuzzCanonical(f *testing.F) {
	for _, d := range documented {
		f.Add(d.text)
	}
	for _, s := range []string{"", "110105491231002", "１１０１０５４９１２３１００２", " 11010519491231002x ", "\xff\xfe", "ſ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, perr := Parse(s)
		got, ok := Canonical(s)
		if perr == nil && (!ok || got != n.Text()) {
			t.Fatalf("%q parses but is counted as %q", s, got)
		}
		var p Problem
		if perr != nil && !errors.As(perr, &p) {
			t.Fatalf("%q: untyped error", s)
		}
		if ok {
			if _, err := Parse(got); err != nil {
				t.Fatalf("%q: canonical %q does not parse: %v", s, got, err)
			}
		}
		if again, okAgain := Canonical(got); again != got || okAgain != ok {
			t.Fatalf("%q: canonical twice gives %q then %q", s, got, again)
		}
	})
}
