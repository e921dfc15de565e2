package mask

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf16"
)

// generator writes random answers of the residents' shape. shape decides what
// any caller may see; hidden decides only what the plan hides, so that two
// generators with one shape and two hidden sources differ in hidden values only.
type generator struct {
	shape, hidden *rand.Rand
	canary        bool // hidden values carry the canary
	b             strings.Builder
}

const canary = "CANARY"

func newGenerator(shape, hidden uint64) *generator {
	return &generator{shape: rand.New(rand.NewPCG(shape, 1)), hidden: rand.New(rand.NewPCG(hidden, 2))}
}

// document returns one whole answer.
func (g *generator) document() string {
	g.b.Reset()
	g.blank()
	g.object(g.shape,
		g.maybe(`"code"`, func() { fmt.Fprint(&g.b, g.shape.IntN(600)) }),
		g.maybe(`"ok"`, func() { g.b.WriteString("true") }),
		g.maybe(`"msg"`, g.secret),
		g.maybe(`"status"`, func() { g.text(g.shape, "success") }),
		g.always(`"data"`, func() {
			g.object(g.shape,
				g.maybe(`"total"`, func() { fmt.Fprint(&g.b, g.shape.IntN(50)) }),
				g.maybe(`"next"`, g.secret),
				g.always(`"list"`, func() { g.array(g.record) }))
		}),
	)
	return g.b.String()
}

func (g *generator) record() {
	if g.shape.IntN(20) == 0 {
		g.b.WriteString("null")
		return
	}
	g.object(g.shape,
		g.maybe(g.name("XM"), g.kept),
		g.maybe(g.name("XB"), func() { g.visible(true) }),
		g.maybe(g.name("CSRQ"), func() { g.date() }),
		g.maybe(g.name("GMSFHM"), func() { g.visible(false) }),
		g.maybe(g.name("ZJHM"), func() { g.visible(false) }),
		g.maybe(g.name("HH"), func() { g.visible(false) }),
		g.maybe(g.name("ZJXY"), g.secret),
		g.maybe(g.name("RYID"), g.secret),
		g.maybe(`"gMSFHM"`, g.secret),
		g.maybe(g.name("PO"), g.secret),
		g.maybe(g.name("JHR"), func() {
			g.object(g.shape, g.maybe(g.name("XM"), g.visibleName), g.maybe(`"DH"`, g.secret), g.maybe(`"X"`, g.secret))
		}),
		g.maybe(g.name("JTCY"), func() {
			g.array(func() { g.object(g.shape, g.maybe(`"XM"`, g.visibleName), g.maybe(`"Y"`, g.secret)) })
		}),
	)
}

type pair struct {
	present bool
	name    string
	value   func()
}

func (g *generator) always(name string, value func()) pair { return pair{true, name, value} }

func (g *generator) maybe(name string, value func()) pair {
	return pair{g.shape.IntN(3) > 0, name, value}
}

// object writes the members present, in random order.
func (g *generator) object(r *rand.Rand, members ...pair) {
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	g.b.WriteByte('{')
	first := true
	for _, m := range members {
		if !m.present {
			continue
		}
		if !first {
			g.b.WriteByte(',')
		}
		first = false
		g.blank()
		g.b.WriteString(m.name)
		g.blank()
		g.b.WriteByte(':')
		g.blank()
		m.value()
		g.blank()
	}
	g.b.WriteByte('}')
}

func (g *generator) array(element func()) {
	g.b.WriteByte('[')
	for i := range g.shape.IntN(4) {
		if i > 0 {
			g.b.WriteByte(',')
		}
		g.blank()
		element()
		g.blank()
	}
	g.b.WriteByte(']')
}

// blank writes white space now and then.
func (g *generator) blank() {
	if g.shape.IntN(6) == 0 {
		g.b.WriteByte(" \t\r\n"[g.shape.IntN(4)])
	}
}

// name writes a member name plainly or with escapes.
func (g *generator) name(s string) string {
	if g.shape.IntN(4) > 0 {
		return `"` + s + `"`
	}
	at := g.shape.IntN(len(s))
	return fmt.Sprintf(`"%s\u%04X%s"`, s[:at], s[at], s[at+1:])
}

// text writes a string, some characters as escapes.
func (g *generator) text(r *rand.Rand, s string) {
	g.b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			g.b.WriteString(`\` + string(c))
		case c < 0x20 || r.IntN(10) == 0:
			for _, u := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&g.b, `\u%04x`, u)
			}
		default:
			g.b.WriteRune(c)
		}
	}
	g.b.WriteByte('"')
}

// visible writes a value whose released form may depend on all of it.
func (g *generator) visible(container bool) {
	switch g.shape.IntN(8) {
	case 0:
		g.b.WriteString("null")
	case 1:
		g.b.WriteString([]string{"true", "false", `""`}[g.shape.IntN(3)])
	case 2:
		fmt.Fprintf(&g.b, "%d.50e+%d", g.shape.IntN(100), g.shape.IntN(9))
	case 3:
		if container {
			g.secretContainer()
			return
		}
		g.text(g.shape, "１１０１０５１９４９１２３１００２ｘ")
	case 4:
		g.text(g.shape, "440524188001010014")
	default:
		g.text(g.shape, fmt.Sprintf(" 值\"%d\\ ", g.shape.IntN(20)))
	}
}

func (g *generator) visibleName() {
	names := []string{"张", "张三", "张　三", "买买提·吐尔逊", "𠮷田", "e\u0301a\u0300b", "👨‍👩‍👧家人们", "  王五六七 ", "\"\\\n12", ""}
	g.text(g.shape, names[g.shape.IntN(len(names))])
}

// kept writes a name of which the first character is visible, the rest hidden.
func (g *generator) kept() {
	hidden := strings.Repeat("密", 1+g.hidden.IntN(9))
	if g.canary {
		hidden = canary + hidden
	}
	g.text(g.hidden, []string{"张", "𠮷", "\"", "葛\U000E0100"}[g.shape.IntN(4)]+hidden)
}

// date writes a date of which the year is visible.
func (g *generator) date() {
	y := 1880 + g.shape.IntN(26)
	layout := []string{"%d%02d%02d", "%d-%02d-%02d", "%d%02d%02d120000"}[g.hidden.IntN(3)]
	g.text(g.hidden, fmt.Sprintf(layout, y, 1+g.hidden.IntN(12), 1+g.hidden.IntN(28)))
}

// secret writes any value at all.
func (g *generator) secret() {
	if g.canary {
		g.text(g.hidden, canary)
		return
	}
	switch g.hidden.IntN(6) {
	case 0:
		g.b.WriteString("null")
	case 1:
		fmt.Fprint(&g.b, g.hidden.IntN(1000))
	case 2:
		g.secretContainer()
	default:
		g.text(g.hidden, strings.Repeat("秘", g.hidden.IntN(9)))
	}
}

func (g *generator) secretContainer() {
	g.b.WriteString([]string{`{"XM":"秘"}`, `[[]]`, ` { } `, `[{"list":[1,2]}]`, `{"a":{"SFZH":true}}`}[g.hidden.IntN(5)])
}
