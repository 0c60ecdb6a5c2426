package calibrate

import (
	"maps"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/stats"
)

// world is a truth about the arms.
type world struct {
	name string
	// effects are what series of runs add to the baseline's accuracy at the same temperature, in shares of the gain.
	effects map[string]float64
	// hard and easy are how much more trained encoders agree than untrained ones.
	hard, easy float64
	// lacks is a series without the seeds that the last look adds.
	lacks string
	// decisive worlds have all replications, others a quarter.
	decisive bool
}

const (
	margin = 0.05 // the margin of the claims on accuracy, as a share of the gain
	less   = 1e-9 // from the margin to what is just true

	// Points: roughly what the runs of seeds 0 to 4 had.
	floor       = 24.0 // accuracy of the untrained encoder
	gain        = 19.0
	seedSD      = 2.0 // of what all arms of a seed share
	untrainedSD = 2.0

	untrainedAgrees = 0.1 // Spearman's correlation of counts between untrained encoders
)

// spread is the standard deviation, in points, of what a seed does to an arm and not to the others: such that paired
// differences spread as those of seeds 0 to 4 in RESULTS.md.
var spread = map[string]float64{
	"all": 0.5, "hardest5": 2.2, "easiest95": 1.3, "random5": 1.5, "without-hardest01": 0.55,
	"without-hardest-prior": 1.6, "without-same-class": 1.05, "all-t0.07": 0.9, "without-hardest01-t0.07": 0.9,
}

// The hardest 1/C and those of the query's own class are much the same negatives: so are the errors of leaving them out.
var akin = map[string]bool{"without-hardest-prior": true, "without-same-class": true}

const kinship = 0.9 // correlation

// with is a world with other effects of some series.
func (w world) with(name string, effects map[string]float64) world {
	merged := maps.Clone(w.effects)
	maps.Copy(merged, effects)
	w.name, w.effects, w.decisive = name, merged, false
	return w
}

// holds says whether a claim is true in the world.
func (s *study) holds(w world, claim *bench.Claim) bool {
	t := s.tier.Temperature(claim)
	for _, x := range claim.Contrasts {
		effect := w.effects[s.series(x.A, t)] - w.effects[s.series(x.B, t)]
		switch x.Relation {
		case bench.NonInferior:
			effect += x.Margin
		case bench.Greater:
			effect -= x.Margin
		case bench.Equivalent:
			effect = x.Margin - math.Abs(effect)
		}
		if effect <= 0 {
			return false
		}
	}
	for _, x := range claim.Observations {
		if excess := map[string]float64{analysis.HardStability: w.hard, analysis.EasyStability: w.easy}[x.Statistic]; excess <= x.Margin {
			return false
		}
	}
	return true
}

// law is a distribution of errors with mean 0 and standard deviation 1.
type law struct {
	name string
	draw func(*rand.Rand) float64
	// shared is the correlation of the errors of two arms that leave negatives out.
	shared float64
}

var laws = []law{
	{"normal", (*rand.Rand).NormFloat64, 0},
	{"normal, correlated arms", (*rand.Rand).NormFloat64, 0.7},
	{"t, 3 degrees", func(r *rand.Rand) float64 {
		a, b, c := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		return r.NormFloat64() / math.Sqrt(a*a+b*b+c*c) // t has this times sqrt 3, and variance 3
	}, 0},
	{"exponential, upward", func(r *rand.Rand) float64 { return r.ExpFloat64() - 1 }, 0},
	{"exponential, downward", func(r *rand.Rand) float64 { return 1 - r.ExpFloat64() }, 0},
	{"log-normal, downward", func(r *rand.Rand) float64 {
		const sigma = 0.5 // skewness 1.75, excess kurtosis 5.9
		mean := math.Exp(sigma * sigma / 2)
		return (mean - math.Exp(sigma*r.NormFloat64())) / (mean * math.Sqrt(math.Exp(sigma*sigma)-1))
	}, 0},
}

// sample is what the runs of a replication are: correct test images, and counts of hard and easy negatives, by series
// and then by seed.
type sample struct {
	correct map[string][]int
	counts  map[string][]analysis.Counts
}

// draw simulates the runs of all looks.
func (s *study) draw(random *rand.Rand, w world, l law, agreeing *agreement) *sample {
	x := &sample{correct: map[string][]int{"pixels": {testImages / 5}}, counts: map[string][]analysis.Counts{}}
	put := func(series string, points float64) {
		n := int(math.Round(points / 100 * testImages))
		x.correct[series] = append(x.correct[series], min(testImages, max(0, n)))
	}
	for range s.seeds() {
		put("untrained", floor+untrainedSD*l.draw(random))
		seed, shared, kin := seedSD*l.draw(random), l.draw(random), l.draw(random)
		for _, cell := range s.trained() {
			series, e := s.series(cell.Arm, cell.Temperature), l.draw(random)
			if akin[series] {
				e = math.Sqrt(kinship)*kin + math.Sqrt(1-kinship)*e
			}
			if cell.Arm != s.catalogue.Gain.Of {
				e = math.Sqrt(l.shared)*shared + math.Sqrt(1-l.shared)*e
			}
			put(series, floor+gain*(1+w.effects[series])+seed+spread[series]*e)
		}
		x.counts["untrained"] = append(x.counts["untrained"], agreeing.untrained(random))
		x.counts["all"] = append(x.counts["all"], agreeing.trained(random))
	}
	if w.lacks != "" {
		x.correct[w.lacks] = x.correct[w.lacks][:s.plan.Looks[len(s.plan.Looks)-2]]
	}
	return x
}

// trained lists the cells of the first seed that are trained, one for each series.
func (s *study) trained() (cells []bench.Cell) {
	for _, cell := range s.cells {
		if cell.Seed == s.plan.FirstSeed && cell.Spec.Training.Features == bench.Trained {
			cells = append(cells, cell)
		}
	}
	return cells
}

// evidence weighs a claim by the first n seeds, without what judging has beside it: assays, gates, looks.
func (s *study) evidence(x *sample, claim *bench.Claim, n int) stats.Evidence {
	out := stats.Evidence{Refute: 1}
	add := func(e stats.Evidence, err error) {
		if err != nil {
			e = stats.Evidence{} // to be judged
		}
		out.Support, out.Refute = max(out.Support, e.Support), min(out.Refute, e.Refute)
	}
	const anyLevel = 0.05
	t := s.tier.Temperature(claim)
	minus := func(a, b string) (differences []float64) {
		left, right := x.correct[s.series(a, t)], x.correct[s.series(b, t)]
		for i := range min(n, len(left), len(right)) {
			differences = append(differences, float64(left[i]-right[i]))
		}
		return differences
	}
	for _, c := range claim.Contrasts {
		top := minus(c.A, c.B)
		bottom := minus(s.catalogue.Gain.Of, s.catalogue.Gain.Over)[:len(top)]
		var r stats.RatioResult
		var err error
		switch c.Relation {
		case bench.Equivalent:
			r, err = stats.RatioWithin(top, bottom, c.Margin, anyLevel)
		case bench.NonInferior:
			r, err = stats.RatioAbove(top, bottom, -c.Margin, anyLevel)
		default:
			r, err = stats.RatioAbove(top, bottom, c.Margin, anyLevel)
		}
		add(r.Evidence, err)
	}
	for _, o := range claim.Observations {
		pseudo := func(arm string) []float64 {
			var counts [][]uint16
			for _, c := range x.counts[arm][:n] {
				counts = append(counts, map[string][]uint16{analysis.HardStability: c.Hard, analysis.EasyStability: c.Easy}[o.Statistic])
			}
			values, _ := stats.Jackknife(n, analysis.Agreement(counts).Mean)
			return values
		}
		r, err := stats.Above(pseudo(o.Arm), pseudo(o.Beyond), o.Margin, anyLevel)
		add(r.Evidence, err)
	}
	out.Refute *= float64(len(claim.Contrasts) + len(claim.Observations))
	return out
}

// agreement draws counts of encoders whose pairs have a known mean correlation. Images have a difficulty of their own;
// each encoder sees it through noise, more or less of it as the law of errors has it.
type agreement struct {
	difficulty         []float64 // of images, the same for all encoders
	quality            []float64 // of encoders, equally likely
	hard, easy, before float64   // noise
}

func (s *study) agreement(w world, l law) *agreement {
	const images, encoders = 200, 20
	a := &agreement{}
	for i := range images {
		a.difficulty = append(a.difficulty, distuv.UnitNormal.Quantile((float64(i)+0.5)/images))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range encoders {
		a.quality = append(a.quality, math.Exp(-0.25*l.draw(random)))
	}
	noise := func(correlation float64) float64 {
		of := agreed{l.name, correlation}
		if s.noise[of] == 0 {
			s.noise[of] = a.noise(correlation)
		}
		return s.noise[of]
	}
	a.before, a.hard, a.easy = noise(untrainedAgrees), noise(untrainedAgrees+w.hard), noise(untrainedAgrees+w.easy)
	return a
}

// agreed is what noise is found for.
type agreed struct {
	law         string
	correlation float64
}

// noise is that with which two encoders agree so much.
func (a *agreement) noise(correlation float64) float64 {
	low, high := 0.01, 100.0
	for high/low > 1+1e-6 {
		if middle := math.Sqrt(low * high); a.expected(middle) > correlation {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// expected is the exact mean of Spearman's correlation of two encoders: they are independent, so that it is the
// variance of the mean ranks over that of ranks. The mean rank of an image is half, plus the probability that it stands
// above each other one.
func (a *agreement) expected(noise float64) float64 {
	n := float64(len(a.difficulty))
	total := 0.0
	for _, x := range a.difficulty {
		rank := 0.0
		for _, q := range a.quality {
			for _, y := range a.difficulty {
				rank += distuv.UnitNormal.CDF((x-y)/(math.Sqrt2*noise*q)) / float64(len(a.quality))
			}
		}
		rank += 0.5 // the image itself was counted as half
		total += (rank - (n+1)/2) * (rank - (n+1)/2)
	}
	return 12 * total / (n * (n*n - 1))
}

func (a *agreement) counts(random *rand.Rand, noise float64) (counts []uint16) {
	noise *= a.quality[random.IntN(len(a.quality))]
	scale := 3000 / (1 + noise)
	for _, x := range a.difficulty {
		counts = append(counts, uint16(min(math.MaxUint16, max(0, 30_000+scale*(x+noise*random.NormFloat64())))))
	}
	return counts
}

func (a *agreement) untrained(random *rand.Rand) analysis.Counts {
	return analysis.Counts{Hard: a.counts(random, a.before), Easy: a.counts(random, a.before)}
}

func (a *agreement) trained(random *rand.Rand) analysis.Counts {
	return analysis.Counts{Hard: a.counts(random, a.hard), Easy: a.counts(random, a.easy)}
}
