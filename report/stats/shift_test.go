package stats_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cidbench/cidbench/report/stats"
)

func drawn(draw func() float64, batches, each int) (all [][]float64) {
	for range batches {
		batch := make([]float64, each)
		for i := range batch {
			batch[i] = draw()
		}
		all = append(all, batch)
	}
	return all
}

// The scores are those of the definition: of every parting, the rank sum by counting pairs.
func TestShiftsByDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	for round := range 20 {
		batches := drawn(func() float64 { return math.Round(8 * random.NormFloat64()) }, 12, 1+round%4) // with ties
		batches[5] = nil                                                                                // a night without the series
		_, scores := stats.Shifts(batches, math.Inf(1))
		for last := range batches {
			want := 0.0
			for from := 1; from <= last; from++ {
				before, after := slices.Concat(batches[:from]...), slices.Concat(batches[from:last+1]...)
				sum, n, m := 0.0, float64(len(before)), float64(len(after))
				for _, x := range before {
					for _, y := range after {
						if y > x {
							sum++
						} else if y < x {
							sum--
						}
					}
				}
				if score := sum / math.Sqrt(n*m*(n+m+1)/3); n*m > 0 && math.Abs(score) > math.Abs(want) {
					want = score
				}
			}
			if math.Abs(scores[last]-want) > 1e-9 {
				t.Fatalf("round %d, batch %d: score %v, want %v", round, last, scores[last], want)
			}
		}
	}
}

// A clear shift is found where it is, up or down, and a second one after it.
func TestShiftsAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 0))
	batches := drawn(random.NormFloat64, 45, 3)
	for i := 15; i < 45; i++ {
		for j := range batches[i] {
			batches[i][j] += 5
			if i >= 30 {
				batches[i][j] -= 9
			}
		}
	}
	found, scores := stats.Shifts(batches, 4)
	if len(found) != 2 || found[0].From != 15 || found[1].From != 30 || found[0].Score < 4 || found[1].Score > -4 {
		t.Fatalf("found %+v", found)
	}
	for _, shift := range found {
		if shift.At <= shift.From || shift.At > shift.From+4 || scores[shift.At] != shift.Score {
			t.Errorf("%+v was found late, or with another score than %v", shift, scores[shift.At])
		}
	}
}

// Undisturbed batches exceed the limit about as often as they may where batches are large, and less often where they
// are small, whatever their values are drawn from.
func TestShiftLimit(t *testing.T) {
	const batches, alpha, rounds = 60, 0.05, 400
	limit, err := stats.ShiftLimit(batches, alpha)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 0))
	laws := map[string]func() float64{"normal": random.NormFloat64, "exponential": random.ExpFloat64, "Cauchy": func() float64 { return math.Tan(math.Pi * (random.Float64() - 0.5)) }}
	for name, draw := range laws {
		for _, each := range []int{1, 3, 12} {
			t.Run(fmt.Sprintf("%s, %d a batch", name, each), func(t *testing.T) {
				alarms := 0
				for range rounds {
					if found, _ := stats.Shifts(drawn(draw, batches, each), limit); len(found) > 0 {
						alarms++
					}
				}
				rate := float64(alarms) / rounds
				t.Logf("limit %.3f: %.4f", limit, rate)
				if high := alpha + 3*math.Sqrt(alpha*(1-alpha)/rounds); rate > high || each == 12 && rate < alpha/4 {
					t.Errorf("%.4f of undisturbed rows exceed the limit of %g", rate, alpha)
				}
			})
		}
	}
	again, _ := stats.ShiftLimit(batches, alpha)
	if stricter, err := stats.ShiftLimit(batches, alpha/10); err != nil || stricter <= limit || again != limit {
		t.Errorf("limits %v and %v at a tenth of alpha (%v), and again %v", limit, stricter, err, again)
	}
}

func TestShiftLimitRefuses(t *testing.T) {
	for _, tc := range []struct {
		batches int
		alpha   float64
	}{{1, 0.05}, {60, 0}, {60, 0.5}, {60, math.NaN()}} {
		if limit, err := stats.ShiftLimit(tc.batches, tc.alpha); !errors.Is(err, stats.ErrRange) {
			t.Errorf("%v: %v, %v", tc, limit, err)
		}
	}
}
