package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// faulty is a segment whose write and sync a test commands.
type faulty struct {
	segmentFile
	write func() error
	sync  func() error
}

func (f faulty) Write(b []byte) (int, error) {
	if err := f.write(); err != nil {
		n, _ := f.segmentFile.Write(b[:len(b)/2]) // a failing write may leave half
		return n, err
	}
	return f.segmentFile.Write(b)
}

func (f faulty) Sync() error {
	if err := f.sync(); err != nil {
		return err
	}
	return f.segmentFile.Sync()
}

func nothing() error { return nil }

func faultyOptions(write, sync func() error) Options {
	o := testOptions()
	o.open = func(path string, flags int) (segmentFile, error) {
		f, err := openDisk(path, flags)
		return faulty{f, write, sync}, err
	}
	return o
}

// wantFinal checks that the ledger failed for good with the cause.
func wantFinal(t *testing.T, l *Ledger, cause error) {
	t.Helper()
	for range 3 {
		at, err := l.Append(context.Background(), smallRefusal())
		if at != (Position{}) || !errors.Is(err, ErrFailed) || (cause != nil && !errors.Is(err, cause)) {
			t.Errorf("Append gave %v, %v", at, err)
		}
		if !errors.Is(l.Err(), ErrFailed) {
			t.Errorf("Err gave %v", l.Err())
		}
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("Close gave %v", err)
	}
}

func TestDiskErrorsAreFinal(t *testing.T) {
	broken := errors.New("input/output error")
	for name, options := range map[string]func(fail func() error) Options{
		"write": func(fail func() error) Options { return faultyOptions(fail, nothing) },
		"sync":  func(fail func() error) Options { return faultyOptions(nothing, fail) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			var failing atomic.Bool
			l := mustOpen(t, dir, options(func() error {
				if failing.CompareAndSwap(true, false) { // once: later calls would succeed
					return broken
				}
				return nil
			}))
			mustAppend(t, l, smallRefusal())
			failing.Store(true)
			wantFinal(t, l, broken)
			// What the failure left is nothing that Open can't go on from.
			mustClose(t, mustOpen(t, dir, testOptions()))
			wantIntact(t, dir)
		})
	}
}

func TestOpenReportsDiskErrors(t *testing.T) {
	broken := errors.New("input/output error")
	fail := func() error { return broken }
	for name, o := range map[string]Options{"write": faultyOptions(fail, nothing), "sync": faultyOptions(nothing, fail)} {
		dir := filepath.Join(t.TempDir(), "ledger")
		if _, err := Open(dir, o); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		mustClose(t, mustOpen(t, dir, testOptions())) // the lock was let go
		wantIntact(t, dir)
	}
}

// TestChangedUnderneath: the segment is removed, replaced, extended or cut while
// the ledger is open; nothing may be acknowledged after that, not even by the
// batch that was being synced.
func TestChangedUnderneath(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			raw, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, raw, 0o600))
		},
		"linked": func(path string) error {
			return errors.Join(os.Rename(path, path+".away"), os.Symlink(path+".away", path))
		},
		"extended": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("x")
			return errors.Join(err, f.Close())
		},
		"cut":           func(path string) error { return os.Truncate(path, 10) },
		"folder moved":  func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+"2") },
		"folder erased": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			l := mustOpen(t, dir, testOptions())
			mustAppend(t, l, smallRefusal())
			if err := change(filepath.Join(dir, segmentName(1))); err != nil {
				t.Fatal(err)
			}
			wantFinal(t, l, nil)
		})
		t.Run(name+" during the sync", func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			var armed atomic.Bool
			l := mustOpen(t, dir, faultyOptions(nothing, func() error {
				if armed.CompareAndSwap(true, false) {
					return change(filepath.Join(dir, segmentName(1)))
				}
				return nil
			}))
			armed.Store(true)
			wantFinal(t, l, nil)
		})
	}
}
