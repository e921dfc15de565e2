package quotatest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hukougate/module/quota"
)

// storeFunc is a store with one fault.
type storeFunc func(ctx context.Context, s quota.Spend) (quota.Verdict, error)

func (f storeFunc) Spend(ctx context.Context, s quota.Spend) (quota.Verdict, error) { return f(ctx, s) }

// faults are wrong stores, each with a check that must find it wrong.
var faults = []struct {
	name, found string
	store       func() quota.Store
}{
	{"allows all", "persons: the next after the limit is refused", func() quota.Store {
		return storeFunc(func(context.Context, quota.Spend) (quota.Verdict, error) { return quota.Verdict{OK: true}, nil })
	}},
	{"zero verdict", "rate: burst, refusal and recovery", func() quota.Store {
		return storeFunc(func(context.Context, quota.Spend) (quota.Verdict, error) { return quota.Verdict{}, nil })
	}},
	{"takes malformed", "malformed is an error and spends nothing", func() quota.Store {
		m := quota.NewMemory(0, nil)
		return storeFunc(func(ctx context.Context, s quota.Spend) (quota.Verdict, error) {
			if s.Validate() != nil {
				return quota.Verdict{OK: true}, nil
			}
			return m.Spend(ctx, s)
		})
	}},
	{"verdict beside error", "malformed is an error and spends nothing", func() quota.Store {
		m := quota.NewMemory(0, nil)
		return storeFunc(func(ctx context.Context, s quota.Spend) (quota.Verdict, error) {
			v, err := m.Spend(ctx, s)
			v.OK = v.OK || err != nil
			return v, err
		})
	}},
	{"ignores the context", "a cancelled context is an error", func() quota.Store {
		m := quota.NewMemory(0, nil)
		return storeFunc(func(_ context.Context, s quota.Spend) (quota.Verdict, error) { return m.Spend(context.Background(), s) })
	}},
	{"names persons", "an error names no person", func() quota.Store {
		return storeFunc(func(_ context.Context, s quota.Spend) (quota.Verdict, error) {
			return quota.Verdict{}, errors.New("refused " + strings.Join(s.Persons, " "))
		})
	}},
	{"ignores the window", "persons: a new window counts anew", altered(func(s *quota.Spend) {
		for i := range s.People {
			s.People[i].Window = "always"
		}
	})},
	{"joins key and window", "keys are kept apart", altered(func(s *quota.Spend) {
		for i := range s.People {
			s.People[i].Key, s.People[i].Window = s.People[i].Key+s.People[i].Window, "w"
		}
	})},
	{"one too many", "concurrent: distinct persons", altered(func(s *quota.Spend) {
		for i := range s.People {
			s.People[i].Limit++
		}
	})},
	{"trims persons", "persons: names are not mixed up", altered(func(s *quota.Spend) {
		for i := range s.Persons {
			s.Persons[i] = strings.TrimSpace(s.Persons[i])
		}
	})},
	{"twice the limit", "rate: the long run", altered(func(s *quota.Spend) {
		for i := range s.Rates {
			s.Rates[i].Limit *= 2
		}
	})},
	{"rounds down", "rate: rounding never raises the limit", altered(func(s *quota.Spend) {
		for i, r := range s.Rates {
			s.Rates[i].Per = r.Per.Truncate(7 * time.Microsecond)
		}
	})},
	{"one budget after another", "all or nothing: persons refuse", piecemeal},
	{"one budget after another", "all or nothing: a later rate refuses", piecemeal},
	{"one budget after another", "concurrent: all or nothing", piecemeal},
	{"looks, then acts", "concurrent: distinct persons", racing},
	{"looks, then acts", "concurrent: requests", racing},
}

// altered is a memory store that gets something else than was said.
func altered(change func(*quota.Spend)) func() quota.Store {
	return func() quota.Store {
		m := quota.NewMemory(0, nil)
		return storeFunc(func(ctx context.Context, s quota.Spend) (quota.Verdict, error) {
			s.Rates, s.People, s.Persons = slices.Clone(s.Rates), slices.Clone(s.People), slices.Clone(s.Persons)
			change(&s)
			return m.Spend(ctx, s)
		})
	}
}

// piecemeal spends each budget by itself and gives nothing back.
func piecemeal() quota.Store {
	m := quota.NewMemory(0, nil)
	return storeFunc(func(ctx context.Context, s quota.Spend) (v quota.Verdict, err error) {
		for _, r := range s.Rates {
			if v, err = m.Spend(ctx, quota.Spend{Now: s.Now, Rates: []quota.Rate{r}}); err != nil || !v.OK {
				return v, err
			}
		}
		for _, p := range s.People {
			if v, err = m.Spend(ctx, quota.Spend{Now: s.Now, People: []quota.People{p}, Persons: s.Persons}); err != nil || !v.OK {
				return v, err
			}
		}
		return v, err
	})
}

// racing decides for the whole crowd before anything is counted: what two trips
// to a store do when they are timed badly.
func racing() quota.Store {
	var looked sync.WaitGroup
	looked.Add(crowd)
	return storeFunc(func(context.Context, quota.Spend) (quota.Verdict, error) {
		looked.Done() // nothing is counted yet: every look says yes
		looked.Wait()
		return quota.Verdict{OK: true}, nil
	})
}

func TestChecksFindFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name+"/"+f.found, func(t *testing.T) {
			i := slices.IndexFunc(checks, func(c check) bool { return c.name == f.found })
			if i < 0 {
				t.Fatal("no such check")
			}
			if err := checks[i].run(newBench(t.Context(), f.store())); err == nil {
				t.Error("the check found nothing wrong")
			}
		})
	}
}
