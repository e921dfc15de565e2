package ledger

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// rotateEvery is how long the writer waits after it could not begin a segment: a
// process that is out of descriptors must not pay for an attempt with each batch.
const rotateEvery = time.Second

// rotate goes on in a new segment once the present one is large enough. All of
// the present one is durable by then, so that only a last segment can be torn.
// When a new one can't be made, the present one grows on and the reason is kept
// in stuck: strangers who hold every descriptor must not be able to close the
// ledger. An error is final.
func (w *writer) rotate() error {
	if w.size < w.opts.SegmentBytes || !w.tried.IsZero() && w.opts.now().Sub(w.tried) < rotateEvery {
		return nil
	}
	// The last look at the present segment, and proof that dir still leads to
	// the folder that holds it: the chain must not go on in another.
	if err := w.ours(); err != nil {
		return err
	}
	file, path, err := w.create()
	if err != nil {
		w.tried = w.opts.now()
		w.stuck.Store(&failure{fmt.Errorf("ledger: the segment could not be followed by a new one: %w", err)})
		return nil
	}
	old := w.file
	w.file, w.path, w.size = file, path, 0
	w.stuck.Store(nil)
	_ = old.Close() // all of it was synced: closing can lose nothing
	return nil
}

// create makes the next segment, never over an existing file, and its name
// durable. Nothing may be written under a name that a crash could take away: when
// the folder's sync fails, the file is removed and never used, because a second
// sync may report success for a name the first one lost (as for data: see commit).
// The next attempt makes a new name, which its own sync answers for. Meanwhile the
// segment before is safe: its name was synced when it was made. A crash can bring
// the removed file back, empty: see reader.segment and discard.
func (w *writer) create() (segmentFile, string, error) {
	// Before the file: without a descriptor for its folder none is made.
	dir, err := w.opts.folder(w.dir)
	if err != nil {
		return nil, "", err
	}
	defer dir.Close() // only synced: closing can lose nothing
	path := join(w.dir, segmentName(w.at.next))
	// A file there is not ours to remove. What we fail to make is no obstacle:
	// the next attempt comes after more records, under their number.
	file, err := w.opts.open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, "", err
	}
	if err := dir.Sync(); err != nil {
		return nil, "", errors.Join(err, file.Close(), os.Remove(path))
	}
	return file, path, nil
}

// folder is what is done to a directory; tests put a failing one in its place.
type folder interface {
	Sync() error
	Close() error
}

func openFolder(dir string) (folder, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err // not d: a nil *os.File is no nil folder
	}
	return d, nil
}

// syncDir makes the names in a directory durable: without it a crash may lose a
// file whose content was synced (fsync(2)).
func syncDir(open func(string) (folder, error), dir string) error {
	d, err := open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
