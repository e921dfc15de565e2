package quota

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hukougate/module/access"
)

// DefaultCapacity is how many entries (rates, windows and persons together) a
// Memory store holds unless another number is configured: about 150 MB.
const DefaultCapacity = 1 << 20

const (
	// sweepEvery is the least time between two searches for what has ended.
	sweepEvery = time.Second
	// grace keeps a window beyond its end, for spendings under way. One that
	// comes later still finds its window dropped, and is an error.
	grace = time.Minute
)

// Memory is a Store for one process, with exact sets of persons. What has ended
// is dropped; when nothing is left to drop and no room either, Spend returns
// ErrFull.
type Memory struct {
	capacity int
	now      func() time.Time

	mu      sync.Mutex
	arrival map[string]time.Time // theoretical arrival times, by Rate.Key
	windows map[windowName]*window
	entries int // len(arrival) + len(windows) + all their persons
	swept   time.Time
}

type windowName struct{ key, window string }

type window struct {
	until   time.Time
	persons map[string]struct{}
}

// NewMemory makes an empty store of a capacity in entries (0: DefaultCapacity;
// below 0 nothing fits). now is the clock by which windows are dropped, nil:
// time.Now.
func NewMemory(capacity int, now func() time.Time) *Memory {
	if capacity == 0 {
		capacity = DefaultCapacity
	}
	if now == nil {
		now = time.Now
	}
	return &Memory{capacity: capacity, now: now, arrival: map[string]time.Time{}, windows: map[windowName]*window{}}
}

// Spend implements Store.
func (m *Memory) Spend(ctx context.Context, s Spend) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, fmt.Errorf("quota: %w", err)
	}
	if err := s.Validate(); err != nil {
		return Verdict{}, err
	}
	s.Now = s.Now.Truncate(time.Microsecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.sweep(now)
	for i, p := range s.People {
		if ended(p.Until, now) {
			// Its window may have been dropped: counting anew would forget it.
			return Verdict{}, fmt.Errorf("%w: window of person budget %d ended", ErrMalformed, i+1)
		}
	}
	// First decide on all budgets, changing none; then change all.
	left := Remaining{Requests: Unlimited, Persons: Unlimited}
	arrival := make([]time.Time, len(s.Rates))
	for i, r := range s.Rates {
		next, remaining, wait := m.conform(r, s.Now)
		if wait > 0 {
			return Verdict{Reason: access.RateExceeded, RetryAfter: wait, Budget: r.Key}, nil
		}
		arrival[i] = next
		left.Requests = tighter(left.Requests, remaining)
	}
	fresh := make([][]string, len(s.People))
	for i, p := range s.People {
		counted := m.windows[windowName{p.Key, p.Window}].size()
		fresh[i] = m.uncounted(p, s.Persons)
		if len(fresh[i]) > 0 && len(fresh[i]) > p.Limit-counted {
			return Verdict{Reason: access.PersonsExceeded, RetryAfter: p.Until.Sub(s.Now), Budget: p.Key}, nil
		}
		left.Persons = tighter(left.Persons, max(0, p.Limit-counted-len(fresh[i])))
	}
	if m.entries+m.growth(s, fresh) > m.capacity {
		return Verdict{}, ErrFull
	}
	m.commit(s, arrival, fresh)
	return Verdict{OK: true, Remaining: left}, nil
}

func tighter(a, b int) int {
	if a == Unlimited {
		return b
	}
	return min(a, b)
}

// conform applies the virtual scheduling form of the algorithm: the theoretical
// arrival time after this request, how many more would conform at once, and, when
// this one does not, how long until it does.
func (m *Memory) conform(r Rate, now time.Time) (next time.Time, remaining int, wait time.Duration) {
	interval := r.Interval()
	next = now
	if tat, ok := m.arrival[r.Key]; ok && tat.After(now) {
		next = tat
	}
	next = next.Add(interval)
	room := interval*time.Duration(r.Burst) - next.Sub(now)
	if room < 0 {
		return time.Time{}, 0, -room
	}
	return next, int(room / interval), 0
}

func (w *window) size() int {
	if w == nil {
		return 0
	}
	return len(w.persons)
}

// uncounted gives the distinct persons the window has not counted.
func (m *Memory) uncounted(p People, persons []string) []string {
	w := m.windows[windowName{p.Key, p.Window}]
	var fresh []string
	seen := make(map[string]struct{}, len(persons))
	for _, person := range persons {
		if w != nil {
			if _, ok := w.persons[person]; ok {
				continue
			}
		}
		if _, ok := seen[person]; !ok {
			seen[person] = struct{}{}
			fresh = append(fresh, person)
		}
	}
	return fresh
}

// growth tells how many entries a spending adds.
func (m *Memory) growth(s Spend, fresh [][]string) int {
	n := 0
	for _, r := range s.Rates {
		if _, ok := m.arrival[r.Key]; !ok {
			n++
		}
	}
	for i, p := range s.People {
		n += len(fresh[i])
		if len(fresh[i]) > 0 && m.windows[windowName{p.Key, p.Window}] == nil {
			n++
		}
	}
	return n
}

func (m *Memory) commit(s Spend, arrival []time.Time, fresh [][]string) {
	m.entries += m.growth(s, fresh)
	for i, r := range s.Rates {
		m.arrival[r.Key] = arrival[i]
	}
	for i, p := range s.People {
		name := windowName{p.Key, p.Window}
		w := m.windows[name]
		if w == nil && len(fresh[i]) > 0 {
			w = &window{persons: make(map[string]struct{}, len(fresh[i]))}
			m.windows[name] = w
		}
		if w != nil && p.Until.After(w.until) {
			w.until = p.Until
		}
		for _, person := range fresh[i] {
			// A copy: a substring would keep the whole answer in memory.
			w.persons[strings.Clone(person)] = struct{}{}
		}
	}
}

func ended(until, now time.Time) bool { return !until.Add(grace).After(now) }

// sweep drops what has ended by now. Iteration order can't be seen.
func (m *Memory) sweep(now time.Time) {
	if d := now.Sub(m.swept); d >= 0 && d < sweepEvery {
		return
	}
	m.swept = now
	for key, tat := range m.arrival {
		// grace, because the next spending's Now may lie before this clock's.
		if ended(tat, now) {
			delete(m.arrival, key)
			m.entries--
		}
	}
	for name, w := range m.windows {
		if ended(w.until, now) {
			m.entries -= 1 + len(w.persons)
			delete(m.windows, name)
		}
	}
}

var _ Store = (*Memory)(nil)
