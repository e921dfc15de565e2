//go:build linux || darwin

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDescriptorTableFull holds every descriptor the process may have, as
// strangers with open connections do: an open ledger, with the real file system
// underneath, needs none to go on, and rotates when there are some again.
func TestDescriptorTableFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	now := epoch
	o := Options{Gateway: "gate-1", SegmentBytes: 1, ReserveBytes: 1, now: func() time.Time { return now }}
	l := mustOpen(t, dir, o)
	mustAppend(t, l, smallRefusal())

	release := fillDescriptors(t)
	for range 20 {
		now = now.Add(2 * time.Second) // so that statfs and rotation are tried each time
		if _, err := l.Append(t.Context(), smallRefusal()); err != nil {
			t.Error(err)
			break
		}
	}
	stuck := l.RotationErr()
	release()
	if !errors.Is(stuck, syscall.EMFILE) {
		t.Errorf("RotationErr %v", stuck)
	}

	now = now.Add(2 * time.Second)
	if at := mustAppend(t, l, smallRefusal()); at.Seq != 23 {
		t.Errorf("record %d", at.Seq)
	}
	mustClose(t, l)
	wantSegments(t, dir, 1, 2, 23)
	if r := wantIntact(t, dir); r.Records != 23 {
		t.Errorf("%d records", r.Records)
	}
}

// fillDescriptors opens files until the process may open no more.
func fillDescriptors(t *testing.T) (release func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = min(was.Cur, 256)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	release = func() {
		for _, f := range files {
			_ = f.Close()
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	}
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			return release
		}
		if err != nil {
			release()
			t.Fatal(err)
		}
		files = append(files, f)
	}
}
