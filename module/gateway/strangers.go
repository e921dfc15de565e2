package gateway

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hukougate/module/access"
	"hukougate/module/ledger"
)

const (
	strangerWindow = time.Second
	// A source may fail this often before it is told to wait.
	strangerBurst = 20
	strangerEvery = time.Second
	// An identified caller has this many refusals recorded one by one.
	callerBurst = 600
	callerEvery = 200 * time.Millisecond
	// maxStrangerSources bounds memory; sources beyond it share one allowance.
	maxStrangerSources = 10_000
)

// strangers counts refusals before identification, per source and reason, and
// records each second's count as one record. A flood neither fills the disk nor
// closes the gate to those who can prove who they are. Callers that do nothing
// but get refused are counted here too, once their allowance of records is spent.
type strangers struct {
	record func(context.Context, ledger.Record) (ledger.Position, error)
	now    func() time.Time

	mu       sync.Mutex
	atOnce   bool // no window is flushed any more by run: each refusal flushes its own
	limiters map[string]*rate.Limiter
	window   window
	unsaved  []window // windows the ledger did not take yet, oldest first
}

type window struct {
	receipt string
	start   time.Time
	reasons map[access.Reason]int
	sources map[string]int
}

func newStrangers(record func(context.Context, ledger.Record) (ledger.Position, error), now func() time.Time) *strangers {
	return &strangers{record: record, now: now, limiters: map[string]*rate.Limiter{}}
}

// strangerVerdict is what one refused stranger is told. Its receipt is that of
// the window's record.
type strangerVerdict struct {
	reason  access.Reason
	receipt string
	retry   time.Duration
}

func (s *strangers) refuse(source string, why access.Reason) strangerVerdict {
	v, atOnce := s.count(source, why)
	if atOnce {
		s.flush()
	}
	return v
}

func (s *strangers) count(source string, why access.Reason) (v strangerVerdict, atOnce bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	v.reason = why
	if credentialFailure(why) && !s.limiter(source, strangerEvery, strangerBurst).AllowN(now, 1) {
		v.reason = access.TooManyFailures
	}
	if v.reason == access.TooManyFailures {
		v.retry = strangerEvery
	}
	if s.window.receipt == "" {
		s.window = window{receipt: newReceipt(), start: now, reasons: map[access.Reason]int{}, sources: map[string]int{}}
	}
	v.receipt = s.window.receipt
	s.window.reasons[v.reason]++
	if _, known := s.window.sources[source]; !known && len(s.window.sources) >= maxStrangerSources {
		source = ""
	}
	s.window.sources[source]++
	return v, s.atOnce
}

// credentialFailure tells what the source did from what the gate can't do: for
// the latter nobody is told to come back later as if it were their fault.
func credentialFailure(why access.Reason) bool {
	return why == access.CredentialMissing || why == access.CredentialInvalid || why == access.CredentialConflict
}

// callerSource is how a caller stands among the sources; no address looks so.
func callerSource(caller string) string { return "caller:" + caller }

// spent takes one refusal from a caller's allowance of records of its own, and
// reports true when there is none left.
func (s *strangers) spent(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.limiter(callerSource(caller), callerEvery, callerBurst).AllowN(s.now(), 1)
}

func (s *strangers) limiter(source string, every time.Duration, burst int) *rate.Limiter {
	l := s.limiters[source]
	if l == nil {
		if len(s.limiters) >= maxStrangerSources {
			source = ""
			if l = s.limiters[source]; l != nil {
				return l
			}
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		s.limiters[source] = l
	}
	return l
}

// run records each window until the context ends.
func (s *strangers) run(ctx context.Context) {
	tick := time.NewTicker(strangerWindow)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.flush()
		}
	}
}

// maxUnsaved bounds the windows waiting for a ledger that does not take them;
// while it doesn't, the gate releases nothing anyway.
const maxUnsaved = 600

// flushAlways flushes now and, from now on, after every refusal.
func (s *strangers) flushAlways() {
	s.mu.Lock()
	s.atOnce = true
	s.mu.Unlock()
	s.flush()
}

// flush records the open window and those before it that could not be.
func (s *strangers) flush() {
	s.mu.Lock()
	open := s.window
	s.window = window{}
	s.forget()
	waiting := s.unsaved
	s.unsaved = nil
	s.mu.Unlock()
	if open.receipt != "" {
		waiting = append(waiting, open)
	}
	for i, w := range waiting {
		ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
		_, err := s.record(ctx, w.asRecord(s.now()))
		cancel()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.unsaved = waiting[max(i, len(waiting)-maxUnsaved):]
			return
		}
	}
}

// forget drops the allowance of sources that have theirs back in full.
func (s *strangers) forget() {
	now := s.now()
	maps.DeleteFunc(s.limiters, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) })
}

func (w window) asRecord(end time.Time) ledger.Record {
	out := &ledger.Strangers{Start: w.start, End: end}
	for _, r := range slices.Sorted(maps.Keys(w.reasons)) {
		out.Reasons = append(out.Reasons, ledger.ReasonCount{Reason: r, Count: w.reasons[r]})
		out.Count += w.reasons[r]
	}
	for source, n := range w.sources {
		out.Sources = append(out.Sources, ledger.SourceCount{Source: cmp.Or(source, "other"), Count: n})
	}
	// The busiest first: those are the ones to look at when some are left off.
	slices.SortFunc(out.Sources, func(a, b ledger.SourceCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Source, b.Source))
	})
	if over := len(out.Sources) - ledger.MaxSources; over > 0 {
		out.Sources, out.SourcesLeftOff = out.Sources[:ledger.MaxSources], over
	}
	return ledger.Record{Kind: ledger.KindStrangers, Receipt: w.receipt, Strangers: out}
}

// peer is the address of the TCP peer, never of a header; IPv6 by /64, which is
// what one subscriber holds.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
