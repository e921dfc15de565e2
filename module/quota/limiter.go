package quota

import (
	"context"
	"fmt"
	"time"

	"hukougate/module/access"
)

// Limits are the budgets of one caller as the rules have them, and those of the
// grant it uses. All numbers of the caller's must be above 0.
type Limits struct {
	RequestsPerMinute int
	Burst             int // requests at once
	PersonsPerDay     int // distinct persons per calendar day
	Zone              *time.Location

	// Grant, when not empty, names the application whose own budgets apply
	// besides. They are counted apart from the caller's: one grant's use neither
	// starves nor widens another's. A 0 in GrantBudget sets no budget.
	Grant       string
	GrantBudget access.GrantBudget
}

func (l Limits) validate() error {
	switch {
	case l.RequestsPerMinute <= 0 || l.Burst <= 0 || l.PersonsPerDay <= 0:
		return fmt.Errorf("%w: a limit is missing", ErrMalformed)
	case l.Zone == nil:
		return fmt.Errorf("%w: no time zone", ErrMalformed)
	case l.GrantBudget.RequestsPerMinute < 0 || l.GrantBudget.PersonsPerDay < 0:
		return fmt.Errorf("%w: a grant's limit is negative", ErrMalformed)
	case l.Grant == "" && l.GrantBudget != access.GrantBudget{}:
		return fmt.Errorf("%w: a grant's limit without a grant", ErrMalformed)
	}
	return nil
}

// Limiter turns limits into spendings on a Store.
type Limiter struct {
	store Store
	now   func() time.Time
}

// NewLimiter makes a Limiter on a store; now is the clock, nil: time.Now.
func NewLimiter(store Store, now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{store: store, now: now}
}

// Charge spends one request and the persons it names, before it is forwarded.
// An error means that the budgets could not be checked: refuse.
func (l *Limiter) Charge(ctx context.Context, caller string, lim Limits, persons []string) (Verdict, error) {
	return l.spend(ctx, caller, lim, persons, true)
}

// Admit spends the persons of an answer, before it is released, and no request:
// those already counted today cost nothing. An error means that the budgets
// could not be checked: refuse.
func (l *Limiter) Admit(ctx context.Context, caller string, lim Limits, persons []string) (Verdict, error) {
	return l.spend(ctx, caller, lim, persons, false)
}

func (l *Limiter) spend(ctx context.Context, caller string, lim Limits, persons []string, request bool) (Verdict, error) {
	if l == nil || l.store == nil {
		return Verdict{}, fmt.Errorf("%w: no store", ErrMalformed)
	}
	if caller == "" {
		return Verdict{}, fmt.Errorf("%w: no caller", ErrMalformed)
	}
	if err := lim.validate(); err != nil {
		return Verdict{}, err
	}
	now := l.now()
	window, until := day(now, lim.Zone)
	s := Spend{Persons: persons, Now: now}
	if request {
		s.Rates = append(s.Rates, Rate{Key: "caller:" + caller, Limit: lim.RequestsPerMinute, Per: time.Minute, Burst: lim.Burst})
	}
	s.People = append(s.People, People{Key: "caller:" + caller, Limit: lim.PersonsPerDay, Window: window, Until: until})
	// The caller stands in the key: an application number of one caller must not
	// reach the budget of another's.
	grant := "grant:" + caller + ":" + lim.Grant
	if n := lim.GrantBudget.RequestsPerMinute; request && n > 0 {
		s.Rates = append(s.Rates, Rate{Key: grant, Limit: n, Per: time.Minute, Burst: min(n, lim.Burst)})
	}
	if n := lim.GrantBudget.PersonsPerDay; n > 0 {
		s.People = append(s.People, People{Key: grant, Limit: n, Window: window, Until: until})
	}
	v, err := l.store.Spend(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	if request && v.OK && len(persons) == 0 && v.Remaining.Persons == 0 {
		// A search, when nobody more may be seen: to refuse it only if somebody is
		// found would tell, for nothing, who exists.
		return Verdict{Reason: access.PersonsExceeded, RetryAfter: until.Sub(now), Budget: s.People[0].Key}, nil
	}
	return v, nil
}

// day names the calendar day of a time in a zone, and tells when it ends.
func day(now time.Time, zone *time.Location) (window string, until time.Time) {
	const layout = "2006-01-02"
	local := now.In(zone)
	window = local.Format(layout)
	until = time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
	// Where clocks are put forward at midnight, Date may give an instant that
	// still belongs to the day that ends.
	for until.Format(layout) == window {
		until = until.Add(30 * time.Minute)
	}
	return window, until
}
