package gateway

import (
	"sync"
	"time"
)

// traffic counts the requests on the path, so that Stop can wait for those that
// were there when it began and is not held up by later ones.
type traffic struct {
	mu      sync.Mutex
	current *cohort
}

// cohort is the requests that entered between two drains.
type cohort struct {
	of      *traffic
	inside  int
	drained chan struct{} // nil while no drain waits
}

// enter counts a request in. Its result's leave counts it out.
func (t *traffic) enter() *cohort {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == nil {
		t.current = &cohort{of: t}
	}
	t.current.inside++
	return t.current
}

func (c *cohort) leave() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.inside--; c.inside == 0 && c.drained != nil {
		close(c.drained)
	}
}

// drain waits until every request inside has left, at most for the time given.
func (t *traffic) drain(atMost time.Duration) {
	t.mu.Lock()
	leaving := t.current
	t.current = nil
	if leaving == nil || leaving.inside == 0 {
		t.mu.Unlock()
		return
	}
	leaving.drained = make(chan struct{})
	t.mu.Unlock()
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-leaving.drained:
	case <-timer.C:
	}
}
