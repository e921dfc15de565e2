package ledger

import (
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// maxBatch is how many bytes of records one write gathers before it is made.
const maxBatch = 8 << 20

// segmentFile is what the writer does to a segment; tests put a failing one in
// its place.
type segmentFile interface {
	Write([]byte) (int, error)
	Sync() error // makes what was written durable
	Stat() (fs.FileInfo, error)
	Close() error
}

type diskFile struct{ *os.File }

func (d diskFile) Sync() error { return datasync(d.File) }

// writer appends batches to the last segment. One goroutine uses it at a time.
type writer struct {
	dir  string
	opts Options
	file segmentFile
	path string
	size int64 // bytes of file, all ours
	at   chain
	buf  []byte

	checked time.Time // when free was asked for; zero: never
	free    int64     // bytes the disk had then, less what we wrote since

	tried time.Time               // when rotating last failed; zero: never
	stuck atomic.Pointer[failure] // why it failed; nil: it has not, or has succeeded since
}

// commit makes a batch durable and returns where its records stand. An error
// that wraps ErrFull wrote nothing and may pass; after any other the writer must
// not be used again.
func (w *writer) commit(bodies [][]byte) ([]Position, error) {
	out := make([]Position, len(bodies))
	at := w.at
	w.buf = w.buf[:0]
	for i, body := range bodies {
		var hash string
		w.buf, hash = appendLine(w.buf, at.next, at.prev, body)
		out[i] = Position{Seq: at.next, Hash: hash}
		at = chain{next: at.next + 1, prev: hash}
	}
	if err := w.room(int64(len(w.buf))); err != nil {
		return nil, err
	}
	if err := w.ours(); err != nil {
		return nil, err
	}
	// A short write comes with an error (io.Writer). After a failed sync the
	// kernel may have dropped the pages it could not write, and a second sync
	// would report success: there is no way on from here.
	if _, err := w.file.Write(w.buf); err != nil {
		return nil, err
	}
	if err := w.file.Sync(); err != nil {
		return nil, err
	}
	w.size += int64(len(w.buf))
	w.free -= int64(len(w.buf))
	// Again: a file removed meanwhile would take acknowledged records with it.
	if err := w.ours(); err != nil {
		return nil, err
	}
	w.at = at
	if cap(w.buf) > maxBatch/4 {
		w.buf = nil // a rare large batch need not be held for ever
	}
	return out, nil
}

// ours checks that the segment's path still is the file we hold and that nobody
// else wrote to it or cut it.
func (w *writer) ours() error {
	held, err := w.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(w.path)
	if err != nil {
		return err
	}
	if !os.SameFile(held, named) {
		return fmt.Errorf("%s was replaced", w.path)
	}
	if held.Size() != w.size {
		return fmt.Errorf("%s has %d bytes, we wrote %d: someone else changed it", w.path, held.Size(), w.size)
	}
	return nil
}

// room keeps the reserve of disk free. It asks the file system at most once a
// second and counts its own writes in between.
func (w *writer) room(n int64) error {
	if now := w.opts.now(); w.checked.IsZero() || now.Sub(w.checked) >= time.Second {
		free, err := w.opts.free(w.dir)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFull, err) // unknown is not enough
		}
		w.checked, w.free = now, int64(min(free, 1<<62))
	}
	if w.free-n < w.opts.ReserveBytes {
		return ErrFull
	}
	return nil
}

func openDisk(path string, flags int) (segmentFile, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}
