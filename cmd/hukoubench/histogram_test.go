package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsAreGaplessAndNarrow(t *testing.T) {
	before := time.Duration(-1)
	for i := range histogramSize {
		end := bucketEnd(i)
		if end <= before {
			t.Fatalf("bucket %d ends at %d, the one before at %d", i, end, before)
		}
		if bucketOf(before+1) != i || bucketOf(end) != i {
			t.Fatalf("bucket %d is %d to %d, but they fall into %d and %d", i, before+1, end, bucketOf(before+1), bucketOf(end))
		}
		if width := end - before; before > 0 && float64(width) > 0.01*float64(before) && width > 1 {
			t.Fatalf("bucket %d is %d wide at %d: more than 1 %%", i, width, before)
		}
		before = end
	}
	if got := bucketOf(math.MaxInt64); got != histogramSize-1 {
		t.Errorf("the longest duration falls into %d", got)
	}
	if got := bucketOf(-time.Second); got != 0 {
		t.Errorf("a clock set back falls into %d", got)
	}
}

func TestQuantilesAgreeWithSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var whole, half histogram
	var all []time.Duration
	for i := range 20_001 {
		d := time.Duration(math.Exp(random.NormFloat64()+14) * 10) // around 12 ms, with a long tail
		all = append(all, d)
		if i%2 == 0 {
			half.add(d)
		} else {
			whole.add(d)
		}
	}
	whole.merge(&half)
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
		if got := whole.quantile(q); got < want || float64(got) > 1.01*float64(want) {
			t.Errorf("quantile %v is %v, sorting says %v", q, got, want)
		}
	}
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestMedian(t *testing.T) {
	for name, tt := range map[string]struct {
		in   []float64
		want float64
	}{
		"one":  {[]float64{3}, 3},
		"odd":  {[]float64{9, 1, 5}, 5},
		"even": {[]float64{4, 1, 3, 100}, 3.5},
	} {
		given := slices.Clone(tt.in)
		if got := median(tt.in); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		if !slices.Equal(given, tt.in) {
			t.Errorf("%s: the rounds were put in another order", name)
		}
	}
}

func TestRatio(t *testing.T) {
	for name, tt := range map[string]struct {
		of, to []float64
		want   ratio
	}{
		"three rounds":     {[]float64{40, 50, 30}, []float64{100, 100, 200}, ratio{medians: 0.4, low: 0.15, high: 0.5, measured: true}},
		"one round":        {[]float64{1}, []float64{2}, ratio{medians: 0.5, low: 0.5, high: 0.5, measured: true}},
		"no round":         {nil, nil, ratio{}},
		"round missing":    {[]float64{1, 2}, []float64{2}, ratio{}},
		"nothing answered": {[]float64{1, 2}, []float64{2, 0}, ratio{}},
	} {
		if got := ratioOf(tt.of, tt.to); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
