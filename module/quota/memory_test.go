package quota_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hukougate/module/access"
	"hukougate/module/quota"
	"hukougate/module/quota/quotatest"
)

func TestMemory(t *testing.T) {
	quotatest.Run(t, func(*testing.T) quota.Store { return quota.NewMemory(0, nil) })
}

func TestMemoryShared(t *testing.T) {
	shared := quota.NewMemory(0, nil)
	quotatest.Run(t, func(*testing.T) quota.Store { return shared })
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is a clock tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func spend(t *testing.T, s quota.Store, what quota.Spend) (quota.Verdict, error) {
	t.Helper()
	return s.Spend(context.Background(), what)
}

func persons(now time.Time, window string, names ...string) quota.Spend {
	return quota.Spend{Now: now, Persons: names, People: []quota.People{{Key: "caller:bank", Limit: 1000, Window: window, Until: now.Add(time.Hour)}}}
}

func TestMemoryFullFailsClosedAndRecovers(t *testing.T) {
	c := &clock{noon}
	m := quota.NewMemory(4, c.now) // one window and three persons
	if v, err := spend(t, m, persons(noon, "w1", "a", "b", "c")); err != nil || !v.OK {
		t.Fatal(v, err)
	}
	for _, s := range []quota.Spend{
		persons(noon, "w1", "d"),
		persons(noon, "w2", "a"),
		{Now: noon, Rates: []quota.Rate{{Key: "r", Limit: 1, Per: time.Second, Burst: 1}}},
	} {
		if v, err := spend(t, m, s); !errors.Is(err, quota.ErrFull) || v != (quota.Verdict{}) {
			t.Errorf("full: %+v, %v", v, err)
		}
	}
	if v, err := spend(t, m, persons(noon, "w1", "a", "c")); err != nil || !v.OK {
		t.Errorf("those already counted: %+v, %v", v, err)
	}
	c.at = noon.Add(2 * time.Hour)
	if v, err := spend(t, m, persons(c.at, "w2", "x", "y", "z")); err != nil || !v.OK {
		t.Errorf("after the window ended: %+v, %v", v, err)
	}
}

func TestMemoryDropsWhatEnded(t *testing.T) {
	c := &clock{noon}
	m := quota.NewMemory(2*(1+50+1), c.now) // two hours' worth
	for hour := range 200 {
		now := noon.Add(time.Duration(hour) * 2 * time.Hour)
		c.at = now
		s := persons(now, fmt.Sprint(hour))
		for i := range 50 {
			s.Persons = append(s.Persons, fmt.Sprintf("%d/%d", hour, i))
		}
		s.Rates = []quota.Rate{{Key: fmt.Sprint("caller", hour), Limit: 60, Per: time.Minute, Burst: 5}}
		if v, err := spend(t, m, s); err != nil || !v.OK {
			t.Fatalf("hour %d: %+v, %v", hour, v, err)
		}
	}
}

func TestMemoryNeverCountsADroppedWindowAnew(t *testing.T) {
	c := &clock{noon}
	m := quota.NewMemory(0, c.now)
	s := persons(noon, "w", "a")
	s.People[0].Limit = 1
	if v, err := spend(t, m, s); err != nil || !v.OK {
		t.Fatal(v, err)
	}
	s.Persons = []string{"b"}
	for _, after := range []time.Duration{0, time.Hour, time.Hour + 59*time.Second} {
		c.at = noon.Add(after)
		if v, err := spend(t, m, s); err != nil || v.Reason != access.PersonsExceeded {
			t.Errorf("after %v: %+v, %v", after, v, err)
		}
	}
	for _, after := range []time.Duration{time.Hour + time.Minute, 48 * time.Hour} {
		c.at = noon.Add(after)
		if v, err := spend(t, m, s); err == nil || v.OK {
			t.Errorf("after %v: %+v, %v", after, v, err)
		}
	}
}

func BenchmarkMemory(b *testing.B) {
	m := quota.NewMemory(0, nil)
	now := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			s := persons(now, "w", fmt.Sprint("person ", i%900))
			s.Rates = []quota.Rate{{Key: "caller:bank", Limit: 1 << 20, Per: time.Second, Burst: 1 << 20}}
			if _, err := m.Spend(context.Background(), s); err != nil {
				b.Error(err)
			}
		}
	})
}
