// Package quota spends budgets of requests and of distinct persons, atomically:
// a spending that any budget refuses spends nothing.
package quota

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"hukougate/module/access"
)

var (
	// ErrMalformed says that a Spend or Limits can't be meant: a missing or
	// impossible budget is never taken for an unlimited one.
	ErrMalformed = errors.New("quota: malformed")
	// ErrFull says that a store has no room to count more and so can't tell.
	ErrFull = errors.New("quota: store full")
)

// Rate is a budget of requests by the generic cell rate algorithm (ITU-T I.371
// annex A; as a virtual schedule): Limit requests per Per in the long run, of
// which at most Burst at once.
type Rate struct {
	Key   string
	Limit int
	Per   time.Duration
	Burst int
}

// Interval is the time one request costs, rounded up to the microsecond so that
// rounding never raises the limit.
func (r Rate) Interval() time.Duration {
	n := time.Duration(r.Limit)
	d := (r.Per + n - 1) / n
	return (d + time.Microsecond - 1) / time.Microsecond * time.Microsecond
}

// People is a budget of distinct persons in a window of the calendar. Window
// names the window, for instance "2026-11-23"; its count ends at Until.
type People struct {
	Key    string
	Limit  int
	Window string
	Until  time.Time
}

// Spend is one spending: one request on each of Rates, and every one of Persons
// on each of People. Persons are keyed pseudonyms, never the persons' own
// numbers; repeated ones count once.
type Spend struct {
	Rates   []Rate
	People  []People
	Persons []string
	Now     time.Time
}

// maxBurst bounds Interval × Burst, so that sums with it can't overflow.
const maxBurst = 366 * 24 * time.Hour

// Validate returns an error wrapping ErrMalformed unless s names at least one
// budget, and its budgets, persons and time are whole. Persons without a budget
// for them are malformed: they would go uncounted.
func (s Spend) Validate() error {
	switch {
	case s.Now.IsZero():
		return fmt.Errorf("%w: no time", ErrMalformed)
	case len(s.Rates) == 0 && len(s.People) == 0:
		return fmt.Errorf("%w: no budget", ErrMalformed)
	case len(s.Persons) > 0 && len(s.People) == 0:
		return fmt.Errorf("%w: persons without a budget", ErrMalformed)
	}
	for i, r := range s.Rates {
		if r.Key == "" || r.Limit <= 0 || r.Per <= 0 || r.Burst <= 0 || r.Per > math.MaxInt64-time.Duration(r.Limit)-time.Microsecond ||
			int64(r.Burst) > int64(maxBurst/r.Interval()) {
			return fmt.Errorf("%w: rate %d", ErrMalformed, i+1)
		}
		for _, other := range s.Rates[:i] {
			if other.Key == r.Key {
				return fmt.Errorf("%w: rate %d stands twice", ErrMalformed, i+1)
			}
		}
	}
	for i, p := range s.People {
		if p.Key == "" || p.Limit <= 0 || p.Window == "" || !p.Until.After(s.Now) {
			return fmt.Errorf("%w: person budget %d", ErrMalformed, i+1)
		}
		for _, other := range s.People[:i] {
			if other.Key == p.Key && other.Window == p.Window {
				return fmt.Errorf("%w: person budget %d stands twice", ErrMalformed, i+1)
			}
		}
	}
	for i, p := range s.Persons {
		if p == "" {
			return fmt.Errorf("%w: person %d is empty", ErrMalformed, i+1)
		}
	}
	return nil
}

// Unlimited is what Remaining says of a kind of budget that was not asked about.
const Unlimited = -1

// Remaining is what the tightest budget of each kind has left after the
// spending, of the caller's own budgets; Unlimited where none of the kind was
// named.
type Remaining struct {
	Requests int
	Persons  int
}

// Verdict says whether a Spend was spent. Its zero value denies.
type Verdict struct {
	OK         bool
	Reason     access.Reason // RateExceeded or PersonsExceeded; "" only when OK
	RetryAfter time.Duration // above 0 when refused: the earliest time the same spending may succeed
	Budget     string        // Key of the budget that refused
	Remaining  Remaining     // when OK
}

// Store keeps what was spent.
//
// Implementations MUST
//   - spend all or nothing: when any budget refuses, no budget is changed;
//   - be atomic: concurrent spendings, in however many processes share the
//     store, have the effect of some order of them, one after another;
//   - count a person once per (Key, Window), and let one already counted pass
//     whatever is left, even when the budget is used up;
//   - refuse by the first budget that refuses, Rates before People, in order;
//   - take Now to the microsecond, and Rate.Interval as the cost of a request;
//   - name as RetryAfter of a rate the time until one request conforms, and of
//     People the time from Now until Until;
//   - return an error wrapping ErrMalformed for a Spend that does not Validate;
//   - return the zero Verdict with every error, and an error whenever they
//     can't tell: callers then refuse with QuotaUnavailable;
//   - put neither persons nor other callers' use into errors and verdicts;
//   - be safe for concurrent use, and return by the end of ctx.
//
// An error may leave the spending spent or not. The suite in package quotatest
// checks these.
type Store interface {
	Spend(ctx context.Context, s Spend) (Verdict, error)
}
