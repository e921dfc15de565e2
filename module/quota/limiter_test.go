package quota_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata" // for Santiago, wherever the test runs

	"hukougate/module/access"
	"hukougate/module/quota"
)

// recorder keeps the last Spend and answers as told.
type recorder struct {
	got quota.Spend
	v   quota.Verdict
	err error
}

func (r *recorder) Spend(_ context.Context, s quota.Spend) (quota.Verdict, error) {
	r.got = s
	return r.v, r.err
}

var shanghai = time.FixedZone("UTC+8", 8*3600)

func limits() quota.Limits {
	return quota.Limits{RequestsPerMinute: 60, Burst: 10, PersonsPerDay: 200, Zone: shanghai}
}

func TestLimiterBuildsBudgets(t *testing.T) {
	now := time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC) // half past midnight of the 24th in China
	until := time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)
	r := &recorder{v: quota.Verdict{OK: true}}
	l := quota.NewLimiter(r, func() time.Time { return now })
	names := []string{"p1_a", "p1_b"}
	check := func(what string, rates []quota.Rate, people []quota.People) {
		t.Helper()
		for i := range r.got.People {
			if !r.got.People[i].Until.Equal(until) {
				t.Errorf("%s: until %v", what, r.got.People[i].Until)
			}
			r.got.People[i].Until = time.Time{}
		}
		if want := (quota.Spend{Rates: rates, People: people, Persons: names, Now: now}); !reflect.DeepEqual(r.got, want) {
			t.Errorf("%s: %+v\nwant %+v", what, r.got, want)
		}
	}
	callerRate := quota.Rate{Key: "caller:bank", Limit: 60, Per: time.Minute, Burst: 10}
	callerPeople := quota.People{Key: "caller:bank", Limit: 200, Window: "2026-11-24"}
	do := func(f func(context.Context, string, quota.Limits, []string) (quota.Verdict, error), lim quota.Limits) {
		t.Helper()
		if v, err := f(context.Background(), "bank", lim, names); err != nil || !v.OK {
			t.Fatal(v, err)
		}
	}
	do(l.Charge, limits())
	check("Charge", []quota.Rate{callerRate}, []quota.People{callerPeople})
	do(l.Admit, limits())
	check("Admit", nil, []quota.People{callerPeople})

	granted := limits()
	granted.Grant, granted.GrantBudget = "APP-1", access.GrantBudget{RequestsPerMinute: 5, PersonsPerDay: 20}
	grantPeople := quota.People{Key: "grant:bank:APP-1", Limit: 20, Window: "2026-11-24"}
	do(l.Charge, granted)
	check("Charge under a grant", []quota.Rate{callerRate, {Key: "grant:bank:APP-1", Limit: 5, Per: time.Minute, Burst: 5}}, []quota.People{callerPeople, grantPeople})
	do(l.Admit, granted)
	check("Admit under a grant", nil, []quota.People{callerPeople, grantPeople})
	granted.GrantBudget = access.GrantBudget{}
	do(l.Charge, granted)
	check("grant without budget", []quota.Rate{callerRate}, []quota.People{callerPeople})
}

func TestLimiterRefusesMissingLimits(t *testing.T) {
	r := &recorder{v: quota.Verdict{OK: true}}
	change := func(f func(*quota.Limits)) quota.Limits { l := limits(); f(&l); return l }
	for name, c := range map[string]struct {
		caller string
		lim    quota.Limits
	}{
		"zero":                    {"bank", quota.Limits{}},
		"no caller":               {"", limits()},
		"no requests":             {"bank", change(func(l *quota.Limits) { l.RequestsPerMinute = 0 })},
		"no burst":                {"bank", change(func(l *quota.Limits) { l.Burst = 0 })},
		"no persons":              {"bank", change(func(l *quota.Limits) { l.PersonsPerDay = 0 })},
		"negative":                {"bank", change(func(l *quota.Limits) { l.PersonsPerDay = -1 })},
		"no zone":                 {"bank", change(func(l *quota.Limits) { l.Zone = nil })},
		"negative grant requests": {"bank", change(func(l *quota.Limits) { l.Grant, l.GrantBudget.RequestsPerMinute = "A", -1 })},
		"negative grant persons":  {"bank", change(func(l *quota.Limits) { l.Grant, l.GrantBudget.PersonsPerDay = "A", -1 })},
		"budget without grant":    {"bank", change(func(l *quota.Limits) { l.GrantBudget.PersonsPerDay = 1 })},
	} {
		l := quota.NewLimiter(r, nil)
		for _, f := range []func(context.Context, string, quota.Limits, []string) (quota.Verdict, error){l.Charge, l.Admit} {
			if v, err := f(context.Background(), c.caller, c.lim, nil); !errors.Is(err, quota.ErrMalformed) || v != (quota.Verdict{}) {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
	}
	if v, err := (&quota.Limiter{}).Charge(context.Background(), "bank", limits(), nil); err == nil || v.OK {
		t.Errorf("the zero limiter: %+v, %v", v, err)
	}
	r.err = quota.ErrFull
	if v, err := quota.NewLimiter(r, nil).Charge(context.Background(), "bank", limits(), nil); !errors.Is(err, quota.ErrFull) || v != (quota.Verdict{}) {
		t.Errorf("a failing store: %+v, %v", v, err)
	}
}

// TestQuotaH5H6 walks one caller through a day: the same person by request and
// by answer counts once, retries cost no person, a burst of batches can't pass
// the limit, and midnight in the zone begins a new count.
func TestQuotaH5H6(t *testing.T) {
	c := &clock{time.Date(2026, 11, 23, 15, 59, 0, 0, time.UTC)} // 23:59 in China
	l := quota.NewLimiter(quota.NewMemory(0, c.now), c.now)
	lim := quota.Limits{RequestsPerMinute: 600, Burst: 100, PersonsPerDay: 3, Zone: shanghai}
	ctx := context.Background()
	step := func(name string, v quota.Verdict, err error, left int) {
		t.Helper()
		if err != nil || !v.OK || v.Remaining.Persons != left {
			t.Errorf("%s: %+v, %v; want %d left", name, v, err, left)
		}
	}
	v, err := l.Charge(ctx, "bank", lim, []string{"a"})
	step("request names a", v, err, 2)
	v, err = l.Admit(ctx, "bank", lim, []string{"a", "b"})
	step("answer holds a and b", v, err, 1)
	v, err = l.Charge(ctx, "bank", lim, []string{"a"})
	step("retry", v, err, 1)
	v, err = l.Admit(ctx, "bank", lim, []string{"c", "d"})
	if err != nil || v.Reason != access.PersonsExceeded || v.RetryAfter != time.Minute {
		t.Errorf("two for one place: %+v, %v", v, err)
	}
	v, err = l.Admit(ctx, "bank", lim, []string{"c"})
	step("one for one place", v, err, 0)
	v, err = l.Charge(ctx, "clerk", lim, []string{"x"})
	step("another caller", v, err, 2)
	c.at = c.at.Add(time.Minute)
	v, err = l.Charge(ctx, "bank", lim, []string{"d"})
	step("after midnight", v, err, 2)
}

func TestGrantsAreCountedApart(t *testing.T) {
	c := &clock{noon}
	l := quota.NewLimiter(quota.NewMemory(0, c.now), c.now)
	narrow, wide := limits(), limits()
	narrow.Grant, narrow.GrantBudget = "APP-1", access.GrantBudget{RequestsPerMinute: 1, PersonsPerDay: 1}
	wide.Grant = "APP-2"
	ctx := context.Background()
	for _, s := range []struct {
		lim    quota.Limits
		person string
		want   access.Reason
		budget string
	}{
		{narrow, "a", "", ""},
		{narrow, "a", access.RateExceeded, "grant:bank:APP-1"},
		{wide, "b", "", ""},
		{wide, "c", "", ""},
	} {
		v, err := l.Charge(ctx, "bank", s.lim, []string{s.person})
		if err != nil || v.Reason != s.want || v.Budget != s.budget {
			t.Errorf("%s %s: %+v, %v", s.lim.Grant, s.person, v, err)
		}
	}
	if v, err := l.Admit(ctx, "bank", narrow, []string{"b"}); err != nil || v.Budget != "grant:bank:APP-1" || v.Reason != access.PersonsExceeded {
		t.Errorf("narrow grant, second person: %+v, %v", v, err)
	}
}

// TestDayWhereMidnightIsSkipped: in Santiago clocks went from 24:00 to 01:00.
func TestDayWhereMidnightIsSkipped(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{v: quota.Verdict{OK: true}}
	lim := limits()
	lim.Zone = zone
	now := time.Date(2024, 9, 7, 23, 30, 0, 0, zone)
	if _, err := quota.NewLimiter(r, func() time.Time { return now }).Charge(context.Background(), "bank", lim, nil); err != nil {
		t.Fatal(err)
	}
	p := r.got.People[0]
	if p.Window != "2024-09-07" || p.Until.Sub(now) != 30*time.Minute {
		t.Errorf("%+v", p)
	}
}

// TestSearchWhenNobodyMoreMayBeSeen: with the persons used up, a request that
// names nobody is refused before anything could be found; one that names a
// person already counted is not.
func TestSearchWhenNobodyMoreMayBeSeen(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	l := quota.NewLimiter(quota.NewMemory(0, func() time.Time { return now }), func() time.Time { return now })
	lim := limits()
	lim.PersonsPerDay = 1
	ctx := context.Background()
	if v, err := l.Charge(ctx, "a", lim, nil); err != nil || !v.OK {
		t.Fatalf("a search with one person left: %+v, %v", v, err)
	}
	if v, err := l.Charge(ctx, "a", lim, []string{"p1_a"}); err != nil || !v.OK {
		t.Fatalf("the one person: %+v, %v", v, err)
	}
	v, err := l.Charge(ctx, "a", lim, nil)
	if err != nil || v.OK || v.Reason != access.PersonsExceeded || v.RetryAfter != 12*time.Hour || v.Budget == "" {
		t.Errorf("a search with nobody left: %+v, %v", v, err)
	}
	if v, err := l.Charge(ctx, "a", lim, []string{"p1_a"}); err != nil || !v.OK {
		t.Errorf("the same person again: %+v, %v", v, err)
	}
	if v, err := l.Admit(ctx, "a", lim, []string{"p1_a"}); err != nil || !v.OK {
		t.Errorf("the same person in an answer: %+v, %v", v, err)
	}
}
