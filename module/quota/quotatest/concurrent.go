package quotatest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"hukougate/module/access"
	"hukougate/module/quota"
)

// crowd is how many goroutines spend at once.
const crowd = 200

// rush spends crowd times at once and counts the verdicts by reason; "" is OK.
func (b *bench) rush(make func(i int) quota.Spend) (map[access.Reason]int, error) {
	verdicts, errs := [crowd]quota.Verdict{}, [crowd]error{}
	start := sync.WaitGroup{}
	start.Add(1)
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			s := make(i)
			start.Wait()
			verdicts[i], errs[i] = b.store.Spend(b.ctx, s)
		})
	}
	start.Done()
	all.Wait()
	counts := map[access.Reason]int{}
	for _, v := range verdicts {
		if v.OK != (v.Reason == "") {
			return nil, fmt.Errorf("half a verdict: %+v", v)
		}
		counts[v.Reason]++
	}
	return counts, errors.Join(errs[:]...)
}

func wantCounts(counts map[access.Reason]int, granted int, why access.Reason) error {
	if counts[""] != granted || counts[why] != crowd-granted {
		return fmt.Errorf("%d granted and %d %s, want %d and %d", counts[""], counts[why], why, granted, crowd-granted)
	}
	return nil
}

func concurrentPersons(b *bench) error {
	p := b.people("p", 50)
	counts, err := b.rush(func(i int) quota.Spend { return b.persons(p, fmt.Sprintf("person %d", i)) })
	if err != nil {
		return err
	}
	if err := wantCounts(counts, 50, access.PersonsExceeded); err != nil {
		return err
	}
	return b.refused(b.persons(p, "one more"), access.PersonsExceeded, "p", day)
}

func concurrentSame(b *bench) error {
	p := b.people("p", 1)
	counts, err := b.rush(func(int) quota.Spend { return b.persons(p, "a") })
	if err != nil {
		return err
	}
	return wantCounts(counts, crowd, access.PersonsExceeded)
}

func concurrentRequests(b *bench) error {
	r := b.rate("r", 70)
	counts, err := b.rush(func(int) quota.Spend { return b.requests(r) })
	if err != nil {
		return err
	}
	if err := wantCounts(counts, 70, access.RateExceeded); err != nil {
		return err
	}
	return b.refused(b.requests(r), access.RateExceeded, "r", time.Second)
}

// concurrentAtomic has persons run out before requests do: what persons refuse
// must leave the requests, however it is timed.
func concurrentAtomic(b *bench) error {
	r, p := b.rate("r", 40), b.people("p", 30)
	counts, err := b.rush(func(i int) quota.Spend {
		return quota.Spend{Now: b.now, Rates: []quota.Rate{r}, People: []quota.People{p}, Persons: []string{fmt.Sprintf("person %d", i)}}
	})
	if err != nil {
		return err
	}
	if err := wantCounts(counts, 30, access.PersonsExceeded); err != nil {
		return err
	}
	return b.ok(b.requests(r), requestsLeft(9))
}
