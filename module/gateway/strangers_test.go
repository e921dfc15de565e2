package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/ledger"
)

// book is a ledger that takes records only while it is open.
type book struct {
	records []ledger.Record
	closed  bool
}

func (b *book) record(_ context.Context, r ledger.Record) (ledger.Position, error) {
	if b.closed {
		return ledger.Position{}, errors.New("closed")
	}
	b.records = append(b.records, r)
	return ledger.Position{Seq: uint64(len(b.records)), Hash: "h"}, nil
}

// clock is a time that stands still until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newCount() (*strangers, *book, *clock) {
	b, c := new(book), &clock{time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)}
	return newStrangers(b.record, c.now), b, c
}

func TestStrangersAreCounted(t *testing.T) {
	s, b, c := newCount()
	s.flush()
	if len(b.records) != 0 {
		t.Fatal("a second without strangers is recorded")
	}
	begin := c.at
	first := s.refuse("192.0.2.1", access.CredentialMissing)
	c.at = c.at.Add(300 * time.Millisecond)
	s.refuse("192.0.2.2", access.CredentialInvalid)
	again := s.refuse("192.0.2.2", access.CredentialMissing)
	if first.reason != access.CredentialMissing || first.receipt == "" || first.receipt != again.receipt || first.retry != 0 {
		t.Errorf("verdicts %+v, %+v", first, again)
	}
	c.at = c.at.Add(700 * time.Millisecond)
	s.flush()
	want := ledger.Record{Kind: ledger.KindStrangers, Receipt: first.receipt, Strangers: &ledger.Strangers{
		Start: begin, End: begin.Add(time.Second), Count: 3,
		Reasons: []ledger.ReasonCount{{Reason: access.CredentialInvalid, Count: 1}, {Reason: access.CredentialMissing, Count: 2}},
		Sources: []ledger.SourceCount{{Source: "192.0.2.2", Count: 2}, {Source: "192.0.2.1", Count: 1}},
	}}
	if len(b.records) != 1 || !reflect.DeepEqual(b.records[0], want) {
		t.Errorf("recorded %+v, want %+v", b.records, want)
	}
	s.flush()
	if next := s.refuse("192.0.2.1", access.CredentialMissing); len(b.records) != 1 || next.receipt == first.receipt {
		t.Errorf("the next window: %+v after %d records", next, len(b.records))
	}
}

// TestStrangersAreSlowedDown: after a burst a source is told to wait; others are
// not, and its own allowance comes back with time.
func TestStrangersAreSlowedDown(t *testing.T) {
	s, b, c := newCount()
	slowed := func() (n int) {
		for range strangerBurst + 5 {
			v := s.refuse("192.0.2.1", access.CredentialInvalid)
			if v.reason == access.TooManyFailures {
				if v.retry != strangerEvery {
					t.Errorf("told to wait %v", v.retry)
				}
				n++
			} else if v.reason != access.CredentialInvalid || v.retry != 0 {
				t.Errorf("verdict %+v", v)
			}
		}
		return n
	}
	if n := slowed(); n != 5 {
		t.Errorf("%d of %d were told to wait, want 5", n, strangerBurst+5)
	}
	if v := s.refuse("192.0.2.2", access.CredentialInvalid); v.reason != access.CredentialInvalid {
		t.Errorf("another source: %+v", v)
	}
	// Who presents nothing, or meets a gate that is not ready, guesses nothing.
	if v := s.refuse("192.0.2.1", access.RulesUnavailable); v.reason != access.RulesUnavailable {
		t.Errorf("no failure of a credential: %+v", v)
	}
	s.flush()
	if n := slowed(); n != strangerBurst+5 {
		t.Errorf("a flush gave %d attempts back", strangerBurst+5-n)
	}
	c.at = c.at.Add(2 * strangerEvery)
	if n := slowed(); n != strangerBurst+3 {
		t.Errorf("two seconds gave %d attempts back, want 2", strangerBurst+5-n)
	}
	c.at = c.at.Add(strangerBurst * strangerEvery)
	s.flush()
	if len(s.limiters) != 0 {
		t.Errorf("%d sources are remembered for nothing", len(s.limiters))
	}
	if n := slowed(); n != 5 {
		t.Errorf("after a while %d were told to wait, want 5", n)
	}
	got := b.records[0].Strangers
	if want := []ledger.ReasonCount{{Reason: access.CredentialInvalid, Count: strangerBurst + 1}, {Reason: access.RulesUnavailable, Count: 1}, {Reason: access.TooManyFailures, Count: 5}}; !reflect.DeepEqual(got.Reasons, want) {
		t.Errorf("counted %+v", got.Reasons)
	}
}

// TestCallersHaveAnAllowanceOfRecords: a caller that is only ever refused gets a
// record for each refusal up to its allowance, which comes back with time.
func TestCallersHaveAnAllowanceOfRecords(t *testing.T) {
	s, b, c := newCount()
	recorded := func(caller string) (n int) {
		for range callerBurst + 10 {
			if !s.spent(caller) {
				n++
			}
		}
		return n
	}
	if n := recorded("desk"); n != callerBurst {
		t.Errorf("%d refusals have their own records, want %d", n, callerBurst)
	}
	if n := recorded("other"); n != callerBurst {
		t.Errorf("another caller: %d", n)
	}
	c.at = c.at.Add(3 * callerEvery)
	s.flush()
	if n := recorded("desk"); n != 3 {
		t.Errorf("after a while %d, want 3", n)
	}
	// An address that reads like a caller is another source.
	if v := s.refuse("desk", access.CredentialInvalid); v.reason != access.CredentialInvalid {
		t.Errorf("%+v", v)
	}
	v := s.refuse(callerSource("desk"), access.TooManyFailures)
	if v.reason != access.TooManyFailures || v.retry != strangerEvery || v.receipt == "" {
		t.Errorf("what is counted: %+v", v)
	}
	s.flush()
	if want := []ledger.SourceCount{{Source: "caller:desk", Count: 1}, {Source: "desk", Count: 1}}; !reflect.DeepEqual(b.records[0].Strangers.Sources, want) {
		t.Errorf("counted %+v", b.records[0].Strangers.Sources)
	}
	c.at = c.at.Add(callerBurst * callerEvery)
	s.flush()
	if len(s.limiters) != 0 {
		t.Errorf("%d sources are remembered for nothing", len(s.limiters))
	}
}

// TestStrangersWaitForTheLedger: a count the ledger does not take is kept and
// recorded later, oldest first, each once.
func TestStrangersWaitForTheLedger(t *testing.T) {
	s, b, c := newCount()
	b.closed = true
	var receipts []string
	for n := range 4 {
		receipts = append(receipts, s.refuse(fmt.Sprintf("192.0.2.%d", n), access.CredentialMissing).receipt)
		c.at = c.at.Add(time.Second)
		if n == 3 {
			b.closed = false
		}
		s.flush()
	}
	s.flush()
	var got []string
	for _, r := range b.records {
		got = append(got, r.Receipt)
		if r.Strangers.Count != 1 {
			t.Errorf("%+v", r.Strangers)
		}
	}
	if !reflect.DeepEqual(got, receipts) {
		t.Errorf("recorded %v, want %v", got, receipts)
	}
}

func TestStrangersWaitingAreBounded(t *testing.T) {
	s, b, c := newCount()
	b.closed = true
	var last string
	for range maxUnsaved + 50 {
		last = s.refuse("192.0.2.1", access.CredentialMissing).receipt
		c.at = c.at.Add(time.Second)
		s.flush()
	}
	if len(s.unsaved) != maxUnsaved || s.unsaved[maxUnsaved-1].receipt != last {
		t.Errorf("%d windows wait, want the last %d", len(s.unsaved), maxUnsaved)
	}
}

// TestStrangersMemoryIsBounded: sources beyond the bound share one allowance and
// one count.
func TestStrangersMemoryIsBounded(t *testing.T) {
	s, b, _ := newCount()
	const over = 30
	slowed := 0
	for n := range maxStrangerSources + over {
		if s.refuse(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255), access.CredentialMissing).reason == access.TooManyFailures {
			slowed++
		}
	}
	if slowed != over-strangerBurst {
		t.Errorf("%d of those beyond the bound were told to wait, want %d", slowed, over-strangerBurst)
	}
	if len(s.limiters) > maxStrangerSources+1 || len(s.window.sources) > maxStrangerSources+1 {
		t.Errorf("%d allowances, %d sources", len(s.limiters), len(s.window.sources))
	}
	s.flush()
	got := b.records[0].Strangers
	if got.Count != maxStrangerSources+over || len(got.Sources) != ledger.MaxSources || got.SourcesLeftOff != maxStrangerSources+1-ledger.MaxSources {
		t.Errorf("%d strangers, %d sources, %d left off", got.Count, len(got.Sources), got.SourcesLeftOff)
	}
	if want := (ledger.SourceCount{Source: "other", Count: over}); got.Sources[0] != want {
		t.Errorf("the busiest is %+v, want %+v", got.Sources[0], want)
	}
}

// TestLedgerTakesTheCounts: what is counted is a record the ledger accepts.
func TestLedgerTakesTheCounts(t *testing.T) {
	dir := t.TempDir() + "/ledger"
	l, err := ledger.Open(dir, ledger.Options{Gateway: "g", ReserveBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newStrangers(l.Append, time.Now)
	for n := range maxStrangerSources + 2 {
		s.refuse(peer(&http.Request{RemoteAddr: fmt.Sprintf("[2001:db8:%x::1]:1", n)}), access.CredentialMissing)
	}
	s.refuse("unknown", access.CredentialConflict)
	for range 3 { // among the busiest, so that it is listed
		s.refuse(callerSource("desk"), access.TooManyFailures)
	}
	s.flush()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := ledger.Verify(dir, ledger.VerifyOptions{})
	if err != nil || report.Records != 2 || len(s.unsaved) != 0 {
		t.Errorf("%d records, %d counts not taken, %v", report.Records, len(s.unsaved), err)
	}
}

// TestStrangersAfterTheEnd: once nobody flushes by the second any more, each
// refusal is recorded at once.
func TestStrangersAfterTheEnd(t *testing.T) {
	s, b, _ := newCount()
	first := s.refuse("192.0.2.1", access.CredentialMissing)
	s.flushAlways()
	second := s.refuse("192.0.2.1", access.CredentialMissing)
	third := s.refuse("192.0.2.1", access.CredentialMissing)
	var got []string
	for _, r := range b.records {
		got = append(got, r.Receipt)
	}
	if want := []string{first.receipt, second.receipt, third.receipt}; !reflect.DeepEqual(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
}

func TestStrangersFromManySides(t *testing.T) {
	s, b, _ := newCount()
	var asking sync.WaitGroup
	for n := range 8 {
		asking.Go(func() {
			for range 100 {
				s.refuse(fmt.Sprintf("192.0.2.%d", n), access.CredentialMissing)
			}
		})
	}
	for range 20 {
		s.flush()
	}
	asking.Wait()
	s.flush()
	count := 0
	for _, r := range b.records {
		count += r.Strangers.Count
	}
	if count != 800 {
		t.Errorf("%d of 800 are recorded", count)
	}
}

func TestPeer(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64", "[::1]:80": "::1",
		"[fe80::1%eth0]:80": "fe80::/64", "": "unknown", "192.0.2.1": "unknown", "@": "unknown", "gate:80": "unknown", "[::1": "unknown",
	} {
		r := &http.Request{RemoteAddr: address, Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}}
		if got := peer(r); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
