package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestConcurrentAppends(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, Options{Gateway: "gate-1", SegmentBytes: 100_000, ReserveBytes: 1})
	const writers, each = 64, 20
	given := make([][]Position, writers)
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for i := range each {
				r := fullAccess()
				r.Receipt = fmt.Sprintf("w%d-%d", n, i)
				at, err := l.Append(context.Background(), r)
				if err != nil {
					t.Error(err)
					return
				}
				given[n] = append(given[n], at)
			}
		})
	}
	wg.Wait()
	mustClose(t, l)
	onDisk := map[string]Position{}
	if err := Scan(dir, func(at Position, r Record) error {
		onDisk[r.Receipt] = at
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for n := range writers {
		for i, at := range given[n] {
			if onDisk[fmt.Sprintf("w%d-%d", n, i)] != at || seen[at.Seq] {
				t.Errorf("writer %d was given %v", n, at)
			}
			seen[at.Seq] = true
		}
	}
	if r := wantIntact(t, dir); r.Records != writers*each+1 || len(seen) != writers*each || r.Segments < 2 {
		t.Errorf("%d records in %d segments, %d given", r.Records, r.Segments, len(seen))
	}
}

func TestOpenedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, testOptions())
	if _, err := Open(dir, testOptions()); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open: %v", err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, dir, testOptions()))
}

// held is a ledger whose first append waits in its sync until release is called.
func held(t *testing.T, queue int, after func() error) (l *Ledger, entered <-chan struct{}, release func()) {
	t.Helper()
	in, out := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	o := faultyOptions(nothing, func() error {
		if armed.CompareAndSwap(true, false) {
			close(in)
			<-out
			return after()
		}
		return nil
	})
	o.Queue = queue
	l = mustOpen(t, filepath.Join(t.TempDir(), "ledger"), o)
	armed.Store(true)
	return l, in, sync.OnceFunc(func() { close(out) })
}

func appendAsync(ctx context.Context, l *Ledger) <-chan error {
	out := make(chan error, 1)
	go func() {
		_, err := l.Append(ctx, smallRefusal())
		out <- err
	}()
	return out
}

// fill queues n records behind the one that waits.
func fill(t *testing.T, l *Ledger, n int) []*waiter {
	t.Helper()
	body, err := l.opts.body(smallRefusal())
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*waiter, n)
	for i := range all {
		all[i] = &waiter{body: body, done: make(chan result, 1)}
		if err := l.enqueue(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestFullQueueIsBusy(t *testing.T) {
	l, entered, release := held(t, 3, nothing)
	first := appendAsync(context.Background(), l)
	<-entered
	fill(t, l, 3)
	for range 5 {
		if _, err := l.Append(context.Background(), smallRefusal()); !errors.Is(err, ErrBusy) {
			t.Errorf("full queue: %v", err)
		}
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	mustClose(t, l)
	if l.queued.Load() != 0 {
		t.Errorf("%d bytes still counted as waiting", l.queued.Load())
	}
	if r := wantIntact(t, l.w.dir); r.Records != 1+1+3 {
		t.Errorf("%d records: a busy answer was recorded", r.Records)
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	l, entered, release := held(t, 1000, nothing)
	defer l.Close()
	defer release()
	first := appendAsync(context.Background(), l)
	<-entered
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = l.enqueue(&waiter{body: make([]byte, MaxLine-maxHead), done: make(chan result, 1)})
	}
	if !errors.Is(err, ErrBusy) || n > maxQueued/(MaxLine-maxHead)+1 {
		t.Errorf("after %d large records: %v", n, err)
	}
	for len(l.queue) > 0 { // they are no records: let none be written
		w := <-l.queue
		l.queued.Add(-int64(len(w.body)))
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestWaitersLearnOfFailure(t *testing.T) {
	broken := errors.New("input/output error")
	l, entered, release := held(t, 100, func() error { return broken })
	first := appendAsync(context.Background(), l)
	<-entered
	waiting := fill(t, l, 20)
	release()
	if err := <-first; !errors.Is(err, ErrFailed) || !errors.Is(err, broken) {
		t.Errorf("the failing append: %v", err)
	}
	for _, w := range waiting {
		if res := <-w.done; !errors.Is(res.err, ErrFailed) || !errors.Is(res.err, broken) || res.at.Seq != 0 {
			t.Errorf("a waiting append: %+v", res)
		}
	}
	wantFinal(t, l, broken)
}

func TestContextEnds(t *testing.T) {
	l, entered, release := held(t, 10, nothing)
	ctx, cancel := context.WithCancel(context.Background())
	waiting := appendAsync(ctx, l)
	<-entered
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("a waiting append: %v", err)
	}
	if _, err := l.Append(ctx, smallRefusal()); !errors.Is(err, context.Canceled) {
		t.Errorf("an append after the end: %v", err)
	}
	release()
	mustClose(t, l)
	if r := wantIntact(t, l.w.dir); r.Records != 2 { // over-recorded once, as promised, not twice
		t.Errorf("%d records", r.Records)
	}
}

func TestDiskReserve(t *testing.T) {
	o := testOptions()
	now, free := epoch, uint64(10_000)
	asked := 0
	o.now = func() time.Time { return now }
	o.free = func(string) (uint64, error) {
		asked++
		if free == 0 {
			return 0, os.ErrPermission
		}
		return free, nil
	}
	o.ReserveBytes = 8_000
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, o)
	written := 0
	var err error
	for ; err == nil && written < 100; written++ {
		_, err = l.Append(context.Background(), smallRefusal())
	}
	if !errors.Is(err, ErrFull) || written < 2 || written > 8 || asked != 1 {
		t.Errorf("after %d records and %d questions: %v", written, asked, err)
	}
	free = 0
	now = now.Add(time.Second)
	if _, err := l.Append(context.Background(), smallRefusal()); !errors.Is(err, ErrFull) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("space unknown: %v", err)
	}
	free = 1 << 30
	now = now.Add(time.Second)
	mustAppend(t, l, smallRefusal())
	if l.Err() != nil {
		t.Errorf("a full disk was final: %v", l.Err())
	}
	mustClose(t, l)
	if r := wantIntact(t, dir); r.Records != uint64(written)+1 { // open, written-1, and the last
		t.Errorf("%d records, %d tried", r.Records, written)
	}
	free = 100
	if _, err := Open(dir, o); !errors.Is(err, ErrFull) {
		t.Errorf("Open on a full disk: %v", err)
	}
}

func TestClosed(t *testing.T) {
	l := mustOpen(t, filepath.Join(t.TempDir(), "ledger"), testOptions())
	mustClose(t, l)
	mustClose(t, l)
	if _, err := l.Append(context.Background(), smallRefusal()); !errors.Is(err, ErrClosed) {
		t.Errorf("Append: %v", err)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no gateway":       {},
		"long gateway":     {Gateway: strings.Repeat("g", MaxText+1)},
		"control in name":  {Gateway: "gate\n1"},
		"negative queue":   {Gateway: "g", Queue: -1},
		"negative segment": {Gateway: "g", SegmentBytes: -1},
		"negative reserve": {Gateway: "g", ReserveBytes: -1},
	} {
		dir := filepath.Join(t.TempDir(), "ledger")
		if _, err := Open(dir, o); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a directory was made", name)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "a", "b"), testOptions()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no parent: %v", err)
	}
}

func TestAppendStampsGatewayAndTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, testOptions())
	r := smallRefusal()
	r.Time, r.Gateway = time.Time{}, "another"
	mustAppend(t, l, r)
	mustClose(t, l)
	if err := Scan(dir, func(_ Position, r Record) error {
		if r.Gateway != "gate-1" || r.Time.Before(epoch) || r.Time.Location() != time.UTC {
			t.Errorf("%+v", r)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
