// Package quotatest is the one test suite that every quota.Store must pass.
package quotatest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/quota"
)

// Run tests the MUSTs of quota.Store. newStore gives a store for one check; it
// may be shared or already used: every check has keys of its own. Windows end
// about a day after the real time, so a store may drop them by its own clock.
func Run(t *testing.T, newStore func(t *testing.T) quota.Store) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(newBench(t.Context(), newStore(t))); err != nil {
				t.Error(err)
			}
		})
	}
}

// A check returns what is wrong with a store, so that checks themselves can be
// tested on wrong stores.
type check struct {
	name string
	run  func(b *bench) error
}

var checks = []check{
	{"malformed is an error and spends nothing", malformed},
	{"an error names no person", errorsNameNobody},
	{"a cancelled context is an error", cancelled},
	{"rate: burst, refusal and recovery", rateBurst},
	{"rate: the long run", rateLongRun},
	{"rate: rounding never raises the limit", rateRounding},
	{"rate: a clock put back grants nothing", rateClockBack},
	{"persons: the next after the limit is refused", personsExact},
	{"persons: repeated ones cost nothing", personsRepeated},
	{"persons: duplicates in one call count once", personsDuplicate},
	{"persons: a batch counts whole or not at all", personsBatch},
	{"persons: no person, no refusal", personsNone},
	{"persons: a new window counts anew", windowRoll},
	{"persons: names are not mixed up", personsNames},
	{"keys are kept apart", keysApart},
	{"all or nothing: persons refuse", atomicPersons},
	{"all or nothing: a later rate refuses", atomicRates},
	{"the first refusing budget is named", firstRefuses},
	{"concurrent: distinct persons", concurrentPersons},
	{"concurrent: the same person", concurrentSame},
	{"concurrent: requests", concurrentRequests},
	{"concurrent: all or nothing", concurrentAtomic},
}

// bench is one check's store, time and names.
type bench struct {
	ctx   context.Context
	store quota.Store
	now   time.Time
	id    string
}

func newBench(ctx context.Context, store quota.Store) *bench {
	return &bench{ctx: ctx, store: store, now: time.Now().Truncate(time.Microsecond), id: rand.Text()}
}

func (b *bench) key(s string) string { return "quotatest:" + b.id + ":" + s }

// rate is one request per second with a burst.
func (b *bench) rate(name string, burst int) quota.Rate {
	return quota.Rate{Key: b.key(name), Limit: 60, Per: time.Minute, Burst: burst}
}

func (b *bench) people(name string, limit int) quota.People {
	return quota.People{Key: b.key(name), Limit: limit, Window: "day 1", Until: b.now.Add(24 * time.Hour)}
}

func (b *bench) requests(rates ...quota.Rate) quota.Spend {
	return quota.Spend{Now: b.now, Rates: rates}
}

func (b *bench) persons(p quota.People, persons ...string) quota.Spend {
	return quota.Spend{Now: b.now, People: []quota.People{p}, Persons: persons}
}

// ok spends and wants it granted, with so much left.
func (b *bench) ok(s quota.Spend, left quota.Remaining) error {
	v, err := b.store.Spend(b.ctx, s)
	if err != nil {
		return err
	}
	if want := (quota.Verdict{OK: true, Remaining: left}); v != want {
		return fmt.Errorf("%+v, want %+v", v, want)
	}
	return nil
}

// refused spends and wants it refused so.
func (b *bench) refused(s quota.Spend, why access.Reason, key string, after time.Duration) error {
	v, err := b.store.Spend(b.ctx, s)
	if err != nil {
		return err
	}
	if want := (quota.Verdict{Reason: why, RetryAfter: after, Budget: b.key(key)}); v != want {
		return fmt.Errorf("%+v, want %+v", v, want)
	}
	return nil
}

func requestsLeft(n int) quota.Remaining {
	return quota.Remaining{Requests: n, Persons: quota.Unlimited}
}

func personsLeft(n int) quota.Remaining {
	return quota.Remaining{Requests: quota.Unlimited, Persons: n}
}

// steps runs steps until one fails, and tells which.
func steps(all ...func() error) error {
	for i, step := range all {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// okStep and refusedStep make steps of spendings.
func (b *bench) okStep(s quota.Spend, left quota.Remaining) func() error {
	return func() error { return b.ok(s, left) }
}

func (b *bench) refusedStep(s quota.Spend, why access.Reason, key string, after time.Duration) func() error {
	return func() error { return b.refused(s, why, key, after) }
}
