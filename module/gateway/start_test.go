package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestEarlyRequestsWaitForStart: until it is done, their client is gone, or it
// takes too long; afterwards nobody waits.
func TestEarlyRequestsWaitForStart(t *testing.T) {
	for name, tt := range map[string]struct {
		started, gone, want time.Duration
	}{
		"started soon":    {time.Second, time.Hour, time.Second},
		"the client left": {time.Hour, 2 * time.Second, 2 * time.Second},
		"never started":   {time.Hour, time.Hour, startGrace},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &App{started: make(chan struct{})}
			ctx, cancel := context.WithTimeout(t.Context(), tt.gone)
			defer cancel()
			timer := time.AfterFunc(tt.started, func() { close(a.started) })
			defer timer.Stop()
			begin := time.Now()
			a.awaitStart(ctx)
			if waited := time.Since(begin); waited != tt.want {
				t.Errorf("%s: waited %v, want %v", name, waited, tt.want)
			}
		})
	}
	a := &App{started: make(chan struct{})}
	close(a.started)
	gone, leave := context.WithCancel(t.Context())
	leave()
	a.awaitStart(gone)
	a.awaitStart(t.Context())
}
