// Package registry is a synthetic household register that demos, tests and
// benchmarks put behind the gate: the same seed gives the same register for
// ever, and no living person can be meant by it.
//
// Everybody in it was born between 1880 and 1905 (as the specimen of
// GB 11643-1999 annex A was), the register stands as of [ReferenceDate], roads,
// schools and employers are made up, and telephone numbers begin with
// [PhonePrefix]. Address codes are counties in force under GB/T 2260.
package registry

import (
	"slices"
	"time"
)

// DefaultSeed makes the register that demos and the pinned tests use.
const DefaultSeed uint64 = 11643

// PhonePrefix begins every telephone number, eleven digits long. Chinese mobile
// numbers begin with 13 to 19 and area codes with 0; 100 introduces carriers'
// five-digit service numbers, of which 1007x is not in use, so such a number
// reaches nobody.
const PhonePrefix = "1007"

// The first and last birth year in the register.
const (
	FirstBirthYear = 1880
	LastBirthYear  = 1905
)

// ReferenceDate is the day the register stands as of: ages, guardians, schools
// and cards are right on this day, and no event is later.
var ReferenceDate = time.Date(1918, time.January, 1, 0, 0, 0, 0, time.UTC)

// Ages in completed years.
const (
	adultAge     = 18 // Civil Code, Art. 17: below it a person has guardians
	workingAge   = 16
	marriageable = 18 // of this fiction; the law in force asks more
)

// households is how many a register has.
const households = 760

// Registry is an unchanging register. It is safe for concurrent use.
type Registry struct {
	residents   []Resident
	byID        map[string]int
	byHousehold map[string][]int
	byName      map[nameAndBirth][]int
	byDivision  map[string][]int
}

type nameAndBirth struct{ name, birth string }

// Generate makes the register of a seed: at least 2,000 residents in at least
// 700 households.
func Generate(seed uint64) *Registry {
	g := newGenerator()
	g.specimenHousehold()
	g.reseed(seed)
	for len(g.homes) < households {
		g.household()
	}
	return index(g.residents())
}

func index(residents []Resident) *Registry {
	r := &Registry{
		residents:   residents,
		byID:        make(map[string]int, len(residents)),
		byHousehold: make(map[string][]int),
		byName:      make(map[nameAndBirth][]int, len(residents)),
		byDivision:  make(map[string][]int),
	}
	for i := range residents {
		p := &residents[i]
		r.byID[p.GMSFHM] = i
		r.byHousehold[p.HH] = append(r.byHousehold[p.HH], i)
		key := nameAndBirth{p.XM, p.CSRQ}
		r.byName[key] = append(r.byName[key], i)
		r.byDivision[p.SSXQ] = append(r.byDivision[p.SSXQ], i)
	}
	return r
}

// Residents gives everybody in the order of the register. The slice is the
// caller's own.
func (r *Registry) Residents() []Resident { return slices.Clone(r.residents) }

// ByID finds the resident with the given 18-character identity number.
func (r *Registry) ByID(id string) (Resident, bool) {
	i, ok := r.byID[id]
	if !ok {
		return Resident{}, false
	}
	return r.residents[i], true
}

// Household gives the members of the household with the given number, head
// first; none when there is no such household.
func (r *Registry) Household(hh string) []Resident { return r.pick(r.byHousehold[hh]) }

// Division gives the residents registered in a county by its GB/T 2260 code, in
// the order of the register.
func (r *Registry) Division(code string) []Resident { return r.pick(r.byDivision[code]) }

// Specimen is the resident demos show: married, with two children, not
// protected, the same whatever the seed. The spouse's name has the middle dot
// and one child's a character outside the BMP.
func (r *Registry) Specimen() Resident { return r.residents[0] }

func (r *Registry) pick(at []int) []Resident {
	some := make([]Resident, len(at))
	for i, j := range at {
		some[i] = r.residents[j]
	}
	return some
}
