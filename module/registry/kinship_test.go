package registry

import (
	"testing"
	"time"
)

func ageOf(t *testing.T, p Resident) int {
	t.Helper()
	born, err := time.Parse(dayForm, p.CSRQ)
	if err != nil {
		t.Fatal(err)
	}
	return age(born, ReferenceDate)
}

// must finds a relative that a record names by number and checks the name.
func must(t *testing.T, of Resident, what, id, name string) (Resident, bool) {
	t.Helper()
	if id == "" {
		return Resident{}, false
	}
	p, ok := shared.ByID(id)
	if !ok || p.XM != name {
		t.Errorf("%s: %s %s %s is not in the register", of.GMSFHM, what, id, name)
		return Resident{}, false
	}
	return p, true
}

func TestRelativesExist(t *testing.T) {
	fathers, spouses, guardians := 0, 0, 0
	for _, p := range shared.Residents() {
		if father, ok := must(t, p, "father", p.FQGMSFHM, p.FQXM); ok {
			fathers++
			if father.XB != "1" || ageOf(t, father) < ageOf(t, p)+adultAge {
				t.Errorf("%s: father %s", p.GMSFHM, father.GMSFHM)
			}
			if father.XMX != "" && father.XMX != p.XMX {
				t.Errorf("%s: family name %s, father's %s", p.GMSFHM, p.XMX, father.XMX)
			}
		}
		if mother, ok := must(t, p, "mother", p.MQGMSFHM, p.MQXM); ok && (mother.XB != "2" || ageOf(t, mother) < ageOf(t, p)+adultAge) {
			t.Errorf("%s: mother %s", p.GMSFHM, mother.GMSFHM)
		}
		if p.FQXM == "" || p.MQXM == "" {
			t.Errorf("%s: parents %q, %q", p.GMSFHM, p.FQXM, p.MQXM)
		}
		if spouse, ok := must(t, p, "spouse", p.POGMSFHM, p.POXM); ok {
			spouses++
			if spouse.POGMSFHM != p.GMSFHM || spouse.XB == p.XB || spouse.JHRQ != p.JHRQ {
				t.Errorf("%s: spouse %s", p.GMSFHM, spouse.GMSFHM)
			}
			if widowed := spouse.RYZT == StateDead; widowed != (p.HYZK == "30") {
				t.Errorf("%s: marital status %s", p.GMSFHM, p.HYZK)
			}
		}
		if single := p.HYZK == "10"; single != (p.POXM == "") {
			t.Errorf("%s: marital status %s, spouse %q", p.GMSFHM, p.HYZK, p.POXM)
		}
		first, ok := must(t, p, "guardian", p.JHRYGMSFHM, p.JHRYXM)
		if minor := ageOf(t, p) < adultAge; ok != minor {
			t.Errorf("%s: minor %v, guardian %q", p.GMSFHM, minor, p.JHRYXM)
		}
		if ok {
			guardians++
			if ageOf(t, first) < adultAge || first.RYZT == StateDead || p.JHRYLXDH != first.LXDH {
				t.Errorf("%s: guardian %s", p.GMSFHM, first.GMSFHM)
			}
		}
		if _, ok := must(t, p, "second guardian", p.JHREGMSFHM, p.JHREXM); ok && p.JHREGMSFHM != p.MQGMSFHM {
			t.Errorf("%s: second guardian", p.GMSFHM)
		}
	}
	if fathers < 500 || spouses < 500 || guardians < 500 {
		t.Errorf("%d fathers, %d spouses, %d guardians", fathers, spouses, guardians)
	}
}

// sexOf is the sex a GB/T 4761 code implies; absent: either.
var sexOf = map[string]string{
	"11": "1", "12": "2",
	"21": "1", "22": "1", "23": "1", "24": "1", "25": "1", "26": "1",
	"31": "2", "32": "2", "33": "2", "34": "2", "35": "2", "36": "2",
	"51": "1", "52": "2", "71": "1", "73": "1", "75": "2", "77": "2", "93": "1", "94": "2",
}

// relationHolds says whether a code is true of a member and the head.
func relationHolds(p, head Resident) bool {
	brotherOrSister := p.FQXM == head.FQXM && p.MQXM == head.MQXM
	switch p.YHZGX {
	case "11", "12":
		return p.POGMSFHM == head.GMSFHM
	case "51":
		return head.FQGMSFHM == p.GMSFHM
	case "52":
		return head.MQGMSFHM == p.GMSFHM
	case "71", "75":
		return brotherOrSister && p.CSRQ < head.CSRQ
	case "73", "77":
		return brotherOrSister && p.CSRQ > head.CSRQ
	case "93", "94":
		father, ok := shared.ByID(p.FQGMSFHM)
		return ok && (father.YHZGX == "71" || father.YHZGX == "73") && father.HH == head.HH
	}
	// 子 and 女
	return p.FQGMSFHM == head.GMSFHM || p.MQGMSFHM == head.GMSFHM
}

func TestRelationsToHead(t *testing.T) {
	used := make(map[string]int)
	for _, first := range shared.Residents() {
		if first.YHZGX != "02" {
			continue
		}
		family := shared.Household(first.HH)
		if family[0] != first || ageOf(t, first) < adultAge || first.RYZT != StatePresent {
			t.Errorf("%s: not fit to be the head", first.GMSFHM)
		}
		children := 0
		for _, p := range family {
			used[p.YHZGX]++
			if p.HZXM != first.XM || p.HHNBID != first.HHNBID || p.SSXQ != first.SSXQ || p.HJDZ != first.HJDZ {
				t.Errorf("%s: household differs from the head's", p.GMSFHM)
			}
			if p.YHZGX == "02" {
				continue
			}
			if sex := sexOf[p.YHZGX]; sex != p.XB || !relationHolds(p, first) {
				t.Errorf("%s: relation %s to %s", p.GMSFHM, p.YHZGX, first.GMSFHM)
			}
			if p.YHZGX[0] == '2' || p.YHZGX[0] == '3' {
				children++
			}
		}
		for _, p := range family {
			if only := p.YHZGX == "21" || p.YHZGX == "31"; only && children != 1 {
				t.Errorf("%s: only child of %d", p.GMSFHM, children)
			}
		}
	}
	for code := range sexOf {
		// The fifth child of one sex is rare enough to be missing.
		if used[code] == 0 && code != "25" && code != "26" && code != "35" && code != "36" {
			t.Errorf("relation %s does not occur", code)
		}
	}
	if used["02"] != len(shared.byHousehold) {
		t.Errorf("%d heads of %d households", used["02"], len(shared.byHousehold))
	}
}
