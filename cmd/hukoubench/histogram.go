package main

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

const (
	histogramBits = 7  // 128 buckets for each power of two: an error below 1 %
	histogramTop  = 40 // durations from 2^40 ns (18 minutes) on share the last bucket
	histogramSize = (histogramTop - histogramBits + 1) << histogramBits
)

// histogram counts durations in buckets that widen with the duration, as
// HdrHistogram does. The zero value is empty. It is used by one goroutine.
type histogram struct {
	counts [histogramSize]uint64
	total  uint64
}

func bucketOf(d time.Duration) int {
	v := uint64(max(0, d))
	if v >= 1<<histogramTop {
		return histogramSize - 1
	}
	shift := max(0, bits.Len64(v)-histogramBits-1)
	return shift<<histogramBits + int(v>>shift)
}

// bucketEnd is the longest duration of a bucket.
func bucketEnd(i int) time.Duration {
	shift := max(0, i>>histogramBits-1)
	first := uint64(i-shift<<histogramBits) << shift
	return time.Duration(first + 1<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile returns the least duration that the share q (0 to 1) of all
// durations does not exceed, to within a bucket; 0 when there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := max(1, uint64(math.Ceil(q*float64(h.total))))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return bucketEnd(i)
		}
	}
	return 0
}

// median of at least one number; of an even count, the mean of the middle two.
func median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// ratio is one figure measured against another in the same run.
type ratio struct {
	medians  float64 // median of one over median of the other
	low      float64 // the extremes of what the rounds gave, each for itself
	high     float64
	measured bool
}

// ratioOf compares rounds, of which there are equally many on both sides. A
// side with a round of 0 gives no ratio.
func ratioOf(of, to []float64) ratio {
	if len(of) == 0 || len(of) != len(to) || slices.Min(to) <= 0 {
		return ratio{}
	}
	r := ratio{medians: median(of) / median(to), low: math.Inf(1), measured: true}
	for i := range of {
		each := of[i] / to[i]
		r.low, r.high = min(r.low, each), max(r.high, each)
	}
	return r
}
