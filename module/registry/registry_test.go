package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hukougate/module/citizenid"
)

// golden is the SHA-256 of all full records of the default register. It must
// never change: tests, demos and published figures elsewhere name its people.
const golden = "6969c5b11577c3cbdef195e970f3359d498fdffdbf9fb71126e646c84bf6c1f5"

var shared = Generate(DefaultSeed)

func digest(r *Registry) string {
	h := sha256.New()
	for _, p := range r.residents {
		h.Write(appendRecord(nil, p.Members()))
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestSameSeedSameRegister(t *testing.T) {
	if got := digest(shared); got != golden {
		t.Errorf("digest %s, pinned %s", got, golden)
	}
	if digest(Generate(DefaultSeed)) != digest(shared) {
		t.Error("two registers of one seed differ")
	}
	other := Generate(DefaultSeed + 1)
	if digest(other) == digest(shared) {
		t.Error("another seed makes the same register")
	}
	if other.Specimen() != shared.Specimen() {
		t.Error("the specimen depends on the seed")
	}
}

func TestSizes(t *testing.T) {
	for _, seed := range []uint64{0, 1, 1 << 63} {
		r := Generate(seed)
		if n := len(r.Residents()); n < 2000 {
			t.Errorf("seed %d: %d residents", seed, n)
		}
		if n := len(r.byHousehold); n < 700 {
			t.Errorf("seed %d: %d households", seed, n)
		}
	}
	seen := make(map[int]int)
	for hh, at := range shared.byHousehold {
		if len(at) > 7 {
			t.Errorf("household %s has %d members", hh, len(at))
		}
		seen[len(at)]++
	}
	for size := 1; size <= 7; size++ {
		if seen[size] == 0 {
			t.Errorf("no household of %d", size)
		}
	}
	if n := len(memberNames); n < 60 {
		t.Errorf("a record has %d members", n)
	}
}

func TestIdentityNumbers(t *testing.T) {
	codes := make(map[string]string)
	for _, d := range Divisions() {
		codes[d.Code] = d.Name
	}
	seen, internal := make(map[string]bool), make(map[string]bool)
	for _, p := range shared.Residents() {
		id := p.GMSFHM
		if len(id) != 18 {
			t.Fatalf("%q is not a number", id)
		}
		check, err := citizenid.CheckCharacter(id[:17])
		if err != nil || check != id[17] {
			t.Errorf("%s: check character %c, %v", id, check, err)
		}
		if seen[id] {
			t.Errorf("%s given twice", id)
		}
		seen[id] = true
		for _, key := range []string{p.RYID, p.ZPID} {
			if internal[key] {
				t.Errorf("%s: internal id %s given twice", id, key)
			}
			internal[key] = true
		}
		if year := id[6:10]; year < "1880" || year > "1905" {
			t.Errorf("%s: birth year %s", id, year)
		}
		if id[6:14] != p.CSRQ {
			t.Errorf("%s: birth date %s", id, p.CSRQ)
		}
		if codes[id[:6]] == "" || id[:6] != p.CSDSSXQ || codes[p.CSDSSXQ] != p.CSDXZ {
			t.Errorf("%s: birthplace %s %s", id, p.CSDSSXQ, p.CSDXZ)
		}
		if odd := (id[16]-'0')%2 == 1; odd != (p.XB == "1") {
			t.Errorf("%s: sex %s", id, p.XB)
		}
	}
}

func TestTwins(t *testing.T) {
	groups := make(map[string]string)
	for _, d := range divisions {
		for _, w := range d.groups {
			groups[w.group.code] = w.group.name
		}
	}
	stations := make(map[string]string)
	for _, p := range shared.Residents() {
		if want := map[string]string{"1": "男", "2": "女"}[p.XB]; want == "" || p.XBHZ != want {
			t.Errorf("%s: %s %s", p.GMSFHM, p.XB, p.XBHZ)
		}
		if groups[p.MZDM] == "" || groups[p.MZDM] != p.MZHZ {
			t.Errorf("%s: %s %s", p.GMSFHM, p.MZDM, p.MZHZ)
		}
		whole := p.XMX + p.XMM
		if strings.Contains(p.XM, middleDot) {
			whole, _, _ = strings.Cut(p.XM, middleDot)
			whole = strings.Replace(whole, p.XMM, p.XM, 1)
		}
		if whole != p.XM || p.XMPY == "" || strings.Trim(p.XMPY, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") != "" {
			t.Errorf("%s: %s = %s + %s, %s", p.GMSFHM, p.XM, p.XMX, p.XMM, p.XMPY)
		}
		if had, ok := stations[p.PCS]; ok && had != p.PCSMC {
			t.Errorf("%s: station %s is %s and %s", p.GMSFHM, p.PCS, had, p.PCSMC)
		}
		stations[p.PCS] = p.PCSMC
	}
}

func TestNames(t *testing.T) {
	beyond, dotted, compound, single, tibetan := 0, 0, 0, 0, 0
	for _, p := range shared.Residents() {
		if !utf8.ValidString(p.XM) || p.XM == "" {
			t.Errorf("%s: name %q", p.GMSFHM, p.XM)
		}
		for _, c := range p.XM {
			if c > 0xFFFF {
				beyond++
				break
			}
		}
		switch {
		case strings.Contains(p.XM, "\u00B7"):
			dotted++
		case p.XMX == "":
			tibetan++
		case utf8.RuneCountInString(p.XMX) == 2:
			compound++
		case utf8.RuneCountInString(p.XMM) == 1:
			single++
		}
	}
	for what, n := range map[string]int{"outside the BMP": beyond, "with a middle dot": dotted, "compound": compound, "single given name": single, "no family name": tibetan} {
		if n < 30 {
			t.Errorf("%d names %s, want 30", n, what)
		}
	}
}

func TestDates(t *testing.T) {
	reference := ReferenceDate.Format(dayForm)
	for _, p := range shared.Residents() {
		for name, value := range map[string]string{"CSRQ": p.CSRQ, "JHRQ": p.JHRQ, "YXQXQSRQ": p.YXQXQSRQ, "HSQL": p.HSQL, "HSLBZ": p.HSLBZ, "QCRQ": p.QCRQ, "SWRQ": p.SWRQ, "SWZXRQ": p.SWZXRQ, "DJRQ": p.DJRQ} {
			if value == "" {
				continue
			}
			if _, err := time.Parse(dayForm, value); err != nil || value >= reference || value < p.CSRQ {
				t.Errorf("%s: %s %s, %v", p.GMSFHM, name, value, err)
			}
		}
		if _, err := time.Parse(stampForm, p.GXSJ); err != nil || p.GXSJ >= reference+"000000" || p.GXSJ < p.DJRQ+"000000" {
			t.Errorf("%s: GXSJ %s, %v", p.GMSFHM, p.GXSJ, err)
		}
		if p.YXQXJZRQ <= reference {
			t.Errorf("%s: card ended %s", p.GMSFHM, p.YXQXJZRQ)
		}
		if (p.RYZT == StateDead) != (p.SWRQ != "") || (p.RYZT == StateMovedOut) != (p.QCRQ != "") {
			t.Errorf("%s: state %s, died %q, left %q", p.GMSFHM, p.RYZT, p.SWRQ, p.QCRQ)
		}
		if p.SWRQ > p.SWZXRQ {
			t.Errorf("%s: death %s registered %s", p.GMSFHM, p.SWRQ, p.SWZXRQ)
		}
	}
}

func TestStatesAndLevels(t *testing.T) {
	count := make(map[string]int)
	for _, p := range shared.Residents() {
		count["state "+p.RYZT]++
		count["level "+p.XXJB]++
		if p.LXDH != "" && (len(p.LXDH) != 11 || !strings.HasPrefix(p.LXDH, PhonePrefix)) {
			t.Errorf("%s: telephone %s", p.GMSFHM, p.LXDH)
		}
		if n := len(p.XP); n < 2000 || n > 2100 {
			t.Errorf("%s: photo of %d characters", p.GMSFHM, n)
		}
	}
	if n := count["level "+LevelProtected]; n < 3 || n > 40 {
		t.Errorf("%d protected persons", n)
	}
	if count["state "+StateDead] < 10 || count["state "+StateMovedOut] < 10 {
		t.Errorf("states: %v", count)
	}
	if n := count["state "+StatePresent] + count["state "+StateDead] + count["state "+StateMovedOut]; n != len(shared.residents) {
		t.Errorf("other states: %v", count)
	}
}

func TestSpecimen(t *testing.T) {
	s := shared.Specimen()
	if s.Protected() || s.YHZGX != "02" || s.RYZT != StatePresent {
		t.Errorf("specimen: %+v", s)
	}
	family := shared.Household(s.HH)
	if len(family) != 4 {
		t.Fatalf("%d members", len(family))
	}
	if spouse := family[1]; spouse.GMSFHM != s.POGMSFHM || !strings.Contains(spouse.XM, middleDot) {
		t.Errorf("spouse: %s", spouse.XM)
	}
	if r := []rune(family[2].XM); r[len(r)-1] <= 0xFFFF {
		t.Errorf("son: %s", family[2].XM)
	}
	for _, child := range family[2:] {
		if child.FQGMSFHM != s.GMSFHM || child.JHRYGMSFHM != s.GMSFHM || child.JHREGMSFHM != s.POGMSFHM {
			t.Errorf("child: %+v", child)
		}
	}
	if again, ok := shared.ByID(s.GMSFHM); !ok || again != s {
		t.Error("the specimen is not found by its number")
	}
	for _, m := range []string{"CYM", "LXDH", "ZJXY", "FQXM", "MQXM", "POXM", "FWCS", "XP"} {
		for _, member := range s.Members() {
			if member.Name == m && member.Value == "" {
				t.Errorf("the specimen has no %s", m)
			}
		}
	}
}
