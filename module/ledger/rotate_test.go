package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rig is a ledger of segments of one batch each, whose folder and new segments a
// test can make fail and whose every step it can read afterwards.
type rig struct {
	now    time.Time
	folder error // of opening the folder
	open   error // of making a segment
	made   bool  // whether a segment is made all the same
	sync   error // of syncing the folder
	steps  []string
}

func (r *rig) options() Options {
	o := testOptions()
	o.SegmentBytes = 1
	o.now = func() time.Time { return r.now }
	o.open = func(path string, flags int) (segmentFile, error) {
		if flags&os.O_CREATE == 0 {
			r.note("open", path)
		} else {
			r.note("make", path)
		}
		if flags&os.O_CREATE != 0 && r.open != nil {
			if r.made {
				return nil, errors.Join(r.open, os.WriteFile(path, nil, 0o600))
			}
			return nil, r.open
		}
		f, err := openDisk(path, flags)
		return faulty{f, func() error { return r.note("write", path) }, nothing}, err
	}
	o.folder = func(dir string) (folder, error) {
		if r.folder != nil {
			r.steps = append(r.steps, "no folder")
			return nil, r.folder
		}
		d, err := openFolder(dir)
		return riggedFolder{d, r}, err
	}
	return o
}

func (r *rig) note(step, path string) error {
	first, _ := parseSegmentName(filepath.Base(path))
	r.steps = append(r.steps, fmt.Sprint(step, " ", first))
	return nil
}

// taken gives the steps since it was last called.
func (r *rig) taken() string {
	all := strings.Join(r.steps, ", ")
	r.steps = nil
	return all
}

type riggedFolder struct {
	folder
	*rig
}

func (f riggedFolder) Sync() error {
	f.steps = append(f.steps, "sync names")
	return errors.Join(f.sync, f.folder.Sync())
}

// wantSegments checks which segments there are, by their first records.
func wantSegments(t *testing.T, dir string, firsts ...uint64) {
	t.Helper()
	var got []uint64
	for _, s := range segmentsOf(t, dir) {
		got = append(got, s.first)
	}
	if !slices.Equal(got, firsts) {
		t.Fatalf("segments %v, want %v", got, firsts)
	}
}

// survives checks that a crash that leaves these files, or these and an empty
// segment of one of the given numbers, leaves a ledger of the given records that
// verifies and goes on.
func survives(t *testing.T, files map[string][]byte, records uint64, revenants ...uint64) {
	t.Helper()
	states := []map[string][]byte{files}
	for _, first := range revenants {
		state := maps.Clone(files)
		if _, there := state[segmentName(first)]; !there {
			state[segmentName(first)] = nil
		}
		states = append(states, state)
	}
	for _, state := range states {
		dir := save(t, state)
		if r := wantIntact(t, dir); r.Records != records {
			t.Fatalf("%d records after a crash, want %d", r.Records, records)
		}
		o := testOptions()
		o.SegmentBytes = 1 // the next rotation must not be in the way of what is left
		l := mustOpen(t, dir, o)
		for i := range uint64(3) {
			if at := mustAppend(t, l, smallRefusal()); at.Seq != records+2+i {
				t.Fatalf("record %d after a crash, want %d", at.Seq, records+2+i)
			}
		}
		if l.RotationErr() != nil {
			t.Fatal(l.RotationErr())
		}
		mustClose(t, l)
		wantIntact(t, dir)
	}
}

// TestRotationFailsAndPasses: whatever keeps the next segment from being made
// durably, records go on in the present one, one attempt a second is made, and the
// chain is whole with a crash after any record.
func TestRotationFailsAndPasses(t *testing.T) {
	for name, tt := range map[string]obstacle{
		"no descriptor for the folder": {func(r *rig) { r.folder = syscall.EMFILE }, "no folder", false, syscall.EMFILE},
		"no descriptor for the file":   {func(r *rig) { r.open = syscall.EMFILE }, "make 3", false, syscall.EMFILE},
		"refused once made":            {func(r *rig) { r.open, r.made = syscall.EACCES, true }, "make 3", true, syscall.EACCES},
		"name not synced":              {func(r *rig) { r.sync = syscall.EIO }, "make 3, sync names", false, syscall.EIO},
	} {
		t.Run(name, tt.met)
	}
}

// obstacle keeps segments from being made.
type obstacle struct {
	fail    func(*rig)
	attempt string // the steps of an attempt to make segment 3
	left    bool   // an empty segment is left behind
	cause   error
}

func (tt obstacle) met(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	r := &rig{now: epoch}
	l := mustOpen(t, dir, r.options())
	mustAppend(t, l, smallRefusal())
	wantSegments(t, dir, 1, 2)
	r.taken()

	tt.fail(r)
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 3 || r.taken() != tt.attempt+", write 2" {
		t.Fatalf("record %d", at.Seq)
	}
	want := []uint64{1, 2}
	if tt.left {
		want = append(want, 3)
	}
	wantSegments(t, dir, want...)
	if err := l.RotationErr(); !errors.Is(err, tt.cause) || l.Err() != nil {
		t.Fatalf("RotationErr %v, Err %v", err, l.Err())
	}
	survives(t, load(t, dir), 3, 3)

	for seq := uint64(4); seq < 10; seq++ { // within the second: no attempt
		r.now = r.now.Add(time.Second / 10)
		if at := mustAppend(t, l, smallRefusal()); at.Seq != seq {
			t.Fatalf("record %d, want %d", at.Seq, seq)
		}
	}
	if got := r.taken(); got != strings.TrimSuffix(strings.Repeat("write 2, ", 6), ", ") {
		t.Fatalf("steps within a second: %s", got)
	}
	survives(t, load(t, dir), 9, 3)

	r.now = r.now.Add(time.Second) // one more attempt, still in vain
	mustAppend(t, l, smallRefusal())
	if got, want := r.taken(), strings.ReplaceAll(tt.attempt, "3", "10")+", write 2"; got != want {
		t.Fatalf("steps %s, want %s", got, want)
	}
	survives(t, load(t, dir), 10, 3, 10)

	*r = rig{now: r.now.Add(time.Second)}
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 11 || r.taken() != "make 11, sync names, write 11" {
		t.Fatalf("record %d", at.Seq)
	}
	if l.RotationErr() != nil {
		t.Errorf("RotationErr is still %v", l.RotationErr())
	}
	survives(t, load(t, dir), 11, 3, 10)
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 12 { // and at once again
		t.Fatalf("record %d", at.Seq)
	}
	mustClose(t, l)
	if tt.left {
		wantSegments(t, dir, 1, 2, 3, 10, 11, 12)
	} else {
		wantSegments(t, dir, 1, 2, 11, 12)
	}
	survives(t, load(t, dir), 12, 3, 10)
}

// TestRotationMeetsATakenName: a file that is in the way is left as it is.
func TestRotationMeetsATakenName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	r := &rig{now: epoch}
	l := mustOpen(t, dir, r.options())
	path := filepath.Join(dir, segmentName(2))
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 2 || !errors.Is(l.RotationErr(), os.ErrExist) {
		t.Fatalf("record %d, %v", at.Seq, l.RotationErr())
	}
	r.now = r.now.Add(time.Second)
	mustAppend(t, l, smallRefusal())
	mustClose(t, l)
	wantSegments(t, dir, 1, 2, 3)
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Errorf("%q, %v", raw, err)
	}
	wantFault(t, dir, Tampered, 3) // it is none of ours, and not empty
}

// TestNameIsSyncedBeforeRecords: opening, too, writes nothing under a name that
// the process before may not have lived to sync.
func TestNameIsSyncedBeforeRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	r := &rig{now: epoch}
	mustClose(t, mustOpen(t, dir, r.options()))
	if got := r.taken(); got != "make 1, sync names, write 1" {
		t.Errorf("new: %s", got)
	}
	mustClose(t, mustOpen(t, dir, r.options()))
	if got := r.taken(); got != "sync names, open 1, write 1" {
		t.Errorf("again: %s", got)
	}
	r.sync = syscall.EIO
	if _, err := Open(dir, r.options()); !errors.Is(err, syscall.EIO) {
		t.Errorf("names not synced: %v", err)
	}
	if got := r.taken(); got != "sync names" {
		t.Errorf("names not synced: %s", got)
	}
	r.sync = nil
	mustClose(t, mustOpen(t, dir, r.options()))
	if got := wantIntact(t, dir); got.Records != 3 {
		t.Errorf("%d records", got.Records)
	}
}

func TestFirstSegmentCannotBeMade(t *testing.T) {
	for name, r := range map[string]*rig{
		"no folder": {folder: syscall.EIO}, "no file": {open: syscall.EIO},
		"refused once made": {open: syscall.EIO, made: true}, "name not synced": {sync: syscall.EIO},
	} {
		dir := filepath.Join(t.TempDir(), "ledger")
		if _, err := Open(dir, r.options()); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", name, err)
		}
		if r.sync != nil {
			wantSegments(t, dir) // a name in doubt is not used again
		}
		mustClose(t, mustOpen(t, dir, testOptions()))
		if got := wantIntact(t, dir); got.Records != 1 {
			t.Errorf("%s: %d records", name, got.Records)
		}
	}
}

// TestFolderSwappedBeforeRotation: the chain does not go on in another folder that
// took the ledger's place.
func TestFolderSwappedBeforeRotation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	r := &rig{now: epoch}
	l := mustOpen(t, dir, r.options())
	mustAppend(t, l, smallRefusal())
	if err := errors.Join(os.Rename(dir, dir+"2"), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	wantFinal(t, l, os.ErrNotExist)
	wantSegments(t, dir)
	if got := wantIntact(t, dir+"2"); got.Records != 2 {
		t.Errorf("%d records", got.Records)
	}
}

// TestEmptySegments: what crashes leave of attempts to begin a segment is passed
// over and cleared away; what they can't leave is not.
func TestEmptySegments(t *testing.T) {
	files := load(t, build(t, 9, 1500)) // 10 records
	segments := segmentsOf(t, save(t, files))
	last := segments[len(segments)-1]
	if last.first > 8 || len(segments) < 2 || segments[1].first < 3 {
		t.Fatalf("the test needs other segments than %v", segments)
	}
	with := func(tail string, names ...uint64) map[string][]byte {
		state := maps.Clone(files)
		state[last.name] = append(bytes.Clone(state[last.name]), tail...)
		for _, first := range names {
			state[segmentName(first)] = nil
		}
		return state
	}
	survives(t, with("", 11), 10)
	survives(t, with("", 9), 10)
	survives(t, with("", 9, 10, 11), 10)
	survives(t, with("", 2, last.first-1, 9), 10)

	// A crash in the next write to the old segment, the other name still there.
	recovers(t, save(t, with("half", 11)), 11, []byte("half"))
	recovers(t, save(t, with("half", 9, 10)), 11, []byte("half"))
	recovers(t, save(t, with("half", 2, 11)), 11, []byte("half"))

	// A crash while that was set aside: the record of it goes to the old segment.
	state := with("half", 11)
	dir := save(t, state)
	mustClose(t, mustOpen(t, dir, testOptions()))
	for name, raw := range load(t, dir) {
		if _, _, torn := parseTornName(name); torn {
			files[name] = raw
			folder := save(t, with("", 11))
			mustClose(t, mustOpen(t, folder, testOptions()))
			if r := wantIntact(t, folder); r.Torn != 1 || r.Records != 12 {
				t.Errorf("%+v", r)
			}
			delete(files, name)
		}
	}

	for _, state := range []map[string][]byte{with("", 12), with("", 9, 12), with("half", 12)} {
		folder := save(t, state)
		refusesUnchanged(t, "records are gone before an empty segment", folder, 11)
		if !strings.HasSuffix(string(state[last.name]), "half") {
			wantFault(t, folder, Missing, 11)
		}
	}
	state = with("")
	state[segmentName(9)] = []byte("x")
	folder := save(t, state)
	wantFault(t, folder, Tampered, 11)
}

// TestOpenClearsEmptySegments: they are gone before the first record is written.
func TestOpenClearsEmptySegments(t *testing.T) {
	files := load(t, build(t, 3, 1<<20))
	files[segmentName(3)], files[segmentName(5)] = nil, nil
	dir := save(t, files)
	r := &rig{now: epoch}
	o := r.options()
	o.SegmentBytes = 1 << 20
	l := mustOpen(t, dir, o)
	wantSegments(t, dir, 1)
	if got := r.taken(); got != "sync names, open 1, write 1" {
		t.Errorf("steps %s", got)
	}
	mustClose(t, l)
	if err := discard(dir, []segment{{name: segmentName(1), first: 1, empty: true}}); err == nil {
		t.Error("a segment that is not empty any more was discarded")
	}
	wantIntact(t, dir)
}

// TestWaitersAreServedWhileRotationFails: in batches of several, too.
func TestWaitersAreServedWhileRotationFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	r := &rig{now: epoch}
	l := mustOpen(t, dir, r.options())
	r.folder = syscall.EMFILE
	for _, w := range fill(t, l, 50) {
		if res := <-w.done; res.err != nil {
			t.Fatal(res.err)
		}
	}
	if _, err := l.Append(context.Background(), smallRefusal()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(r.taken(), "no folder"); n != 1 {
		t.Errorf("%d attempts at one instant", n)
	}
	mustClose(t, l)
	wantSegments(t, dir, 1)
	wantIntact(t, dir)
}
