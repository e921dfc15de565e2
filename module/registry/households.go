package registry

import (
	"fmt"
	"time"
)

// household makes one household and finishes its records.
func (g *generator) household() {
	at := &divisions[g.below(len(divisions))]
	origin := at
	if g.chance(20) {
		origin = &divisions[g.below(len(divisions))]
	}
	h := &home{number: len(g.homes) + 1, at: at}
	switch kind := g.below(100); {
	case kind < 14:
		h.members = g.alone(origin)
	case kind < 24:
		h.members = g.couple(origin, 0)
	case kind < 66:
		h.members = g.couple(origin, g.between(1, 4))
	case kind < 74:
		h.members = g.oneParent(origin, g.between(1, 3))
	case kind < 82:
		h.members = g.siblings(origin, g.between(1, 3))
	case kind < 88:
		h.members = g.withParents(origin)
	default:
		h.members = g.extended(origin)
	}
	h.members[0].relation = "02"
	g.events(h)
	g.finish(h)
}

func (g *generator) alone(origin *division) []*person {
	from, to := yearsOf(FirstBirthYear, 1899)
	p := g.newcomer(g.groupOf(origin), origin, g.chance(50), from, to)
	if g.chance(15) {
		g.parted(p)
	}
	return []*person{p}
}

// parted makes a person widowed (30) or divorced (40), the former spouse known
// by name only.
func (g *generator) parted(p *person) {
	former := g.name(p.group, !p.male, nil)
	p.spouseName = &former
	p.marital = "30"
	if g.chance(40) {
		p.marital = "40"
	}
}

// marry joins two persons on a day after both were of age and before the limit.
func (g *generator) marry(a, b *person, before time.Time) {
	a.spouse, b.spouse = b, a
	of := younger(a, b).AddDate(marriageable, 0, 0)
	a.married = g.day(of, before)
	b.married = a.married
	a.marital, b.marital = "20", "20"
	if g.chance(40) {
		a.marital, b.marital = "21", "21"
	}
}

func younger(a, b *person) time.Time {
	if a.born.After(b.born) {
		return a.born
	}
	return b.born
}

func (g *generator) couple(origin *division, children int) []*person {
	from, to := yearsOf(FirstBirthYear, 1885)
	if children == 0 {
		to = date(1897, time.December, 31)
	}
	husband := g.newcomer(g.groupOf(origin), origin, true, from, to)
	group, home := husband.group, origin
	if g.chance(10) {
		home = &divisions[g.below(len(divisions))]
		group = g.groupOf(home)
	}
	low, high := husband.born.AddDate(-2, 0, 0), husband.born.AddDate(4, 0, 0)
	if low.Before(from) {
		low = from
	}
	if high.After(to) {
		high = to
	}
	wife := g.newcomer(group, home, false, low, high)
	days := g.births(younger(husband, wife), children)
	limit := ReferenceDate.AddDate(0, -1, 0)
	if len(days) > 0 {
		limit = days[0].AddDate(0, -9, 0)
	}
	g.marry(husband, wife, limit)

	head, spouse := husband, wife
	if g.chance(20) {
		head, spouse = wife, husband
	}
	spouse.relation = "12"
	if spouse.male {
		spouse.relation = "11"
	}
	members := []*person{head, spouse}
	for _, born := range days {
		members = append(members, g.child(husband, wife, nil, born))
	}
	relateChildren(members[2:])
	return members
}

// relateChildren sets 子 and 女 by birth order: the only child 21 or 31, else
// 22 to 26 and 32 to 36. The children come eldest first.
func relateChildren(children []*person) {
	sons, daughters := 0, 0
	for _, c := range children {
		switch {
		case c.male && len(children) == 1:
			c.relation = "21"
		case c.male:
			c.relation = fmt.Sprintf("2%d", 2+sons)
			sons++
		case len(children) == 1:
			c.relation = "31"
		default:
			c.relation = fmt.Sprintf("3%d", 2+daughters)
			daughters++
		}
	}
}

func (g *generator) oneParent(origin *division, children int) []*person {
	from, to := yearsOf(FirstBirthYear, 1885)
	parent := g.newcomer(g.groupOf(origin), origin, g.chance(35), from, to)
	g.parted(parent)
	members := append([]*person{parent}, g.childrenOf(parent, children)...)
	relateChildren(members[1:])
	return members
}

// childrenOf makes the children of one parent and a former spouse.
func (g *generator) childrenOf(parent *person, n int) []*person {
	var children []*person
	for _, born := range g.births(parent.born, n) {
		father, mother := parent, (*person)(nil)
		if !parent.male {
			father, mother = nil, parent
		}
		children = append(children, g.child(father, mother, parent.spouseName, born))
	}
	return children
}

// siblingApart makes a sibling born in [from, to], at least eleven months from
// the other's birth.
func (g *generator) siblingApart(of *person, male bool, from, to time.Time) *person {
	born := g.day(from, to)
	for of.born.Sub(born).Abs() < 335*24*time.Hour {
		born = g.day(from, to)
	}
	return g.sibling(of, male, born, born)
}

// relateSibling sets 兄 71, 弟 73, 姐姐 75 or 妹妹 77.
func relateSibling(head, p *person) {
	switch elder := p.born.Before(head.born); {
	case p.male && elder:
		p.relation = "71"
	case p.male:
		p.relation = "73"
	case elder:
		p.relation = "75"
	default:
		p.relation = "77"
	}
}

func (g *generator) siblings(origin *division, n int) []*person {
	from, to := yearsOf(1888, 1899)
	head := g.newcomer(g.groupOf(origin), origin, g.chance(60), from, to)
	members := []*person{head}
	for at := head.born; len(members) <= n; {
		at = at.AddDate(0, 0, g.between(400, 1000))
		if at.Year() > LastBirthYear {
			break
		}
		p := g.sibling(head, g.chance(50), at, at)
		relateSibling(head, p)
		members = append(members, p)
	}
	return members
}

func (g *generator) withParents(origin *division) []*person {
	group := g.groupOf(origin)
	from, to := yearsOf(FirstBirthYear, FirstBirthYear)
	father := g.newcomer(group, origin, true, from, to)
	mother := g.newcomer(group, origin, false, from, to)
	from, to = yearsOf(1899, 1899)
	head := g.child(father, mother, nil, g.day(from.AddDate(0, 10, 0), to))
	g.marry(father, mother, head.born.AddDate(0, -9, 0))
	father.relation, mother.relation = "51", "52"
	return []*person{head, father, mother}
}

// extended makes a couple with children and the head's brother, widowed, with
// his own, or the head's sister.
func (g *generator) extended(origin *division) []*person {
	members := g.couple(origin, g.between(1, 2))
	head := members[0]
	from, to := yearsOf(FirstBirthYear, 1885)
	if g.chance(40) {
		sister := g.siblingApart(head, false, from, date(1899, time.December, 31))
		relateSibling(head, sister)
		return append(members, sister)
	}
	brother := g.siblingApart(head, true, from, to)
	relateSibling(head, brother)
	g.parted(brother)
	members = append(members, brother)
	for _, c := range g.childrenOf(brother, g.between(1, 2)) {
		c.relation = "94"
		if c.male {
			c.relation = "93"
		}
		members = append(members, c)
	}
	return members
}

// events lets some members who are not heads die or move away, after the
// register was drawn up.
func (g *generator) events(h *home) {
	for _, p := range h.members[1:] {
		from, to := date(1916, time.July, 1), date(1917, time.November, 30)
		switch draw := g.below(1000); {
		case draw < 25:
			p.died = g.day(from, to)
			if p.spouse != nil {
				p.spouse.marital = "30"
			}
		case draw < 45 && age(p.born, from) >= adultAge:
			p.left = g.day(from, to)
		}
	}
}

// age counts completed years.
func age(born, on time.Time) int {
	years := on.Year() - born.Year()
	if on.Before(born.AddDate(years, 0, 0)) {
		years--
	}
	return years
}

// specimenHousehold makes the household of Specimen from fixed facts.
func (g *generator) specimenHousehold() {
	beijing, urumqi := &divisions[0], &divisions[len(divisions)-2]
	husband := g.newcomer(han, beijing, true, date(1882, time.March, 15), date(1882, time.March, 15))
	wife := g.newcomer(uyghur, urumqi, false, date(1884, time.July, 2), date(1884, time.July, 2))
	son := g.child(husband, wife, nil, date(1903, time.May, 20))
	daughter := g.child(husband, wife, nil, date(1905, time.September, 11))
	for _, m := range []struct {
		p    *person
		male bool
		name fullName
	}{
		{husband, true, fullName{part{"沈", "SHEN"}, part{"清远", "QINGYUAN"}, familyFirst}},
		{wife, false, fullName{part{"吐尔逊", "TUERXUN"}, part{"阿依努尔", "AYINUER"}, dotted}},
		{son, true, fullName{part{"沈", "SHEN"}, part{"𬍤", "XUN"}, familyFirst}},
		{daughter, false, fullName{part{"沈", "SHEN"}, part{"若兰", "RUOLAN"}, familyFirst}},
	} {
		m.p.male, m.p.name = m.male, m.name
		m.p.id = g.identityNumber(m.p.origin, m.p.born, m.male)
	}
	husband.fatherName = &fullName{part{"沈", "SHEN"}, part{"德明", "DEMING"}, familyFirst}
	wife.fatherName = &fullName{part{"库尔班", "KUERBAN"}, part{"吐尔逊", "TUERXUN"}, dotted}
	g.marry(husband, wife, date(1902, time.August, 1))
	husband.marital, wife.marital = "21", "21"
	husband.relation, wife.relation = "02", "12"
	members := []*person{husband, wife, son, daughter}
	relateChildren(members[2:])
	g.finish(&home{number: 1, at: beijing, members: members})

	r := &husband.record
	r.CYM, r.ZJXY, r.XX, r.SG = "沈远", "佛教", "O", "172"
	r.WHCD, r.ZY, r.FWCS = "20", "教师", "假设学堂"
	for _, p := range members {
		p.record.XXJB = LevelOrdinary
	}
}
