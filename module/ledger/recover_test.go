package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTornTailAtEveryByte cuts the last record at each of its bytes, as a crash
// may: the verifier says torn, Open recovers, and all verifies afterwards.
func TestTornTailAtEveryByte(t *testing.T) {
	dir := build(t, 7, 2000)
	files := load(t, dir)
	segments := segmentsOf(t, dir)
	s := segments[len(segments)-1]
	raw := files[s.name]
	all := lines(raw)
	last := []byte(all[len(all)-1])
	whole := raw[:len(raw)-len(last)]
	seq := s.first + uint64(len(all)) - 1
	for cut := 1; cut < len(last); cut++ {
		torn := maps.Clone(files)
		torn[s.name] = append(bytes.Clone(whole), last[:cut]...)
		recovers(t, save(t, torn), seq, last[:cut])
	}
}

// recovers checks that dir is torn at record seq, that Open sets exactly tail
// aside, and that the ledger goes on.
func recovers(t *testing.T, dir string, seq uint64, tail []byte) {
	t.Helper()
	wantFault(t, dir, Torn, seq)
	l := mustOpen(t, dir, testOptions())
	at := mustAppend(t, l, smallRefusal())
	mustClose(t, l)
	if at.Seq != seq+2 { // after recovered and open
		t.Fatalf("next record is %d", at.Seq)
	}
	report := wantIntact(t, dir)
	if report.Torn != 1 {
		t.Fatalf("%d torn files", report.Torn)
	}
	sum := sha256.Sum256(tail)
	name := tornName(seq, hex.EncodeToString(sum[:]))
	if kept, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(kept, tail) {
		t.Fatalf("kept %q, %v", kept, err)
	}
}

func TestTornBlocks(t *testing.T) {
	dir := build(t, 1, 1<<20)
	files := load(t, dir)
	name := segmentName(1)
	good := files[name]
	room := sector - len(good)%sector // bytes up to the next sector
	line := strings.Repeat("x", room-2) + "\n"
	zeros := string(make([]byte, sector))
	for what, tt := range map[string]struct {
		tail string
		torn bool
	}{
		"only zeros":                         {strings.Repeat("\x00", 3000), true},
		"zeros to a sector, then a record":   {strings.Repeat("\x00", room) + "rest\nwhole line\n", true},
		"half a record, then zeros":          {strings.Repeat("x", room) + zeros, true},
		"half, a zero sector, a later half":  {strings.Repeat("x", room) + zeros + "end\n", true},
		"zeros that end between sectors":     {strings.Repeat("\x00", room-1) + "x\n", false},
		"zeros that begin between sectors":   {"x\x00\n", false},
		"one NUL in a line":                  {"abc\x00def\n", false},
		"a bad line, then zeros":             {line + strings.Repeat("\x00", sector+1), false},
		"a NUL line, then an unaligned zero": {strings.Repeat("\x00", room) + "rest\nx\x00y\n", false},
	} {
		broken := maps.Clone(files)
		broken[name] = append(bytes.Clone(good), tt.tail...)
		if tt.torn {
			recovers(t, save(t, broken), 3, []byte(tt.tail))
			continue
		}
		folder := save(t, broken)
		wantFault(t, folder, Tampered, 3)
		refusesUnchanged(t, what, folder, 3)
	}
}

// refusesUnchanged checks that Open refuses a ledger at record seq and leaves
// every byte of the directory as it was.
func refusesUnchanged(t *testing.T, what, dir string, seq uint64) {
	t.Helper()
	before := load(t, dir)
	_, err := Open(dir, testOptions())
	var fault *Fault
	if !errors.Is(err, ErrTampered) || !errors.As(err, &fault) || fault.Seq != seq {
		t.Fatalf("%s: %v, want ErrTampered at record %d", what, err, seq)
	}
	if after := load(t, dir); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Fatalf("%s: Open changed the directory", what)
	}
}

func TestOpenRefusesWhatNoCrashLeaves(t *testing.T) {
	dir := build(t, 11, 1500)
	files := load(t, dir)
	segments := segmentsOf(t, dir)
	s, before := segments[len(segments)-1], segments[len(segments)-2]
	all := lines(files[s.name])
	seq := s.first + uint64(len(all)) - 1

	badLast := maps.Clone(files)
	badLast[s.name] = bytes.Clone(files[s.name])
	badLast[s.name][len(badLast[s.name])-3] ^= 1
	refusesUnchanged(t, "a complete last line that does not verify", save(t, badLast), seq)

	strange := maps.Clone(files)
	strange[s.name] = append(bytes.Clone(files[s.name]), "hello\n"...)
	refusesUnchanged(t, "a complete line that is no record", save(t, strange), seq+1)

	gone := maps.Clone(files)
	delete(gone, before.name)
	refusesUnchanged(t, "the segment before is gone", save(t, gone), before.first)

	for what, edit := range map[string]func(raw []byte) []byte{
		"the segment before was cut at a record": func(raw []byte) []byte { return []byte(strings.Join(lines(raw)[:len(lines(raw))-1], "")) },
		"the segment before was cut in a record": func(raw []byte) []byte { return raw[:len(raw)-5] },
		"the segment before ends changed":        func(raw []byte) []byte { raw = bytes.Clone(raw); raw[len(raw)-5] ^= 1; return raw },
	} {
		changed := maps.Clone(files)
		changed[before.name] = edit(files[before.name])
		refusesUnchanged(t, what, save(t, changed), s.first-1)
	}

	emptied := maps.Clone(files)
	emptied[before.name] = nil
	refusesUnchanged(t, "the segment before is empty", save(t, emptied), before.first)

	orphan := map[string][]byte{lockName: nil, tornName(4, genesis): []byte("x")}
	refusesUnchanged(t, "torn files without segments", save(t, orphan), 1)
	changed := maps.Clone(files)
	changed[tornName(s.first, genesis)] = []byte("x")
	refusesUnchanged(t, "a torn file that does not fit its name", save(t, changed), s.first)
}

// TestCrashWhileRecovering stops the recovery at each of its steps: the next
// opening ends it, and no bytes set aside stay unaccounted for.
func TestCrashWhileRecovering(t *testing.T) {
	dir := build(t, 3, 1<<20)
	files := load(t, dir)
	name := segmentName(1)
	good, tail := files[name], []byte("torn")
	sum := sha256.Sum256(tail)
	kept := tornName(5, hex.EncodeToString(sum[:]))
	recovered := Record{Kind: KindRecovered, Time: epoch, Gateway: "gate-1",
		Recovered: &Recovered{Bytes: len(tail), SHA256: hex.EncodeToString(sum[:]), File: kept}}
	last := wantIntact(t, dir).Last
	line, _ := appendLine(nil, 5, last.Hash, encodeBody(&recovered))
	for what, tt := range map[string]struct {
		segment []byte
		beside  map[string][]byte
		torn    int
	}{
		"part written":         {append(bytes.Clone(good), tail...), map[string][]byte{kept + partSuffix: tail[:2]}, 1},
		"kept, not yet cut":    {append(bytes.Clone(good), tail...), map[string][]byte{kept: tail}, 1},
		"cut, not yet told":    {good, map[string][]byte{kept: tail}, 1},
		"telling torn as well": {append(bytes.Clone(good), line[:100]...), map[string][]byte{kept: tail}, 2},
		"told":                 {append(bytes.Clone(good), line...), map[string][]byte{kept: tail}, 1},
	} {
		state := maps.Clone(files)
		state[name] = tt.segment
		maps.Copy(state, tt.beside)
		folder := save(t, state)
		mustClose(t, mustOpen(t, folder, testOptions()))
		if report := wantIntact(t, folder); report.Torn != tt.torn {
			t.Errorf("%s: %d torn files", what, report.Torn)
		}
	}
}

func TestTornFilesAreHeldToTheirRecords(t *testing.T) {
	dir := build(t, 3, 1<<20)
	files := load(t, dir)
	files[segmentName(1)] = append(files[segmentName(1)], "torn"...)
	dir = save(t, files)
	mustClose(t, mustOpen(t, dir, testOptions()))
	files = load(t, dir)
	sum := sha256.Sum256([]byte("torn"))
	kept := tornName(5, hex.EncodeToString(sum[:]))

	gone := maps.Clone(files)
	delete(gone, kept)
	wantFault(t, save(t, gone), Missing, 5)
	for _, other := range []string{"tarn", "torn!", "", "tor"} {
		changed := maps.Clone(files)
		changed[kept] = []byte(other)
		wantFault(t, save(t, changed), Tampered, 5)
	}
}

func TestOpenGoesOnFromEmptyLastSegment(t *testing.T) {
	dir := build(t, 5, 1<<20)
	files := load(t, dir)
	files[segmentName(7)] = nil // a crash between making a segment and its first record
	dir = save(t, files)
	if r := wantIntact(t, dir); r.Records != 6 {
		t.Fatalf("%d records", r.Records)
	}
	l := mustOpen(t, dir, testOptions())
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 8 {
		t.Errorf("next record is %d", at.Seq)
	}
	mustClose(t, l)
	wantIntact(t, dir)

	files[segmentName(7)] = []byte("half")
	recovers(t, save(t, files), 7, []byte("half"))
}

func TestReopenContinues(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	o := testOptions()
	o.SegmentBytes = 1000
	for range 4 {
		l := mustOpen(t, dir, o)
		for i := range 5 {
			mustAppend(t, l, sample(i))
		}
		mustClose(t, l)
	}
	r := wantIntact(t, dir)
	if r.Records != 24 || r.Kinds[0] != (KindCount{KindOpen, 4}) || r.Segments < 4 {
		t.Errorf("%+v", r)
	}
}
