package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// VerifyOptions says what else the verifier must find. Its zero value asks for
// nothing more.
type VerifyOptions struct {
	// Known is a position noted earlier, for instance the last hash of an
	// earlier verification. The ledger must still hold it: this shows records
	// cut off at the end before it and a chain rewritten up to it, which the
	// folder alone cannot show. Zero: none.
	Known Position
}

// KindCount is how many records of one kind there are.
type KindCount struct {
	Kind  Kind
	Count uint64
}

// Report is what a verification found up to its end or its first fault.
type Report struct {
	Records   uint64
	Kinds     []KindCount // every kind, in the order of Kinds
	First     Position
	FirstTime time.Time
	Last      Position
	LastTime  time.Time
	Segments  int   // segment files
	Bytes     int64 // bytes of verified records
	Torn      int   // files of bytes set aside after a crash, all accounted for
}

// Verify checks every byte of a ledger: hashes, chain, numbers, strict schema,
// segments and file names. It reads only, and its memory does not grow with the
// ledger. A fault is returned as a *Fault; any other error means the ledger could
// not be read. On a ledger in use the last write may look torn: verify again, or
// verify a copy made after a stop.
func Verify(dir string, o VerifyOptions) (Report, error) {
	return walk(dir, o, func(Position, Record) error { return nil })
}

// Scan verifies as Verify does and gives visit every record in order, each after
// it was verified. An error of visit ends the scan and is returned.
func Scan(dir string, visit func(Position, Record) error) error {
	_, err := walk(dir, VerifyOptions{}, visit)
	return err
}

type walker struct {
	dir    string
	known  Position
	report Report
	torn   []string        // torn files there are
	named  map[string]bool // torn files named by recovered records
}

func walk(dir string, o VerifyOptions, visit func(Position, Record) error) (Report, error) {
	w := &walker{dir: dir, known: o.Known, named: map[string]bool{}}
	for _, k := range Kinds() {
		w.report.Kinds = append(w.report.Kinds, KindCount{Kind: k})
	}
	files, err := listDir(dir)
	if err != nil {
		return w.report, err
	}
	w.torn = files.torn
	rd := newReader(dir, chain{next: 1, prev: genesis}, func(at Position, r Record) error {
		if err := w.record(at, r); err != nil {
			return err
		}
		return visit(at, r)
	})
	last := lastWithRecords(files.segments)
	for i, s := range files.segments {
		n, err := rd.segment(s, i >= last)
		w.report.Bytes += n
		if err != nil {
			return w.report, err
		}
		w.report.Segments++
	}
	return w.report, w.end(files)
}

// record accounts for one verified record.
func (w *walker) record(at Position, r Record) error {
	if w.known.Seq == at.Seq && w.known.Hash != at.Hash {
		return &Fault{Seq: at.Seq, Kind: Tampered, Detail: "its hash is not the one noted earlier"}
	}
	if r.Kind == KindRecovered {
		if err := w.recovered(at.Seq, *r.Recovered); err != nil {
			return err
		}
	}
	if w.report.Records == 0 {
		w.report.First, w.report.FirstTime = at, r.Time
	}
	w.report.Records++
	w.report.Last, w.report.LastTime = at, r.Time
	for i := range w.report.Kinds {
		if w.report.Kinds[i].Kind == r.Kind {
			w.report.Kinds[i].Count++
		}
	}
	return nil
}

// recovered holds a file set aside against the record that names it.
func (w *walker) recovered(seq uint64, want Recovered) error {
	if w.named[want.File] {
		return &Fault{File: want.File, Seq: seq, Kind: Tampered, Detail: "two records name this file"}
	}
	if !slices.Contains(w.torn, want.File) {
		return &Fault{File: want.File, Seq: seq, Kind: Missing, Detail: "the bytes this record set aside are gone"}
	}
	got, err := describe(w.dir, want.File)
	if err != nil {
		return err
	}
	if got != want {
		return &Fault{File: want.File, Seq: seq, Kind: Tampered, Detail: "the bytes this record set aside were changed"}
	}
	w.named[want.File] = true
	w.report.Torn++
	return nil
}

// describe measures a file that was set aside.
func describe(dir, name string) (Recovered, error) {
	f, err := os.Open(join(dir, name))
	if err != nil {
		return Recovered{}, fmt.Errorf("ledger: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Recovered{}, fmt.Errorf("ledger: %s: %w", name, err)
	}
	return Recovered{Bytes: int(n), SHA256: hex.EncodeToString(h.Sum(nil)), File: name}, nil
}

// end checks what only the whole directory can tell.
func (w *walker) end(files listing) error {
	if w.report.Records == 0 {
		return &Fault{File: segmentName(1), Seq: 1, Kind: Missing, Detail: "there is no record: every ledger begins with one"}
	}
	if w.known.Seq > w.report.Last.Seq {
		return &Fault{File: files.segments[len(files.segments)-1].name, Seq: w.known.Seq, Kind: Missing,
			Detail: fmt.Sprintf("it was noted earlier, but the ledger ends with record %d", w.report.Last.Seq)}
	}
	for _, name := range files.torn {
		if !w.named[name] {
			return &Fault{File: name, Kind: UnknownFile, Detail: "no record names these bytes set aside"}
		}
	}
	if strays := append(files.parts, files.unknown...); len(strays) > 0 {
		return &Fault{File: printable(strays[0]), Kind: UnknownFile, Detail: "it is no file of a ledger"}
	}
	if files.lock {
		return &Fault{File: lockName, Kind: UnknownFile, Detail: "the lock file must be empty"}
	}
	return nil
}

// printable spells out a file name that could deceive on a terminal.
func printable(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, deceptive) {
		return strconv.QuoteToASCII(name)
	}
	return name
}
