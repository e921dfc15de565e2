package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// The errors Append and Open return, wrapped; branch with errors.Is.
var (
	// ErrBusy: the queue is full. Nothing was recorded; trying again may help.
	ErrBusy = errors.New("ledger: queue is full")
	// ErrFull: the disk is down to its reserve. Nothing was recorded; the
	// ledger goes on by itself once space returns.
	ErrFull = errors.New("ledger: disk is down to its reserve")
	// ErrFailed: the ledger met an error it can't go on after. It is final.
	ErrFailed = errors.New("ledger: failed")
	// ErrClosed: the ledger was closed.
	ErrClosed = errors.New("ledger: closed")
	// ErrInvalid: the record can't be written. Nothing was recorded.
	ErrInvalid = errors.New("ledger: invalid record")
	// ErrLocked: another process has the ledger open.
	ErrLocked = errors.New("ledger: open in another process")
	// ErrTampered: Open found what no crash leaves behind. A *Fault says where.
	ErrTampered = errors.New("ledger: not as it was written")
)

// Defaults of Options.
const (
	DefaultQueue        = 4096
	DefaultSegmentBytes = 64 << 20
	DefaultReserveBytes = 64 << 20
)

// maxQueued bounds the memory of waiting records, in bytes.
const maxQueued = 64 << 20

// Options of a ledger. Only Gateway must be set.
type Options struct {
	Gateway      string // name of this gateway instance, in every record
	Queue        int    // records that may wait; 0: DefaultQueue
	SegmentBytes int64  // a segment at least this long is followed by a new one as soon as one can be made; 0: DefaultSegmentBytes
	ReserveBytes int64  // disk space that must stay free; 0: DefaultReserveBytes

	now    func() time.Time
	free   func(dir string) (uint64, error)
	open   func(path string, flags int) (segmentFile, error)
	folder func(dir string) (folder, error)
}

func (o Options) withDefaults() (Options, error) {
	probe := Record{Kind: KindOpen, Time: time.Unix(0, 0), Gateway: o.Gateway}
	if err := check(&probe); err != nil {
		return o, fmt.Errorf("%w: Options: %w", ErrInvalid, err)
	}
	if o.Queue < 0 || o.SegmentBytes < 0 || o.ReserveBytes < 0 {
		return o, fmt.Errorf("%w: Options: a size is negative", ErrInvalid)
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = DefaultReserveBytes
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.free == nil {
		o.free = freeBytes
	}
	if o.open == nil {
		o.open = openDisk
	}
	if o.folder == nil {
		o.folder = openFolder
	}
	return o, nil
}

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	opts   Options
	lock   *os.File
	w      *writer // the writer goroutine's own, once it runs
	queue  chan *waiter
	queued atomic.Int64 // bytes waiting in queue
	failed atomic.Pointer[failure]

	mu     sync.RWMutex // held for reading while sending to queue
	closed bool
	done   chan struct{} // closed when the writer goroutine has ended
	end    error         // result of Close, set before done is closed
}

type failure struct{ err error }

type waiter struct {
	body []byte
	done chan result // holds one, so that the writer never waits for a caller
}

type result struct {
	at  Position
	err error
}

// Append records r and returns where it stands, once it is durable: when Append
// returns a nil error, the record and every record before it were written to the
// segment and fdatasync(2) reported success, and the segment's name led to that
// file afterwards. Only then may what the record tells of be released.
//
// An error means the record must be taken as not made, but it may have been: when
// ctx ends while the record waits (the error is ctx.Err()), or when the ledger
// fails. Recording too much is safe. After ErrBusy, ErrFull, ErrInvalid and
// ErrClosed nothing was recorded. ErrFailed is final: every Append, waiting ones
// too, returns it with its cause.
//
// Append sets r.Gateway, and r.Time to now when it is zero. It refuses, with
// ErrInvalid and the member's name, a record that lacks what its kind must have
// or holds an over-long text, invalid UTF-8 or control characters, and the kinds
// only the ledger itself writes.
func (l *Ledger) Append(ctx context.Context, r Record) (Position, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, err
	}
	if r.Kind == KindOpen || r.Kind == KindRecovered {
		return Position{}, fmt.Errorf("%w: kind is the ledger's own", ErrInvalid)
	}
	body, err := l.opts.body(r)
	if err != nil {
		return Position{}, err
	}
	w := &waiter{body: body, done: make(chan result, 1)}
	if err := l.enqueue(w); err != nil {
		return Position{}, err
	}
	select {
	case res := <-w.done:
		return res.at, res.err
	case <-ctx.Done():
		return Position{}, ctx.Err()
	}
}

// body completes, checks and encodes a record.
func (o Options) body(r Record) ([]byte, error) {
	r.Gateway = o.Gateway
	if r.Time.IsZero() {
		r.Time = o.now()
	}
	if err := check(&r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	body := encodeBody(&r)
	if maxHead+len(body) > MaxLine {
		return nil, fmt.Errorf("%w: the line is longer than %d bytes", ErrInvalid, MaxLine)
	}
	return body, nil
}

func (l *Ledger) enqueue(w *waiter) error {
	l.mu.RLock() // against Close closing the queue under us
	defer l.mu.RUnlock()
	if err := l.Err(); err != nil {
		return err
	}
	if l.closed {
		return ErrClosed
	}
	n := int64(len(w.body))
	if l.queued.Add(n) > maxQueued {
		l.queued.Add(-n)
		return ErrBusy
	}
	select {
	case l.queue <- w:
		return nil
	default:
		l.queued.Add(-n)
		return ErrBusy
	}
}

// Err returns nil while the ledger works, and the final error (ErrFailed, with
// its cause) ever after.
func (l *Ledger) Err() error {
	if f := l.failed.Load(); f != nil {
		return f.err
	}
	return nil
}

// RotationErr returns why the last segment, though long enough, is not followed by
// a new one yet, for instance that the process is out of descriptors; nil when all
// is well. Records are durable all the same, and the ledger tries again by itself.
func (l *Ledger) RotationErr() error {
	if f := l.w.stuck.Load(); f != nil {
		return f.err
	}
	return nil
}

// Close makes the waiting records durable, stops the ledger and lets go of its
// lock. It returns the final error, if there was one. A second Close returns the
// same as the first.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.done
	return l.end
}

// run is the writer goroutine: while one batch is being synced the next gathers
// in the queue, so that one sync serves all who wait.
func (l *Ledger) run() {
	batch := make([]*waiter, 0, l.opts.Queue)
	bodies := make([][]byte, 0, l.opts.Queue)
	for first := range l.queue {
		// Let the callers just woken queue their next records, or batches
		// would be alternately large and tiny.
		runtime.Gosched()
		batch, bodies = l.gather(first, batch[:0], bodies[:0])
		l.serve(batch, bodies)
		clear(batch)
		clear(bodies)
	}
	l.end = errors.Join(l.Err(), l.w.file.Close(), l.lock.Close())
	close(l.done)
}

func (l *Ledger) gather(w *waiter, batch []*waiter, bodies [][]byte) ([]*waiter, [][]byte) {
	for n := 0; ; {
		batch, bodies = append(batch, w), append(bodies, w.body)
		l.queued.Add(-int64(len(w.body)))
		n += maxHead + len(w.body)
		if n >= maxBatch {
			return batch, bodies
		}
		var open bool
		select {
		case w, open = <-l.queue:
			if !open {
				return batch, bodies
			}
		default:
			return batch, bodies
		}
	}
}

func (l *Ledger) serve(batch []*waiter, bodies [][]byte) {
	err := l.Err()
	var at []Position
	if err == nil {
		if err = l.w.rotate(); err == nil {
			at, err = l.w.commit(bodies)
		}
		if err != nil && !errors.Is(err, ErrFull) {
			err = fmt.Errorf("%w: %w", ErrFailed, err)
			l.failed.Store(&failure{err})
		}
	}
	for i, w := range batch {
		if err != nil {
			w.done <- result{err: err}
			continue
		}
		w.done <- result{at: at[i]}
	}
}
