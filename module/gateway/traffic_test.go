package gateway

import (
	"sync"
	"testing"
	"time"
)

// TestDrainWaitsForThoseInside: a drain ends when the requests that were inside
// have left, whatever comes later.
func TestDrainWaitsForThoseInside(t *testing.T) {
	var tr traffic
	tr.drain(time.Hour) // nobody was ever inside
	first, second := tr.enter(), tr.enter()
	drained := make(chan struct{})
	go func() { tr.drain(time.Hour); close(drained) }()
	for { // until the drain has begun
		late := tr.enter()
		late.leave()
		if late != first {
			break
		}
	}
	late := tr.enter() // is not waited for
	first.leave()
	select {
	case <-drained:
		t.Error("drained while one was inside")
	default:
	}
	second.leave()
	<-drained
	late.leave()
	tr.drain(time.Hour)
}

func TestDrainGivesUp(t *testing.T) {
	var tr traffic
	stuck := tr.enter()
	tr.drain(time.Millisecond)
	stuck.leave()
}

// TestTrafficUnderRace: requests come and go while drains run.
func TestTrafficUnderRace(t *testing.T) {
	var tr traffic
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				tr.enter().leave()
			}
		})
	}
	for range 200 {
		tr.drain(time.Hour)
	}
	all.Wait()
}
