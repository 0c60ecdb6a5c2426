package analysis

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestBinomial(t *testing.T) {
	for _, tc := range []struct {
		n int
		p float64
	}{{0, 0.3}, {1, 0.01}, {60, 0.05}, {2000, 0.05}, {maxQueries, 0.25}} {
		b, law := newBinomial(tc.n, tc.p), distuv.Binomial{N: float64(tc.n), P: tc.p}
		if total := b.between(-1, tc.n+5); !near(total, 1, 1e-9) {
			t.Errorf("n %d: probabilities add up to %g", tc.n, total)
		}
		for _, u := range []float64{0, 1e-6, 0.001, 0.05, 0.5, 0.9, 0.999, 1 - 1e-6} {
			k := 0
			for law.CDF(float64(k)) < u {
				k++
			}
			if got := b.quantile(u); got != k {
				t.Errorf("n %d: quantile %g is %d, want %d", tc.n, u, got, k)
			}
		}
		if !near(b.mean(), law.Mean(), 1e-12) || !near(b.variance(), law.Variance(), 1e-12) {
			t.Errorf("n %d: mean %g, variance %g", tc.n, b.mean(), b.variance())
		}
	}
	if got := newBinomial(10, 0.5).between(2, 4); !near(got, (45.+120)/1024, 1e-12) {
		t.Errorf("P(2 <= count < 4) = %g", got)
	}
}

func TestConsistencyIsDescribedAsByPlainLoops(t *testing.T) {
	for name, in := range inputs() {
		m, queries := mustRun(t, testProtocol, in), chosenQueries(t, testProtocol, in)
		pool, others := negatives(in)
		n := len(pool.Labels)
		size := math.Round(testProtocol.Tail * float64(others))
		for _, side := range []struct {
			counts []uint16
			c      Consistency
		}{{m.Counts.Hard, m.Hard}, {m.Counts.Easy, m.Easy}} {
			var upper, lower Extreme
			var images []Image
			perClass, total, variance := make([]float64, len(in.Superclass)), 0.0, 0.0
			expected := make([]float64, len(side.c.Histogram))
			observed := make([]int, len(side.c.Histogram))
			for j, count := range side.counts {
				law := distuv.Binomial{N: float64(len(queries)), P: size / float64(others)}
				if in.Queue == nil && slices.Contains(queries, j) {
					law.N--
				}
				low, high := 0.0, 0.0
				for law.CDF(low) < 0.001 {
					low++
				}
				for law.CDF(high) < 0.999 {
					high++
				}
				if float64(count) > high {
					upper.Observed += 1 / float64(n)
				}
				if float64(count) < low {
					lower.Observed += 1 / float64(n)
				}
				upper.Expected += law.Survival(high) / float64(n)
				if low > 0 {
					lower.Expected += law.CDF(low-1) / float64(n)
				}
				for i, bin := range side.c.Histogram {
					if int(count) >= bin.From && int(count) < bin.To {
						observed[i]++
					}
					top := law.CDF(float64(bin.To - 1))
					if i == len(expected)-1 {
						top = 1
					}
					expected[i] += top
					if bin.From > 0 {
						expected[i] -= law.CDF(float64(bin.From - 1))
					}
				}
				c := pool.Labels[j]
				images = append(images, Image{j, c, int(count)})
				members := 0.0
				for _, l := range pool.Labels {
					if l == c {
						members++
					}
				}
				perClass[c] += float64(count) / members
				total += float64(count)
				variance += (float64(count) - law.Mean()) * (float64(count) - law.Mean()) / float64(n)
			}
			c := side.c
			for _, x := range []struct {
				what      string
				got, want float64
			}{
				{"upper observed", c.Upper.Observed, upper.Observed}, {"upper expected", c.Upper.Expected, upper.Expected},
				{"lower observed", c.Lower.Observed, lower.Observed}, {"lower expected", c.Lower.Expected, lower.Expected},
				{"mean", c.Mean, total / float64(n)}, {"variance", c.Variance, variance}, {"rate", c.Rate, size / float64(others)},
			} {
				if !near(x.got, x.want, 1e-9) {
					t.Errorf("%s: %s is %g, want %g", name, x.what, x.got, x.want)
				}
			}
			for i, bin := range c.Histogram {
				if bin.Images != observed[i] || !near(bin.Expected, expected[i], 1e-6) {
					t.Errorf("%s: %+v, want %d images, %g expected", name, bin, observed[i], expected[i])
				}
			}
			if bins := len(c.Histogram); bins < 2 || bins > 41 || c.Histogram[0].From != 0 || sumBins(c.Histogram) != n {
				t.Errorf("%s: histogram %+v", name, c.Histogram)
			}
			slices.SortFunc(images, func(a, b Image) int { return cmp.Or(b.Count-a.Count, a.Index-b.Index) })
			if !slices.Equal(c.Most, images[:12]) {
				t.Errorf("%s: most consistent %+v, want %+v", name, c.Most, images[:12])
			}
			for i, class := range c.Classes {
				above := 0
				for _, mean := range perClass {
					if mean > class.Mean+1e-9 {
						above++
					}
				}
				if !near(class.Mean, perClass[class.Class], 1e-9) || above > i {
					t.Errorf("%s: class %+v at place %d of %v", name, class, i, perClass)
				}
			}
			if len(c.Classes) != 5 {
				t.Errorf("%s: %d classes", name, len(c.Classes))
			}
		}
	}
}

func sumBins(bins []Bin) (images int) {
	for _, b := range bins {
		images += b.Images
	}
	return images
}

// TestExcessDraws have mean 0 and the spread of a mean of n squared standardised binomials, whose variance is
// 2 + (1 - 6 p (1-p)) / (Q p (1-p)).
func TestExcessDraws(t *testing.T) {
	s, err := newSplit(plan{dim: 6, superclasses: 6, each: 3, images: 20, noise: 1}.input())
	if err != nil {
		t.Fatal(err)
	}
	p := Protocol{Queries: 100, Tail: 0.05, Draws: 2000, Resamples: 19}
	v := &survey{split: s, queries: p.queries(s), count: p.Queries, tail: share(p.Tail, s.n-1)}
	null := newNull(0, p.excessDraws(v.laws(), 2))
	rate := float64(v.tail) / 359
	sd := math.Sqrt((2 + (1-6*rate*(1-rate))/(100*rate*(1-rate))) / 360)
	if math.Abs(null.Mean) > 4*sd/math.Sqrt(2000) || math.Abs(null.SD/sd-1) > 0.08 {
		t.Errorf("mean %g, deviation %g, want 0 and %g", null.Mean, null.SD, sd)
	}
}

func TestNullCountsBothTails(t *testing.T) {
	n := newNull(3, []float64{1, 2, 3, 4, 5, 6, 3, 0, 9})
	if n.PGreater != 0.7 || n.PLess != 0.6 || n.Draws != 9 || !near(n.Mean, 33./9, 1e-12) {
		t.Errorf("%+v", n)
	}
}

func TestIntervalCoversTheMean(t *testing.T) {
	p := Protocol{Resamples: 199}
	covered := 0
	for seed := range uint64(300) {
		p.Seed = seed
		r := ratio{}
		random := rand.New(rand.NewPCG(seed, 7))
		for range 60 { // units of different weight
			weight := float64(1 + len(r.num)%3)
			r.num, r.den = append(r.num, weight*(2+random.NormFloat64())), append(r.den, weight)
		}
		if low, high := p.interval(r, 2); low <= 2 && 2 <= high {
			covered++
		}
	}
	if covered < 245 || covered > 290 { // 90% of 300, less a little for a bootstrap of 60
		t.Errorf("a 90%% interval covers %d of 300", covered)
	}
	if low, high := (Protocol{Resamples: 19}).interval(ratio{num: []float64{0, 6}, den: []float64{0, 3}}, 1); low != 2 || high != 2 {
		t.Errorf("resamples without a denominator count: [%g, %g]", low, high)
	}
}
