package ledger

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryByteCounts changes every byte of every segment in several ways: the
// verifier must name the very record whose bytes were touched.
func TestEveryByteCounts(t *testing.T) {
	dir := build(t, 59, 3500)
	if r := wantIntact(t, dir); r.Records != 60 || r.Segments < 4 {
		t.Fatalf("the test ledger has %d records in %d segments", r.Records, r.Segments)
	}
	files := load(t, dir)
	for _, s := range segmentsOf(t, dir) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			flipAll(t, save(t, files), s, files[s.name])
		})
	}
}

func flipAll(t *testing.T, dir string, s segment, raw []byte) {
	f, err := os.OpenFile(filepath.Join(dir, s.name), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put := func(b byte, at int) {
		if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	seq := s.first
	for i, b := range raw {
		for _, other := range others(b, i) {
			put(other, i)
			_, err := Verify(dir, VerifyOptions{})
			var fault *Fault
			if !errors.As(err, &fault) || fault.Seq != seq || fault.File != s.name {
				t.Fatalf("byte %d of record %d changed from %q to %q: %v", i, seq, b, other, err)
			}
		}
		put(b, i)
		if b == '\n' {
			seq++
		}
	}
	wantIntact(t, dir)
}

// others gives what to put in the place of a byte. It goes through every single
// bit and through what the line format and the torn-write rule look for, at a
// pace that has no period in common with the records.
func others(b byte, i int) []byte {
	kinds := []byte{b ^ 1, b ^ 2, 0, b ^ 4, '\n', b ^ 8, b ^ 16, ' ', b ^ 32, '"', b ^ 64, b ^ 128, b ^ 0xff}
	var out []byte
	for n := range flipsPerByte {
		other := kinds[(i*flipsPerByte+n)%len(kinds)]
		if other == b {
			other = ^b
		}
		out = append(out, other)
	}
	return out
}

func TestRecordsRemovedSwappedRepeated(t *testing.T) {
	dir := build(t, 17, 2000)
	files := load(t, dir)
	segments := segmentsOf(t, dir)
	edit := func(name string, raw []string) string {
		changed := maps.Clone(files)
		changed[name] = []byte(strings.Join(raw, ""))
		return save(t, changed)
	}
	for n, s := range segments {
		last := n == len(segments)-1
		all := lines(files[s.name])
		for i := range all {
			seq := s.first + uint64(i)
			removed := append(append([]string{}, all[:i]...), all[i+1:]...)
			if last && i == len(all)-1 {
				// v1 can't show this without a position noted earlier.
				wantIntact(t, edit(s.name, removed))
			} else {
				wantFault(t, edit(s.name, removed), Missing, seq)
			}
			repeated := append(append([]string{}, all[:i+1]...), all[i:]...)
			wantFault(t, edit(s.name, repeated), Tampered, seq+1)
			if i+1 < len(all) {
				swapped := append([]string{}, all...)
				swapped[i], swapped[i+1] = all[i+1], all[i]
				wantFault(t, edit(s.name, swapped), Missing, seq)
			}
		}
	}
}

func TestSegmentsRemovedEmptiedRenamed(t *testing.T) {
	dir := build(t, 23, 1500)
	files := load(t, dir)
	segments := segmentsOf(t, dir)
	if len(segments) < 4 {
		t.Fatalf("only %d segments", len(segments))
	}
	for i, s := range segments[:len(segments)-1] {
		without := maps.Clone(files)
		delete(without, s.name)
		wantFault(t, save(t, without), Missing, s.first)

		empty := maps.Clone(files)
		empty[s.name] = nil
		wantFault(t, save(t, empty), Missing, s.first)

		cut := maps.Clone(files)
		cut[s.name] = cut[s.name][:len(cut[s.name])-1]
		wantFault(t, save(t, cut), Tampered, segments[i+1].first-1)

		again := maps.Clone(files)
		again[segmentName(s.first+1)] = files[s.name]
		wantFault(t, save(t, again), Tampered, segments[i+1].first)

		renamed := maps.Clone(files)
		delete(renamed, s.name)
		renamed[segmentName(s.first+1)] = files[s.name]
		wantFault(t, save(t, renamed), Missing, s.first)
	}
}

// TestRewrittenRecord: whoever rewrites a record with a fitting hash breaks the
// link of the next one.
func TestRewrittenRecord(t *testing.T) {
	dir := build(t, 5, 1<<20)
	files := load(t, dir)
	all := lines(files[segmentName(1)])
	at, prev, r, err := parseLine([]byte(strings.TrimSuffix(all[2], "\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.Time = r.Time.Add(1e9)
	line, _ := appendLine(nil, at.Seq, prev, encodeBody(&r))
	all[2] = string(line)
	files[segmentName(1)] = []byte(strings.Join(all, ""))
	wantFault(t, save(t, files), Tampered, 4)
}

func TestStrayFiles(t *testing.T) {
	dir := build(t, 3, 1<<20)
	files := load(t, dir)
	for _, name := range []string{
		"notes.txt", "1.hukoulog", "00000000000000000000.hukoulog", segmentName(1) + ".bak", ".hidden",
		tornName(2, genesis), tornName(2, genesis) + partSuffix, "evil\x1b[2J\n",
	} {
		stray := maps.Clone(files)
		stray[name] = []byte("x")
		fault := wantFault(t, save(t, stray), UnknownFile, 0)
		if strings.ContainsAny(fault.Error(), "\x1b\n") {
			t.Errorf("the message for %q could deceive: %q", name, fault.Error())
		}
	}
	held := maps.Clone(files)
	held[lockName] = []byte("x")
	wantFault(t, save(t, held), UnknownFile, 0)

	folder := save(t, files)
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	wantFault(t, folder, UnknownFile, 0)

	// A link in a segment's place is no segment: what it leads to may change.
	linked := save(t, files)
	outside := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(filepath.Join(linked, segmentName(1)), outside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(linked, segmentName(1))); err != nil {
		t.Fatal(err)
	}
	wantFault(t, linked, Missing, 1)
}

func TestNothingThere(t *testing.T) {
	wantFault(t, t.TempDir(), Missing, 1)
	wantFault(t, save(t, map[string][]byte{segmentName(1): nil, lockName: nil}), Missing, 1)
	_, err := Verify(filepath.Join(t.TempDir(), "absent"), VerifyOptions{})
	var fault *Fault
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &fault) {
		t.Errorf("a missing directory: %v", err)
	}
}

func TestKnownPosition(t *testing.T) {
	dir := build(t, 9, 2000)
	last := wantIntact(t, dir).Last
	for name, tt := range map[string]struct {
		known Position
		kind  FaultKind
	}{
		"still there": {last, ""},
		"cut off":     {Position{last.Seq + 1, last.Hash}, Missing},
		"rewritten":   {Position{3, last.Hash}, Tampered},
	} {
		_, err := Verify(dir, VerifyOptions{Known: tt.known})
		var fault *Fault
		if tt.kind == "" && err != nil || tt.kind != "" && (!errors.As(err, &fault) || fault.Kind != tt.kind || fault.Seq != tt.known.Seq) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScan(t *testing.T) {
	dir := build(t, 9, 2000)
	var seqs []uint64
	if err := Scan(dir, func(at Position, r Record) error {
		seqs = append(seqs, at.Seq)
		if r.Gateway != "gate-1" {
			t.Errorf("record %d: gateway %q", at.Seq, r.Gateway)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(seqs) != 10 || seqs[0] != 1 || seqs[9] != 10 {
		t.Errorf("scanned %v", seqs)
	}
	stop := errors.New("stop")
	if err := Scan(dir, func(Position, Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("visit's error came back as %v", err)
	}
}

func TestOverlongLine(t *testing.T) {
	dir := build(t, 3, 1<<20)
	files := load(t, dir)
	name := segmentName(1)
	files[name] = append(files[name], strings.Repeat("x", MaxLine)+"\n"...)
	if f := wantFault(t, save(t, files), Tampered, 5); !strings.Contains(f.Detail, "longer") {
		t.Error(f)
	}
	dir = save(t, files)
	if _, err := Open(dir, testOptions()); !errors.Is(err, ErrTampered) {
		t.Errorf("Open: %v", err)
	}
}
