package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
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

// Each relation is simulated where its null hypothesis is hardest to keep: on the
// margin of 1. Equivalence depends on noise against margin, the others do not.
func TestFalsePositiveRateAtTheBoundary(t *testing.T) {
	const draws = 2_000
	for _, tc := range []struct {
		rel   relation
		mean  float64
		wrong Verdict
		exact bool // the rate is alpha, not just at most alpha
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
				if got > level+slack(level, draws) || tc.exact && got < level-slack(level, draws) {
					t.Errorf("%s at %v, n %d, sd %v: wrongly %s in %.4f", tc.rel.name, tc.mean, n, sd, tc.wrong, got)
				}
			}
		}
	}
}

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
			if math.Abs(got-planned) > slack(planned, draws) {
				t.Errorf("%s, n %d: %s in %.4f, planned %.4f", tc.rel.name, n, tc.want, got, planned)
			}
			if got <= last {
				t.Errorf("%s, n %d: power %.4f after %.4f with fewer seeds", tc.rel.name, n, got, last)
			}
		}
		last = planned
	}
}

// family draws one Greater claim (margin 0) per mean over five seeds.
func family(r *rand.Rand, means, signs []float64, rho float64) []Evidence {
	return weighAll(differences(r, 5, means, signs, rho))
}

// differences draws n seeds of unit deviation for each mean. Claim i has correlation sign_i*sign_j*rho with
// claim j, as claims that share an arm do.
func differences(r *rand.Rand, n int, means, signs []float64, rho float64) [][]float64 {
	d := make([][]float64, len(means))
	for range n {
		shared := r.NormFloat64()
		for i, m := range means {
			d[i] = append(d[i], m+signs[i]*math.Sqrt(rho)*shared+math.Sqrt(1-rho)*r.NormFloat64())
		}
	}
	return d
}

// weighAll weighs "difference > 0" for each claim.
func weighAll(d [][]float64) []Evidence {
	evidence := make([]Evidence, len(d))
	for i := range d {
		mean, sd := stat.MeanStdDev(d[i], nil)
		n := float64(len(d[i]))
		evidence[i] = exceeds(Difference{N: len(d[i]), MeanDifference: MeanDifference{Estimate: mean, SE: sd / math.Sqrt(n)}, DF: n - 1}, 0)
	}
	return evidence
}

func repeat(pattern []float64, k int) []float64 {
	out := make([]float64, k)
	for i := range out {
		out[i] = pattern[i%len(pattern)]
	}
	return out
}

// The error counted is any wrong decision of the family. Means of -edge and +edge
// are false and true claims on the boundary, where errors are likeliest; distant
// ones are decided rightly and so drive the step-down.
func TestFamilyWiseErrorOfAdjustFamily(t *testing.T) {
	const draws, edge = 2_000, 1e-9
	for name, means := range map[string][]float64{
		"all false":          {-edge},
		"all true":           {edge},
		"half and half":      {edge, -edge},
		"most clearly true":  {3, 3, 3, edge},
		"most clearly false": {-3, -3, -3, -edge},
		"clear both ways":    {3, -3, edge, -edge},
		"middling":           {0.7, edge},
	} {
		for _, k := range []int{1, 2, 6} {
			for dependence, rho := range map[string]float64{"independent": 0, "positive": 0.5, "opposed": -0.9} {
				signs := []float64{1}
				if rho < 0 {
					signs, rho = []float64{1, -1}, -rho
				}
				means, signs := repeat(means, k), repeat(signs, k)
				r := rng(uint64(k))
				got := monteCarlo(draws, func() bool {
					adjusted, err := AdjustFamily(family(r, means, signs, rho))
					return err != nil || anyWrong(means, judged(adjusted))
				})
				if got > level+slack(level, draws) {
					t.Errorf("%s, %d claims, %s: some decision wrong in %.4f", name, k, dependence, got)
				}
			}
		}
	}
}

func judged(family []Evidence) (verdicts []Verdict) {
	for _, e := range family {
		verdicts = append(verdicts, e.Judge(level))
	}
	return verdicts
}

func anyWrong(means []float64, verdicts []Verdict) bool {
	for i, v := range verdicts {
		if v == Supported && means[i] <= 0 || v == Refuted && means[i] > 0 {
			return true
		}
	}
	return false
}

// The tempting procedure, Holm over the smaller p value of each claim, errs too
// often for two opposed claims that are barely true: the reason for AdjustFamily.
func TestHolmOverTheDecisiveDirectionIsNotValid(t *testing.T) {
	const draws = 10_000
	means, signs := []float64{1e-9, 1e-9}, []float64{1, -1}
	r := rng(1)
	tempting := monteCarlo(draws, func() bool {
		evidence := family(r, means, signs, 0.9)
		decisive := make([]float64, len(evidence))
		for i, e := range evidence {
			decisive[i] = min(e.Support, e.Refute)
		}
		adjusted, err := Holm(decisive)
		for i, e := range evidence {
			if err != nil || adjusted[i] < level && e.Refute < e.Support {
				return true
			}
		}
		return false
	})
	if tempting < level+slack(level, draws) {
		t.Errorf("wrong in %.4f, no longer a counterexample", tempting)
	}
}

// Plain Holm keeps its level for one-sided hypotheses, whatever the dependence.
func TestFamilyWiseErrorOfHolm(t *testing.T) {
	const draws = 4_000
	for name, means := range map[string][]float64{
		"global null":  {0},
		"partial null": {0, 3},
		"single null":  {3, 3, 3, 3, 0},
	} {
		for _, rho := range []float64{0, 0.5} {
			means := repeat(means, 5)
			r := rng(5)
			got := monteCarlo(draws, func() bool {
				p := make([]float64, len(means))
				for i, e := range family(r, means, repeat([]float64{1}, 5), rho) {
					p[i] = e.Support
				}
				adjusted, err := Holm(p)
				for i := range means {
					if err != nil || means[i] == 0 && adjusted[i] < level {
						return true
					}
				}
				return false
			})
			if got > level+slack(level, draws) {
				t.Errorf("%s, correlation %v: %.4f", name, rho, got)
			}
		}
	}
}
