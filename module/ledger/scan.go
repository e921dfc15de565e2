package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// chain is where the next record must join.
type chain struct {
	next uint64 // its number
	prev string // hash of the record before it
}

// reader walks segments with memory that does not grow with the ledger.
type reader struct {
	dir   string
	buf   *bufio.Reader
	long  []byte // a line longer than buf
	at    chain
	visit func(Position, Record) error
}

func newReader(dir string, at chain, visit func(Position, Record) error) *reader {
	return &reader{dir: dir, buf: bufio.NewReaderSize(nil, 64<<10), at: at, visit: visit}
}

// segment verifies one segment file and returns how many of its bytes hold whole
// records. last says that no record follows: only there can a write be torn. The
// error is a *Fault, what visit returned, or an I/O error.
//
// An empty segment may repeat a number: the writer had made it, could not sync its
// name, removed it and wrote the record to the segment before, and a crash brought
// it back. It hides nothing, as the record it is named after was read already.
func (rd *reader) segment(s segment, last bool) (int64, error) {
	if s.first > rd.at.next || s.first < rd.at.next && !s.empty {
		return 0, rd.misplaced(s)
	}
	if s.first < rd.at.next {
		return 0, nil
	}
	f, err := os.Open(join(rd.dir, s.name))
	if err != nil {
		return 0, fmt.Errorf("ledger: %w", err)
	}
	defer f.Close()
	rd.buf.Reset(f)
	var offset int64
	for n := 1; ; n++ {
		line, err := rd.line()
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return offset, nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
			return offset, fmt.Errorf("ledger: %s: %w", s.name, err)
		}
		if err == nil {
			var at Position
			var r Record
			if at, r, err = rd.check(line[:len(line)-1]); err == nil {
				if err := rd.visit(at, r); err != nil {
					return offset, place(err, s.name, n, offset)
				}
				rd.at = chain{next: at.Seq + 1, prev: at.Hash}
				offset += int64(len(line))
				continue
			}
		}
		return offset, rd.fault(f, s.name, n, offset, last, err)
	}
}

// errLong is returned for a line longer than any record.
var errLong = &defect{Tampered, "the line is longer than any record"}

// line gives the next line with its newline; io.EOF with what there is when
// the newline is missing.
func (rd *reader) line() ([]byte, error) {
	part, err := rd.buf.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	rd.long = rd.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		rd.long = append(rd.long, part...)
		if len(rd.long) > MaxLine {
			return nil, errLong
		}
		part, err = rd.buf.ReadSlice('\n')
	}
	rd.long = append(rd.long, part...)
	if err == nil && len(rd.long) > MaxLine {
		return nil, errLong
	}
	return rd.long, err
}

func (rd *reader) check(line []byte) (Position, Record, error) {
	at, prev, r, err := parseLine(line)
	switch {
	case err != nil:
		return Position{}, Record{}, err
	case at.Seq > rd.at.next:
		return Position{}, Record{}, &defect{Missing, fmt.Sprintf("record %d stands in its place", at.Seq)}
	case at.Seq < rd.at.next:
		return Position{}, Record{}, &defect{Tampered, fmt.Sprintf("record %d stands again in its place", at.Seq)}
	case prev != rd.at.prev:
		return Position{}, Record{}, &defect{Tampered, "it does not name the hash of the record before it: one of the two was rewritten"}
	}
	return at, r, nil
}

func (rd *reader) misplaced(s segment) error {
	if s.first < rd.at.next {
		return &Fault{File: s.name, Seq: rd.at.next, Kind: Tampered, Detail: "the segment's name repeats a number"}
	}
	return &Fault{File: s.name, Seq: rd.at.next, Kind: Missing,
		Detail: fmt.Sprintf("records %d to %d are missing before this segment", rd.at.next, s.first-1)}
}

// fault tells a torn write from a change. err is io.EOF or a *defect.
func (rd *reader) fault(f *os.File, name string, line int, offset int64, last bool, err error) error {
	fault := &Fault{File: name, Line: line, Offset: offset, Seq: rd.at.next, Kind: Tampered, Detail: "the line does not end"}
	var d *defect
	if errors.As(err, &d) {
		fault.Kind, fault.Detail = d.kind, d.detail
	}
	if !last {
		return fault
	}
	tail, terr := readTail(f, offset)
	if terr != nil {
		return fmt.Errorf("ledger: %s: %w", name, terr)
	}
	if isTorn(tail, offset) {
		fault.Kind, fault.Detail = Torn, "its write was cut off, as by a crash; opening the ledger sets these bytes aside"
	}
	return fault
}

// place completes a fault that a visitor found without knowing where it stands.
func place(err error, name string, line int, offset int64) error {
	var f *Fault
	if errors.As(err, &f) && f.Line == 0 {
		if f.File == "" {
			f.File = name
		}
		if f.File == name {
			f.Line, f.Offset = line, offset
		}
	}
	return err
}

// maxTail is more than one unfinished batch can leave.
const maxTail = 2 * (maxBatch + MaxLine)

// readTail gives what stands from offset on; nil when it is more than one
// unfinished batch can be.
func readTail(f *os.File, offset int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size()-offset > maxTail {
		return nil, nil
	}
	return io.ReadAll(io.NewSectionReader(f, offset, info.Size()-offset))
}

// sector is the smallest unit a disk writes or leaves unwritten, in bytes.
const sector = 512

// isTorn reports whether what follows the last good record is the trace of a
// write that a crash cut off, and not a change. Either its only line has no
// newline, or its first line has blocks that were never written: runs of NUL
// bytes, which no record holds. Such a run begins with the tail or at a sector's
// boundary and ends at one or with the file; a NUL put elsewhere is a change.
func isTorn(tail []byte, offset int64) bool {
	if len(tail) == 0 {
		return false
	}
	first, _, complete := bytes.Cut(tail, []byte{'\n'})
	if !complete {
		return true
	}
	if bytes.IndexByte(first, 0) < 0 {
		return false
	}
	for i := 0; i < len(tail); {
		if tail[i] != 0 {
			i++
			continue
		}
		end := i
		for end < len(tail) && tail[end] == 0 {
			end++
		}
		if (i > 0 && (offset+int64(i))%sector != 0) || (end < len(tail) && (offset+int64(end))%sector != 0) {
			return false
		}
		i = end
	}
	return true
}
