package quotatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hukougate/module/access"
	"hukougate/module/quota"
)

const day = 24 * time.Hour

func malformed(b *bench) error {
	r, p := b.rate("r", 1), b.people("p", 1)
	rate := func(change func(*quota.Rate)) quota.Spend {
		wrong := b.rate("wrong", 1)
		change(&wrong)
		return quota.Spend{Now: b.now, Rates: []quota.Rate{r, wrong}, People: []quota.People{p}, Persons: []string{"a"}}
	}
	people := func(change func(*quota.People)) quota.Spend {
		wrong := b.people("wrong", 1)
		change(&wrong)
		return quota.Spend{Now: b.now, Rates: []quota.Rate{r}, People: []quota.People{p, wrong}, Persons: []string{"a"}}
	}
	for _, c := range []struct {
		name string
		s    quota.Spend
	}{
		{"zero", quota.Spend{}},
		{"no budget", quota.Spend{Now: b.now}},
		{"persons without budget", quota.Spend{Now: b.now, Rates: []quota.Rate{r}, Persons: []string{"a"}}},
		{"no time", quota.Spend{Rates: []quota.Rate{r}, People: []quota.People{p}, Persons: []string{"a"}}},
		{"empty person", quota.Spend{Now: b.now, Rates: []quota.Rate{r}, People: []quota.People{p}, Persons: []string{"a", ""}}},
		{"rate without key", rate(func(r *quota.Rate) { r.Key = "" })},
		{"rate limit 0", rate(func(r *quota.Rate) { r.Limit = 0 })},
		{"rate limit below 0", rate(func(r *quota.Rate) { r.Limit = -1 })},
		{"rate per 0", rate(func(r *quota.Rate) { r.Per = 0 })},
		{"burst 0", rate(func(r *quota.Rate) { r.Burst = 0 })},
		{"burst beyond time", rate(func(r *quota.Rate) { r.Burst = 1 << 40 })},
		{"rate twice", rate(func(w *quota.Rate) { w.Key = r.Key })},
		{"people without key", people(func(p *quota.People) { p.Key = "" })},
		{"people limit 0", people(func(p *quota.People) { p.Limit = 0 })},
		{"people limit below 0", people(func(p *quota.People) { p.Limit = -1 })},
		{"people without window", people(func(p *quota.People) { p.Window = "" })},
		{"people without end", people(func(p *quota.People) { p.Until = time.Time{} })},
		{"people window ended", people(func(p *quota.People) { p.Until = b.now })},
		{"people twice", people(func(w *quota.People) { w.Key = p.Key })},
	} {
		v, err := b.store.Spend(b.ctx, c.s)
		if !errors.Is(err, quota.ErrMalformed) || v != (quota.Verdict{}) {
			return fmt.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
	all := quota.Spend{Now: b.now, Rates: []quota.Rate{r}, People: []quota.People{p}, Persons: []string{"b"}}
	return b.ok(all, quota.Remaining{}) // the only request and the only person are still there
}

func errorsNameNobody(b *bench) error {
	_, err := b.store.Spend(b.ctx, b.persons(b.people("p", 1), "p1_somebody", ""))
	if err == nil || strings.Contains(err.Error(), "somebody") {
		return fmt.Errorf("error %w", err)
	}
	return nil
}

func cancelled(b *bench) error {
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if v, err := b.store.Spend(ctx, b.requests(b.rate("r", 1))); !errors.Is(err, context.Canceled) || v != (quota.Verdict{}) {
		return fmt.Errorf("%+v, %w", v, err)
	}
	return nil
}

func rateBurst(b *bench) error {
	at := func(d time.Duration) quota.Spend {
		s := b.requests(b.rate("r", 3))
		s.Now = s.Now.Add(d)
		return s
	}
	no := func(d, after time.Duration) func() error {
		return b.refusedStep(at(d), access.RateExceeded, "r", after)
	}
	return steps(
		b.okStep(at(0), requestsLeft(2)),
		b.okStep(at(0), requestsLeft(1)),
		b.okStep(at(0), requestsLeft(0)),
		no(0, time.Second),
		no(0, time.Second), // a refusal costs nothing, and puts nothing off
		no(time.Second-time.Microsecond, time.Microsecond),
		b.okStep(at(time.Second), requestsLeft(0)),
		no(time.Second, time.Second),
		b.okStep(at(3*time.Second), requestsLeft(1)),
		b.okStep(at(time.Hour), requestsLeft(2)), // idle time is not saved up beyond the burst
		b.okStep(at(time.Hour), requestsLeft(1)),
		b.okStep(at(time.Hour), requestsLeft(0)),
		no(time.Hour, time.Second),
	)
}

func rateLongRun(b *bench) error {
	granted := 0
	for i := range 601 { // every half second for 300 seconds
		s := b.requests(b.rate("r", 3))
		s.Now = b.now.Add(time.Duration(i) * time.Second / 2)
		v, err := b.store.Spend(b.ctx, s)
		if err != nil {
			return err
		}
		if v.OK {
			granted++
		}
	}
	if granted != 3+300 {
		return fmt.Errorf("%d granted in 300 s at 1/s with burst 3, want 303", granted)
	}
	return nil
}

func rateRounding(b *bench) error {
	r := quota.Rate{Key: b.key("r"), Limit: 7, Per: time.Minute, Burst: 1}
	if want := 8571429 * time.Microsecond; r.Interval() != want {
		return fmt.Errorf("interval %v, want %v", r.Interval(), want)
	}
	at := func(d time.Duration) quota.Spend {
		s := b.requests(r)
		s.Now = s.Now.Add(d)
		return s
	}
	return steps(
		b.okStep(at(0), requestsLeft(0)),
		b.refusedStep(at(8571428*time.Microsecond), access.RateExceeded, "r", time.Microsecond),
		b.okStep(at(8571429*time.Microsecond), requestsLeft(0)),
	)
}

func rateClockBack(b *bench) error {
	back := b.requests(b.rate("r", 1))
	back.Now = back.Now.Add(-time.Hour)
	return steps(
		b.okStep(b.requests(b.rate("r", 1)), requestsLeft(0)),
		b.refusedStep(back, access.RateExceeded, "r", time.Hour+time.Second),
	)
}

func personsExact(b *bench) error {
	p := b.people("p", 3)
	later := b.persons(p, "e")
	later.Now = later.Now.Add(time.Hour)
	return steps(
		b.okStep(b.persons(p, "a"), personsLeft(2)),
		b.okStep(b.persons(p, "b"), personsLeft(1)),
		b.okStep(b.persons(p, "c"), personsLeft(0)),
		b.refusedStep(b.persons(p, "d"), access.PersonsExceeded, "p", day),
		b.refusedStep(later, access.PersonsExceeded, "p", day-time.Hour),
	)
}

func personsRepeated(b *bench) error {
	p := b.people("p", 2)
	narrower := b.people("p", 1)
	return steps(
		b.okStep(b.persons(p, "a"), personsLeft(1)),
		b.okStep(b.persons(p, "a"), personsLeft(1)),
		b.okStep(b.persons(p, "b", "a"), personsLeft(0)),
		b.refusedStep(b.persons(p, "a", "c"), access.PersonsExceeded, "p", day),
		b.okStep(b.persons(p, "a", "b"), personsLeft(0)),
		// The limit was lowered since: those counted still pass, nobody new does.
		b.okStep(b.persons(narrower, "b"), personsLeft(0)),
		b.refusedStep(b.persons(narrower, "c"), access.PersonsExceeded, "p", day),
	)
}

func personsDuplicate(b *bench) error {
	p := b.people("p", 2)
	return steps(
		b.okStep(b.persons(p, "a", "a", "b", "a", "b"), personsLeft(0)),
		b.refusedStep(b.persons(p, "c"), access.PersonsExceeded, "p", day),
	)
}

func personsBatch(b *bench) error {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("p1_%04d", i)
	}
	p := b.people("p", len(many))
	small := b.people("small", 3)
	return steps(
		b.okStep(b.persons(small, "a"), personsLeft(2)),
		b.refusedStep(b.persons(small, "b", "c", "d"), access.PersonsExceeded, "small", day),
		b.okStep(b.persons(small, "e", "f"), personsLeft(0)), // none of b, c, d was counted
		b.okStep(b.persons(p, many...), personsLeft(0)),
		b.refusedStep(b.persons(p, "one more"), access.PersonsExceeded, "p", day),
	)
}

func personsNone(b *bench) error {
	p := b.people("p", 1)
	return steps(
		b.okStep(b.persons(p), personsLeft(1)),
		b.okStep(b.persons(p, "a"), personsLeft(0)),
		b.okStep(b.persons(p), personsLeft(0)),
	)
}

func windowRoll(b *bench) error {
	today, tomorrow := b.people("p", 1), b.people("p", 1)
	tomorrow.Window, tomorrow.Until = "day 2", today.Until.Add(day)
	next := b.persons(tomorrow, "b")
	next.Now = today.Until
	last := b.persons(today, "b")
	last.Now = today.Until.Add(-time.Microsecond)
	return steps(
		b.okStep(b.persons(today, "a"), personsLeft(0)),
		b.refusedStep(last, access.PersonsExceeded, "p", time.Microsecond),
		b.okStep(next, personsLeft(0)),
		// A request of the old day that is late does not get a new count.
		b.refusedStep(last, access.PersonsExceeded, "p", time.Microsecond),
		b.refusedStep(b.persons(tomorrow, "a"), access.PersonsExceeded, "p", 2*day),
	)
}

func personsNames(b *bench) error {
	p := b.people("p", 100)
	names := []string{"a", "A", "a ", "a,b", "a\nb", "a:b", "a\x00b", "人", "人\u0301", "\xff", strings.Repeat("x", 500)}
	for i, n := range names {
		if err := b.ok(b.persons(p, n), personsLeft(100-i-1)); err != nil {
			return fmt.Errorf("%q: %w", n, err)
		}
	}
	return b.ok(b.persons(p, names...), personsLeft(100-len(names)))
}

func keysApart(b *bench) error {
	of := func(key, window string) quota.People {
		p := b.people(key, 1)
		p.Window = window
		return p
	}
	return steps(
		b.okStep(b.persons(of("a", "bc"), "x"), personsLeft(0)),
		b.okStep(b.persons(of("ab", "c"), "y"), personsLeft(0)),
		b.okStep(b.persons(of("a:b", "c"), "y"), personsLeft(0)),
		b.okStep(b.persons(of("a", "b:c"), "y"), personsLeft(0)),
		b.okStep(b.requests(b.rate("a", 1)), requestsLeft(0)), // a rate may share a budget's key
		b.okStep(b.requests(b.rate("b", 1)), requestsLeft(0)),
		b.refusedStep(b.requests(b.rate("a", 1)), access.RateExceeded, "a", time.Second),
	)
}

func atomicPersons(b *bench) error {
	r, wide, narrow := b.rate("r", 2), b.people("wide", 5), b.people("narrow", 1)
	both := func(person string) quota.Spend {
		return quota.Spend{Now: b.now, Rates: []quota.Rate{r}, People: []quota.People{wide, narrow}, Persons: []string{person}}
	}
	return steps(
		b.okStep(both("a"), quota.Remaining{Requests: 1, Persons: 0}),
		b.refusedStep(both("b"), access.PersonsExceeded, "narrow", day),
		b.refusedStep(both("b"), access.PersonsExceeded, "narrow", day),
		b.okStep(b.persons(wide, "c"), personsLeft(3)), // b was not counted
		b.okStep(b.requests(r), requestsLeft(0)),       // nor its requests
		b.refusedStep(b.requests(r), access.RateExceeded, "r", time.Second),
	)
}

func atomicRates(b *bench) error {
	first, second, p := b.rate("first", 3), b.rate("second", 1), b.people("p", 2)
	all := func(person string) quota.Spend {
		return quota.Spend{Now: b.now, Rates: []quota.Rate{first, second}, People: []quota.People{p}, Persons: []string{person}}
	}
	return steps(
		b.okStep(all("a"), quota.Remaining{Requests: 0, Persons: 1}),
		b.refusedStep(all("b"), access.RateExceeded, "second", time.Second),
		b.okStep(b.requests(first), requestsLeft(1)),
		b.okStep(b.persons(p, "c"), personsLeft(0)),
	)
}

func firstRefuses(b *bench) error {
	r1, r2 := b.rate("r1", 1), b.rate("r2", 1)
	p1, p2 := b.people("p1", 1), b.people("p2", 1)
	all := quota.Spend{Now: b.now, Rates: []quota.Rate{r1, r2}, People: []quota.People{p1, p2}, Persons: []string{"a"}}
	next, other := all, all
	next.Persons = []string{"b"}
	other.Rates, other.Persons = nil, []string{"b"}
	return steps(
		b.okStep(all, quota.Remaining{}),
		b.refusedStep(next, access.RateExceeded, "r1", time.Second),
		b.refusedStep(other, access.PersonsExceeded, "p1", day),
	)
}
