package registry

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"

	"hukougate/module/citizenid"
)

// specimenSeed makes the specimen's household, whatever the seed of the rest.
const specimenSeed uint64 = 19491231

// person is a resident in the making.
type person struct {
	name   fullName
	group  *ethnicGroup
	male   bool
	born   time.Time
	origin *division // county of the identity number
	id     string

	father, mother, spouse *person   // in the register
	fatherName, motherName *fullName // known by name only
	spouseName             *fullName // former spouse
	marital                string    // GB/T 2261.2-2003
	married                time.Time
	relation               string // to the head, GB/T 4761-2008

	died, left time.Time // zero: neither
	number     int       // place in the register, from 1
	record     Resident
}

// home is a household in the making; the head is its first member.
type home struct {
	number  int
	at      *division
	members []*person
}

type generator struct {
	seed  uint64
	rng   *rand.PCG
	homes []*home
	used  map[string]bool // identity numbers given
	count int             // persons finished
}

func newGenerator() *generator {
	g := &generator{used: make(map[string]bool)}
	g.reseed(specimenSeed)
	return g
}

func (g *generator) reseed(seed uint64) {
	g.seed = seed
	g.rng = rand.NewPCG(seed, 0)
}

// below gives a number in [0, n). It draws from the PCG itself: its output is
// fixed by its paper, whereas rand.Rand may change how it derives ranges.
func (g *generator) below(n int) int {
	hi, _ := bits.Mul64(g.rng.Uint64(), uint64(n))
	return int(hi)
}

// between gives a number in [low, high].
func (g *generator) between(low, high int) int { return low + g.below(high-low+1) }

// chance is true in the given percentage of draws.
func (g *generator) chance(percent int) bool { return g.below(100) < percent }

func (g *generator) pick(from []string) string { return from[g.below(len(from))] }

// day gives a day in [from, to], or from when the range is empty.
func (g *generator) day(from, to time.Time) time.Time {
	days := int(to.Sub(from).Hours() / 24)
	if days <= 0 {
		return from
	}
	return from.AddDate(0, 0, g.between(0, days))
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// yearsOf is the span from the first day of one year to the last of another.
func yearsOf(from, to int) (time.Time, time.Time) {
	return date(from, time.January, 1), date(to, time.December, 31)
}

func (g *generator) groupOf(d *division) *ethnicGroup {
	var total uint64
	for _, w := range d.groups {
		total += w.weight
	}
	at := uint64(g.below(int(total)))
	for _, w := range d.groups {
		if at < w.weight {
			return w.group
		}
		at -= w.weight
	}
	return han
}

// identityNumber gives a number nobody has yet: GB 11643-1999, the sequence odd
// for men and even for women.
func (g *generator) identityNumber(origin *division, born time.Time, male bool) string {
	for {
		sequence := 2 * g.between(1, 499)
		if male {
			sequence--
		}
		first17 := fmt.Sprintf("%s%s%03d", origin.code, born.Format("20060102"), sequence)
		check, err := citizenid.CheckCharacter(first17)
		if err != nil {
			panic("registry: a number made of digits has no check character: " + err.Error())
		}
		if id := first17 + string(rune(check)); !g.used[id] {
			g.used[id] = true
			return id
		}
	}
}

// newcomer makes a person whose parents are known by name only.
func (g *generator) newcomer(group *ethnicGroup, origin *division, male bool, from, to time.Time) *person {
	p := &person{group: group, male: male, origin: origin, born: g.day(from, to), marital: "10"}
	father := g.name(group, true, nil)
	mother := g.name(group, false, nil)
	p.fatherName, p.motherName = &father, &mother
	p.name = g.name(group, male, &father)
	p.id = g.identityNumber(origin, p.born, male)
	return p
}

// sibling makes a brother or sister of a newcomer.
func (g *generator) sibling(of *person, male bool, from, to time.Time) *person {
	p := &person{group: of.group, male: male, origin: of.origin, born: g.day(from, to), marital: "10"}
	p.fatherName, p.motherName = of.fatherName, of.motherName
	p.name = g.name(of.group, male, of.fatherName)
	for p.name.text() == of.name.text() {
		p.name = g.name(of.group, male, of.fatherName)
	}
	p.id = g.identityNumber(p.origin, p.born, male)
	return p
}

// child makes a child of father and mother; either may be nil, and is then
// known by the name given.
func (g *generator) child(father, mother *person, otherName *fullName, born time.Time) *person {
	p := &person{father: father, mother: mother, male: g.chance(51), born: born, marital: "10"}
	switch {
	case father != nil:
		p.group, p.origin = father.group, father.origin
		p.name = g.name(p.group, p.male, &father.name)
		if mother == nil {
			p.motherName = otherName
		}
	default:
		p.group, p.origin = mother.group, mother.origin
		p.name = g.name(p.group, p.male, otherName)
		p.fatherName = otherName
	}
	p.id = g.identityNumber(p.origin, born, p.male)
	return p
}

// births gives up to n birthdays, at least eleven months apart, within reach of
// parents of whom the younger was born on the given day.
func (g *generator) births(younger time.Time, n int) []time.Time {
	_, last := yearsOf(FirstBirthYear, LastBirthYear)
	first := younger.AddDate(marriageable, 10, 0)
	if earliest := date(1898, time.January, 1); first.Before(earliest) {
		first = earliest
	}
	var days []time.Time
	for at := g.day(first, first.AddDate(1, 6, 0)); len(days) < n && !at.After(last); {
		days = append(days, at)
		at = at.AddDate(0, 0, g.between(335, 900))
	}
	return days
}
