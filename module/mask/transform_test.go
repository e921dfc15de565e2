package mask

import (
	"errors"
	"strings"
	"testing"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"hukougate/module/access"
	"hukougate/module/keys"
)

func TestKeep(t *testing.T) {
	for _, c := range []struct {
		first, last int
		in, want    string
	}{
		{0, 0, "张三", "****"},
		{1, 0, "张三", "张****"},
		{0, 1, "张三", "****三"},
		{1, 1, "张三", "****"},
		{1, 1, "张三丰", "张****丰"},
		{2, 0, "张三", "****"},
		{1, 0, "张", "****"},
		{3, 4, "13800001999", "138****1999"},
		{3, 4, "1380199", "****"},
		{3, 4, "13800199", "138****0199"},
		{1, 2, "11010519491231002X", "1****2X"},
		{0, 4, "abc", "****"},
		{1, 0, "𠮷田", "𠮷****"},
		{1, 0, "葛\U000E0100城", "葛\U000E0100****"},
		{0, 1, "城葛\U000E0100", "****葛\U000E0100"},
		{1, 0, "e\u0301a", "e\u0301****"},
		{1, 1, "e\u0301a\u0300b\u0301", "e\u0301****b\u0301"},
		{1, 1, "e\u0301a\u0300", "****"},
		{1, 0, "👨‍👩‍👧 家", "👨‍👩‍👧****"},
		{1, 1, "🇨🇳🇨🇳", "****"},
		{2, 0, "买买提·吐尔逊", "买买****"},
		{1, 0, "ئابدۇللا", "ئ****"},
		{1, 1, "한국인", "한****인"},
		{1, 0, "\r\n", "****"},
		// Padding is no character.
		{1, 1, "张　三", "****"},
		{1, 1, "张 三", "****"},
		{1, 1, "张\u200b三", "****"},
		{1, 1, "张\u3164三", "****"},
		{1, 1, "张\u2060\u2060三", "****"},
		{1, 1, "张\ufe0f三\ufe0f", "****"},
		{1, 1, "张三                ", "****"},
		{1, 1, "\u200e张三\u0000", "****"},
		{0, 2, "张三丰    ", "****三丰"},
		{1, 0, " \u3000张三", "张****"},
		{1, 1, "张 三 丰", "张****丰"},
		{1, 0, "   ", "****"},
	} {
		got, removed, err := Example(access.Transform{Kind: access.Keep, First: c.first, Last: c.last}, "f", false, c.in, keys.Key{})
		if got != c.want || removed || err != nil {
			t.Errorf("keep %d+%d of %q: %q %v %v, want %q", c.first, c.last, c.in, got, removed, err, c.want)
		}
	}
}

// TestKeepWidth: what is hidden does not show its length.
func TestKeepWidth(t *testing.T) {
	for _, hidden := range []string{"x", "xy", strings.Repeat("张", 500)} {
		got, _, err := Example(access.Transform{Kind: access.Keep, First: 1, Last: 1}, "f", false, "a"+hidden+"b", keys.Key{})
		if err != nil || got != "a****b" {
			t.Errorf("%q %v", got, err)
		}
	}
}

// TestSimpleRunesStandAlone: the fast path agrees with UAX #29 for every rune it
// takes, next to each kind of neighbour it takes.
func TestSimpleRunesStandAlone(t *testing.T) {
	taken := 0
	for r := rune(0); r <= 0x323AF; r++ {
		if r >= 0xD800 && r <= 0xDFFF || !simple([]byte(string(r))) {
			continue
		}
		taken++
		text := string([]rune{'a', r, '张', r, r, 0x20BB7, r, ' '})
		n := 0
		for g := graphemes.FromString(text); g.Next(); {
			n++
		}
		if n != 8 {
			t.Fatalf("U+%04X joins a neighbour", r)
		}
	}
	if taken < 60000 {
		t.Fatalf("only %d runes are simple", taken)
	}
}

func TestYear(t *testing.T) {
	for in, want := range map[string]string{
		"18800101":            "1880",
		"1880-01-01":          "1880",
		"18800101235959":      "1880",
		"18840229":            "1884",
		"19000229":            Fill,
		"18800230":            Fill,
		"18801301":            Fill,
		"18800100":            Fill,
		"00000101":            Fill,
		"18800101240000":      Fill,
		"18800101236000":      Fill,
		"1880/01/01":          Fill,
		"1880-1-1":            Fill,
		"1880-13-01":          Fill,
		"188001011":           Fill,
		"1880":                Fill,
		"188001":              Fill,
		" 18800101":           Fill,
		"１８８００１０１":            Fill,
		"1880年1月1日":           Fill,
		"+1880101":            Fill,
		"1880-01-01 00:00:00": Fill,
		"张三":                  Fill,
		"18800101......":      Fill,
	} {
		got, removed, err := Example(onlyYear, "birth_date", false, in, keys.Key{})
		if got != want || removed || err != nil {
			t.Errorf("%q: %q %v %v, want %q", in, got, removed, err, want)
		}
	}
}

func TestExample(t *testing.T) {
	k := testKeys(t).Field
	id := named(t, k, "citizen_id", "11010519491231002X")
	for name, c := range map[string]struct {
		transform access.Transform
		isPerson  bool
		in, want  string
		removed   bool
	}{
		"zero removes":      {access.Transform{}, false, "x", "", true},
		"remove":            {remove, false, "x", "", true},
		"remove of nothing": {remove, false, "", "", true},
		"clear":             {pass, false, " x ", " x ", false},
		"clear of nothing":  {pass, false, "", "", false},
		"keep of nothing":   {keepOne, false, "", "", false},
		"year of nothing":   {onlyYear, false, "", "", false},
		"nobody":            {pseudonym, true, "", "", false},
		"person":            {pseudonym, true, " 110105491231002", id, false},
		"not the person":    {pseudonym, false, " 11010519491231002X ", id, false},
	} {
		got, removed, err := Example(c.transform, "citizen_id", c.isPerson, c.in, k)
		if got != c.want || removed != c.removed || err != nil {
			t.Errorf("%s: %q %v %v", name, got, removed, err)
		}
	}
	if _, _, err := Example(access.Transform{Kind: "blur"}, "f", false, "x", k); !errors.Is(err, errTransform) {
		t.Errorf("unknown transform: %v", err)
	}
	if _, _, err := Example(access.Transform{Kind: access.Keep, First: -1}, "f", false, "x", k); !errors.Is(err, errCounts) {
		t.Errorf("negative count: %v", err)
	}
	if _, _, err := Example(pseudonym, "f", false, "x", keys.Key{}); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("zero key: %v", err)
	}
}
