package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Open opens the ledger in dir and appends a record of kind open. dir is made
// when it is missing; its parent must be there. Open first verifies the last
// segment and its link to the one before; use Verify for the whole. The trace of
// a write that a crash cut off is moved to a file of its own and a record of kind
// recovered names it; empty segments after the last record are removed. Anything
// else that does not verify is ErrTampered with a *Fault, and Open changes
// nothing. ErrLocked means another process has the ledger open, ErrFull that the
// disk is down to its reserve.
func Open(dir string, o Options) (*Ledger, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	w, err := resume(dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l := &Ledger{opts: o, lock: lock, w: w, queue: make(chan *waiter, o.Queue), done: make(chan struct{})}
	go l.run()
	return l, nil
}

func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(openFolder, filepath.Dir(filepath.Clean(dir)))
}

// acquire locks the ledger for this process; closing the file unlocks it.
func acquire(dir string) (*os.File, error) {
	path := join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	held, err := f.Stat()
	if err == nil {
		err = flock(f)
	}
	// A lock on a file that lost its name excludes nobody.
	if err == nil {
		var named fs.FileInfo
		if named, err = os.Lstat(path); err == nil && !os.SameFile(held, named) {
			err = errors.New("the lock file was replaced")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ledger: %w", err), f.Close())
	}
	return f, nil
}

// resume finds the end of the ledger, sets a torn tail aside, and appends the
// records that tell of it.
func resume(dir string, o Options) (*writer, error) {
	files, err := listDir(dir)
	if err != nil {
		return nil, err
	}
	end, err := findEnd(dir, files)
	if err != nil {
		return nil, err
	}
	// From here on the directory is changed.
	if err := setAside(dir, end, files.parts); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := discard(dir, end.stale); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	w := &writer{dir: dir, opts: o, at: end.at, size: end.size}
	if end.segment.name == "" {
		w.file, w.path, err = w.create()
	} else if err = syncDir(o.folder, dir); err == nil {
		// Synced first: the process before us may have been killed between
		// making the segment and syncing its name.
		w.path = join(dir, end.segment.name)
		w.file, err = o.open(w.path, os.O_WRONLY|os.O_APPEND)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := w.announce(end); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger: %w", err), w.file.Close())
	}
	return w, nil
}

// tip is where a ledger ends.
type tip struct {
	segment segment   // the last that holds a record; its name is "" when there is none
	stale   []segment // empty ones after it
	size    int64     // bytes of whole records in it
	at      chain
	tail    []byte      // torn bytes after them
	pending []Recovered // torn files no record names yet
}

func findEnd(dir string, files listing) (tip, error) {
	end := tip{at: chain{next: 1, prev: genesis}}
	if len(files.segments) == 0 {
		if len(files.torn) > 0 {
			return tip{}, tampered(&Fault{File: files.torn[0], Seq: 1, Kind: Missing, Detail: "the segments are gone"})
		}
		return end, nil
	}
	last := lastWithRecords(files.segments)
	end.segment, end.stale = files.segments[last], files.segments[last+1:]
	if last > 0 {
		before := files.segments[lastWithRecords(files.segments[:last])]
		at, err := lastOf(dir, before, end.segment.first)
		if err != nil {
			return tip{}, err
		}
		end.at = at
	}
	named := map[string]bool{}
	rd := newReader(dir, end.at, func(_ Position, r Record) error {
		if r.Kind == KindRecovered {
			named[r.Recovered.File] = true
		}
		return nil
	})
	var err error
	end.size, err = rd.segment(end.segment, true)
	end.at = rd.at
	var fault *Fault
	switch {
	case errors.As(err, &fault) && fault.Kind == Torn:
		if end.tail, err = tailOf(dir, end); err != nil {
			return tip{}, err
		}
	case err != nil:
		return tip{}, tampered(err)
	}
	for _, s := range end.stale {
		if s.first > end.at.next { // its name tells of records that are gone
			return tip{}, tampered(rd.misplaced(s))
		}
	}
	end.pending, err = unnamed(dir, files.torn, end.segment.first, named)
	return end, err
}

func tampered(err error) error {
	var fault *Fault
	if errors.As(err, &fault) {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return err
}

// unnamed finds files a crash left between setting bytes aside and recording
// it. Both happen in one opening and in one segment, so that only numbers of
// the last segment can be concerned.
func unnamed(dir string, torn []string, first uint64, named map[string]bool) ([]Recovered, error) {
	var out []Recovered
	for _, name := range torn {
		seq, short, _ := parseTornName(name)
		if seq < first || named[name] {
			continue
		}
		rec, err := describe(dir, name)
		if err != nil {
			return nil, err
		}
		if rec.SHA256[:shortHash] != short {
			return nil, tampered(&Fault{File: name, Seq: seq, Kind: Tampered, Detail: "the bytes set aside were changed"})
		}
		out = append(out, rec)
	}
	return out, nil
}

func tailOf(dir string, end tip) ([]byte, error) {
	f, err := os.Open(join(dir, end.segment.name))
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	defer f.Close()
	tail, err := readTail(f, end.size)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return tail, nil
}

// lastOf verifies the last line of a segment that another, beginning with record
// next, follows.
func lastOf(dir string, s segment, next uint64) (chain, error) {
	f, err := os.Open(join(dir, s.name))
	if err != nil {
		return chain{}, fmt.Errorf("ledger: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return chain{}, fmt.Errorf("ledger: %w", err)
	}
	from := max(0, info.Size()-MaxLine)
	tail, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return chain{}, fmt.Errorf("ledger: %w", err)
	}
	fault := &Fault{File: s.name, Seq: next - 1, Kind: Tampered, Detail: "the segment does not end with a whole record"}
	line, whole := bytes.CutSuffix(tail, []byte{'\n'})
	if !whole {
		fault.Offset = info.Size()
		return chain{}, tampered(fault)
	}
	start := bytes.LastIndexByte(line, '\n') + 1
	at, _, _, err := parseLine(line[start:])
	if err != nil {
		// One record a line: the numbers tell the line without reading it all.
		fault.Line, fault.Offset = int(next-s.first), from+int64(start)
		fault.Detail = err.Error()
		return chain{}, tampered(fault)
	}
	return chain{next: at.Seq + 1, prev: at.Hash}, nil
}
