package registry

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	dayForm   = "20060102"
	stampForm = "20060102150405"
)

// photoBytes is the size of a photo before base64 makes 2,048 characters of it.
const photoBytes = 1536

// finish fills the records of a household and adds it to the register.
func (g *generator) finish(h *home) {
	address := g.address(h.at)
	for _, p := range h.members {
		g.count++
		p.number = g.count
		g.identity(p)
		g.placing(p, h, address)
		g.life(p)
		g.family(p)
		g.card(p, h.at)
	}
	// Guardians need their telephone first.
	for _, p := range h.members {
		guardians(p, h)
	}
	g.moves(h)
	for _, p := range h.members {
		g.audit(p)
	}
	g.homes = append(g.homes, h)
}

// residents gives the finished records in the order of the register.
func (g *generator) residents() []Resident {
	all := make([]Resident, 0, g.count)
	for _, h := range g.homes {
		for _, p := range h.members {
			all = append(all, p.record)
		}
	}
	return all
}

func (g *generator) identity(p *person) {
	r := &p.record
	r.GMSFHM, r.XM, r.XMPY = p.id, p.name.text(), p.name.pinyin()
	r.XMM = p.name.given.text
	if p.name.manner == familyFirst {
		r.XMX = p.name.family.text
		if g.chance(6) {
			r.CYM = p.name.family.text + g.given(p.male).text
		}
	}
	r.XB, r.XBHZ = "2", "女"
	if p.male {
		r.XB, r.XBHZ = "1", "男"
	}
	r.MZDM, r.MZHZ = p.group.code, p.group.name
	r.CSRQ = p.born.Format(dayForm)
	r.CSDSSXQ, r.CSDXZ = p.origin.code, p.origin.name()
	ancestral := p.origin
	if g.chance(15) {
		ancestral = &divisions[g.below(len(divisions))]
	}
	r.JGSSXQ, r.JGXZ = ancestral.code, ancestral.name()
}

// address makes up an address in a division.
func (g *generator) address(d *division) string {
	return fmt.Sprintf("%s%s%s%s%d号院%d号楼%d%02d室", d.name(), g.pick(streets), g.pick(roadFirst), g.pick(roadSecond),
		g.between(1, 398), g.between(1, 30), g.between(1, 24), g.between(1, 8))
}

func (g *generator) placing(p *person, h *home, address string) {
	r := &p.record
	head := h.members[0]
	station := g.between(1, 20)
	r.RYID = fmt.Sprintf("%s%04d%06d", h.at.code, g.below(10000), p.number)
	r.HHNBID = fmt.Sprintf("9%s%08d", h.at.code, h.number*7919)
	r.HH = fmt.Sprintf("%s%06d", h.at.code, h.number)
	r.HB = "家庭户"
	r.HZXM, r.YHZGX = head.name.text(), p.relation
	r.SSXQ, r.HJDZ, r.XZZ = h.at.code, address, address
	if g.chance(15) {
		r.XZZ = g.address(h.at)
	}
	if p != head {
		first := &head.record
		r.PCS, r.PCSMC, r.JWZRQ, r.JCWH = first.PCS, first.PCSMC, first.JWZRQ, first.JCWH
		return
	}
	r.PCS = fmt.Sprintf("%s%02d0000", h.at.code, station)
	r.PCSMC = fmt.Sprintf("%s第%d示例派出所", h.at.county, station)
	r.JWZRQ = fmt.Sprintf("第%d责任区", g.between(1, 12))
	r.JCWH = fmt.Sprintf("示例第%d居民委员会", g.between(1, 30))
}

// schooling is the distribution of GB/T 4658-2006 codes among adults.
var schooling = []string{"90", "80", "80", "70", "70", "70", "60", "60", "60", "40", "30", "30", "20", "20", "10"}

func (g *generator) life(p *person) {
	r := &p.record
	years := age(p.born, ReferenceDate)
	r.HYZK = p.marital
	r.BYZK, r.ZZMM, r.XX = "未服兵役", "13", g.pick([]string{"A", "B", "O", "AB", "不详"})
	r.ZJXY = "无宗教信仰"
	switch {
	case p.group.religion != "" && g.chance(80):
		r.ZJXY = p.group.religion
	case g.chance(8):
		r.ZJXY = g.pick(religions)
	}
	tall := g.between(150, 172)
	if p.male {
		tall = g.between(160, 185)
	}
	if years < workingAge {
		tall = g.between(138, 160)
		r.WHCD, r.ZY, r.FWCS = "80", "学生", g.pick(schools)
	} else {
		r.WHCD, r.ZY, r.FWCS = g.pick(schooling), g.pick(occupations), fmt.Sprintf("第%d%s", g.between(1, 40), g.pick(employers))
		r.LXDH = fmt.Sprintf("%s%07d", PhonePrefix, g.below(10_000_000))
	}
	r.SG = fmt.Sprint(tall)
	if p.male && years >= adultAge && g.chance(12) {
		r.BYZK = "退出现役"
	}
	if g.chance(5) && years >= adultAge {
		r.ZZMM = "12"
	}
}

func (g *generator) family(p *person) {
	r := &p.record
	r.FQXM, r.FQGMSFHM = relative(p.father, p.fatherName)
	r.MQXM, r.MQGMSFHM = relative(p.mother, p.motherName)
	r.POXM, r.POGMSFHM = relative(p.spouse, p.spouseName)
	if p.spouse != nil {
		r.JHRQ = p.married.Format(dayForm)
	}
}

// relative gives name and number: both for somebody in the register, the name
// alone for somebody who is not.
func relative(p *person, name *fullName) (string, string) {
	switch {
	case p != nil:
		return p.name.text(), p.id
	case name != nil:
		return name.text(), ""
	}
	return "", ""
}

// guardians names a minor's living parents, else the head of the household.
func guardians(p *person, h *home) {
	if age(p.born, ReferenceDate) >= adultAge {
		return
	}
	type guardian struct {
		*person
		relation string
	}
	var found []guardian
	if p.father != nil && p.father.died.IsZero() {
		found = append(found, guardian{p.father, "51"})
	}
	if p.mother != nil && p.mother.died.IsZero() {
		found = append(found, guardian{p.mother, "52"})
	}
	if len(found) == 0 {
		found = append(found, guardian{h.members[0], relationOfHead(p, h.members[0])})
	}
	r, first := &p.record, found[0]
	r.JHRYXM, r.JHRYGMSFHM, r.JHRYJHGX, r.JHRYLXDH = first.name.text(), first.id, first.relation, first.record.LXDH
	if len(found) > 1 {
		second := found[1]
		r.JHREXM, r.JHREGMSFHM, r.JHREJHGX, r.JHRELXDH = second.name.text(), second.id, second.relation, second.record.LXDH
	}
}

// relationOfHead says what the head is to a ward who has no parent left: an
// elder brother or sister, or another relative.
func relationOfHead(p, head *person) string {
	switch {
	case p.relation != "73" && p.relation != "77":
		return "97"
	case head.male:
		return "71"
	}
	return "75"
}

// card fills the identity card: valid five years when issued below 16, ten up
// to 25, else twenty (居民身份证法, Art. 5; nobody here is over 45).
func (g *generator) card(p *person, at *division) {
	issued := g.day(date(1913, time.March, 1), date(1917, time.November, 30))
	years := 20
	switch held := age(p.born, issued); {
	case held < 16:
		years = 5
	case held <= 25:
		years = 10
	}
	r := &p.record
	r.QFJG = at.police
	r.YXQXQSRQ = issued.Format(dayForm)
	r.YXQXJZRQ = issued.AddDate(years, 0, 0).Format(dayForm)
}

// moves tells where a household came from: from another county when the head's
// number is of one, else sometimes from within the same county.
func (g *generator) moves(h *home) {
	from := h.members[0].origin
	elsewhere := from != h.at
	if !elsewhere && !g.chance(15) {
		return
	}
	when := g.day(date(1906, time.March, 1), date(1915, time.November, 30)).Format(dayForm)
	address := g.address(from)
	for _, p := range h.members {
		r := &p.record
		r.HSLBZ, r.HSSSQLBZ, r.HXZLBZ = when, from.code, address
		if elsewhere {
			r.HSQL, r.HSSXQQL, r.HXZQL = when, from.code, address
		}
	}
}

// audit fills state, level, photo and the columns about who wrote when.
func (g *generator) audit(p *person) {
	r := &p.record
	registered := g.day(date(1916, time.January, 1), date(1916, time.June, 30))
	last := registered
	r.RYZT, r.XXJB, r.BDYY = StatePresent, LevelOrdinary, "登记"
	switch {
	case !p.died.IsZero():
		last = p.died.AddDate(0, 0, g.between(1, 25))
		r.RYZT, r.SWRQ, r.SWZXRQ, r.BDYY = StateDead, p.died.Format(dayForm), last.Format(dayForm), "死亡注销"
	case !p.left.IsZero():
		last = p.left
		to := &divisions[g.below(len(divisions))]
		r.RYZT, r.QCRQ, r.QWDSSXQ, r.QWDXZ, r.BDYY = StateMovedOut, last.Format(dayForm), to.code, g.address(to), "迁出"
	case g.below(1000) < 6:
		r.XXJB = LevelProtected
	}
	r.DJRXM, r.DJRQ, r.XGRXM = g.pick(operators), registered.Format(dayForm), g.pick(operators)
	written := last.Add(time.Duration(g.between(8*3600, 18*3600)) * time.Second).Format(stampForm)
	r.QYSJ, r.GXSJ = written, written
	r.ZPID = fmt.Sprintf("ZP%010d", 3_000_000_000+uint64(p.number)*2_654_435)
	r.CJHJYWID = fmt.Sprintf("YW%s%04d", r.DJRQ, g.below(10000))
	r.XP = g.photo(p.id)
}

// photo is deterministic noise behind the first bytes of a JPEG file: nobody's
// face.
func (g *generator) photo(id string) string {
	var stream uint64
	for _, c := range id {
		stream = stream*31 + uint64(c)
	}
	noise := rand.NewPCG(g.seed, stream)
	raw := make([]byte, 0, photoBytes)
	raw = append(raw, 0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F')
	for len(raw) < photoBytes {
		raw = binary.LittleEndian.AppendUint64(raw, noise.Uint64())
	}
	return base64.StdEncoding.EncodeToString(raw)
}
