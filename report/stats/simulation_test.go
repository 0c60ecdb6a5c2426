package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

const level = 0.05

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2010_06682)) }

// monteCarlo is the share of draws for which event holds.
func monteCarlo(draws int, event func() bool) float64 {
	hits := 0
	for range draws {
		if event() {
			hits++
		}
	}
	return float64(hits) / float64(draws)
}

// slack is 3.5 standard errors of a rate near p: with fixed seeds a test passes or
// fails for good, and about one correct rate in four thousand would fail upwards.
func slack(p float64, draws int) float64 { return 3.5 * math.Sqrt(p*(1-p)/float64(draws)) }

// arms draws n paired seeds whose difference has the given mean and deviation,
// on top of a seed effect that both arms share.
func arms(r *rand.Rand, n int, mean, sd float64) (a, b []float64) {
	for range n {
		shared := 60 + 2*r.NormFloat64()
		a = append(a, shared+mean+sd*r.NormFloat64())
		b = append(b, shared)
	}
	return a, b
}

func TestIntervalCovers(t *testing.T) {
	const draws = 4_000
	for _, n := range []int{3, 5, 10} {
		r := rng(uint64(n))
		got := monteCarlo(draws, func() bool {
			a, b := arms(r, n, 0.7, 0.4)
			d, err := PairedT(a, b, 0.9)
			return err == nil && d.Interval.Low < 0.7 && 0.7 < d.Interval.High
		})
		if math.Abs(got-0.9) > slack(0.9, draws) {
			t.Errorf("n %d: the 90%% interval covers %.4f", n, got)
		}
	}
}

// kept is how much of the level a test spends that is held against the skewness of three normal values or more, too.
const kept = 0.6

// Each relation is simulated where its null hypothesis is hardest to keep: on the
// margin of 1. Equivalence depends on noise against margin, the others do not.
func TestFalsePositiveRateAtTheBoundary(t *testing.T) {
	const draws = 2_000
	for _, tc := range []struct {
		rel   relation
		mean  float64
		wrong Verdict
		exact bool // the rate is near alpha, not just at most alpha
		sds   []float64
	}{
		{nonInferior, -1, Supported, true, []float64{1}},
		{nonInferior, -1, Refuted, true, []float64{1}},
		{greater, 1, Supported, true, []float64{1}},
		{greater, 1, Refuted, true, []float64{1}},
		{equivalent, 1, Supported, false, []float64{0.2, 1}},
		{equivalent, -1, Supported, false, []float64{0.2}},
		{equivalent, 1, Refuted, false, []float64{0.2, 1, 20}},
	} {
		for _, n := range []int{3, 5, 10} {
			for _, sd := range tc.sds {
				r := rng(uint64(n))
				got := monteCarlo(draws, func() bool {
					a, b := arms(r, n, tc.mean, sd)
					res, err := tc.rel.test(a, b, 1, level)
					return err != nil || res.Verdict == tc.wrong
				})
				if got > level+slack(level, draws) || tc.exact && got < kept*level-slack(level, draws) {
					t.Errorf("%s at %v, n %d, sd %v: wrongly %s in %.4f", tc.rel.name, tc.mean, n, sd, tc.wrong, got)
				}
			}
		}
	}
}

// Three to five seeds lose some 7 points of what is planned to the correction for skewness, ten some 4.
func TestSimulatedPowerGrowsAndMatchesThePlan(t *testing.T) {
	const draws, distance, sd = 2_000, 0.5, 0.5
	last := 0.0
	for _, n := range []int{2, 3, 5, 10} {
		planned, err := Power(n, sd, distance, level)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			rel  relation
			mean float64
			want Verdict
		}{{greater, 1 + distance, Supported}, {greater, 1 - distance, Refuted}, {nonInferior, -1 + distance, Supported}} {
			r := rng(uint64(n))
			got := monteCarlo(draws, func() bool {
				a, b := arms(r, n, tc.mean, sd)
				res, err := tc.rel.test(a, b, 1, level)
				return err == nil && res.Verdict == tc.want
			})
			if lost := planned - got; lost < -slack(planned, draws) || lost > 0.11+slack(planned, draws) {
				t.Errorf("%s, n %d: %s in %.4f, planned %.4f", tc.rel.name, n, tc.want, got, planned)
			}
			if got <= last {
				t.Errorf("%s, n %d: power %.4f after %.4f with fewer seeds", tc.rel.name, n, got, last)
			}
		}
		last = planned
	}
}
