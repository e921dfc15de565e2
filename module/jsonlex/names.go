package jsonlex

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// linear is the number of members up to which names are compared one by one.
const linear = 16

// member is a name seen in an open object. Its first eight bytes are kept apart:
// they settle most comparisons. It holds offsets, not slices, so that noting a
// name costs no write barrier and keeps nothing alive.
type member struct {
	head    uint64
	from    int // its text, in decoded if it was escaped, else in the body
	to      int
	escaped bool
}

func (l *Lexer) text(m *member) []byte {
	if m.escaped {
		return l.decoded[m.from:m.to]
	}
	return l.body[m.from:m.to]
}

// seed makes the hash tables unpredictable, so that an answer cannot be built
// to make them slow.
var seed = maphash.MakeSeed()

// addName notes a name in the innermost object; false means it was there.
func (l *Lexer) addName(m member) bool {
	f := &l.frames[len(l.frames)-1]
	own := l.names[f.names:]
	m.head = head(l.text(&m))
	if f.hashed {
		if 2*(len(own)+1) > len(l.slots)-f.slots {
			l.rehash(f)
		}
		slot := l.find(f, &m)
		if *slot != 0 {
			return false
		}
		l.names = append(l.names, m)
		*slot = int32(len(own) + 1)
		return true
	}
	for i := range own {
		if own[i].head == m.head && l.same(&own[i], &m) {
			return false
		}
	}
	l.names = append(l.names, m)
	if len(own)+1 > linear {
		f.hashed = true
		l.rehash(f)
	}
	return true
}

// rehash gives the innermost object a larger table. Its table is the last in
// slots, because deeper objects are closed.
func (l *Lexer) rehash(f *frame) {
	size := max(8*linear, 2*(len(l.slots)-f.slots))
	l.slots = slices.Grow(l.slots[:f.slots], size)[:f.slots+size]
	clear(l.slots[f.slots:])
	own := l.names[f.names:]
	for i := range own {
		*l.find(f, &own[i]) = int32(i + 1)
	}
}

// find returns the slot that holds m's number in its object counted from one, or
// the empty one where it belongs. The table's length is a power of two and at
// most half of it is used.
func (l *Lexer) find(f *frame, m *member) *int32 {
	table, own := l.slots[f.slots:], l.names[f.names:]
	at := int(maphash.Bytes(seed, l.text(m))) & (len(table) - 1)
	for table[at] != 0 && !l.same(&own[table[at]-1], m) {
		at = (at + 1) & (len(table) - 1)
	}
	return &table[at]
}

func (l *Lexer) same(a, b *member) bool {
	n := b.to - b.from
	return a.head == b.head && a.to-a.from == n && (n <= 8 || bytes.Equal(l.text(a), l.text(b)))
}

// head packs the first eight bytes; two texts of one length up to eight are
// equal if and only if their heads are.
func head(b []byte) uint64 {
	switch n := len(b); {
	case n >= 8:
		return binary.LittleEndian.Uint64(b)
	case n >= 4: // two loads that overlap
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n >= 2:
		return uint64(binary.LittleEndian.Uint16(b)) | uint64(binary.LittleEndian.Uint16(b[n-2:]))<<32
	case n == 1:
		return uint64(b[0])
	}
	return 0
}
