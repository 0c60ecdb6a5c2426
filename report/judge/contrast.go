package judge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// contrast pairs the runs of two arms by seed and tests the relation, in shares of the gain, unless something forbids
// a verdict. The notes qualify a verdict without forbidding it.
func (l look) contrast(claim *bench.Claim, temperature float64, declared bench.Contrast) (model.Contrast, []string) {
	c := model.Contrast{
		A: declared.A, B: declared.B, Relation: declared.Relation, Margin: declared.Margin,
		Bounds: bounds(declared), Pairs: []model.Pair{}, Alone: stats.Inconclusive,
	}
	var notes []string
	obstacles := bySeed{}
	alike := 0
	for _, seed := range l.seeds.All() {
		a, okA := l.usable(claim, declared.A, temperature, seed, obstacles)
		z, okB := l.usable(claim, declared.B, temperature, seed, obstacles)
		of, okOf := l.usable(claim, l.Catalogue.Gain.Of, temperature, seed, obstacles)
		over, okOver := l.usable(claim, l.Catalogue.Gain.Over, temperature, seed, obstacles)
		if !okA || !okB || !okOf || !okOver {
			continue
		}
		l.pairable(a, z, seed, obstacles)
		for _, gain := range []measurement{of, over} {
			if gain.id != a.id {
				l.pairable(a, gain, seed, obstacles)
			}
		}
		if sameCourse(a, z) {
			alike++
		}
		notes = append(notes, qualify(a, z)...)
		p := pair(seed, a, z)
		p.Gain = of.linear() - over.linear()
		c.Pairs = append(c.Pairs, p)
	}
	c.Final = len(obstacles) > 0
	l.test(&c, claim, slices.Concat(obstacles.sentences(), inert(alike, len(c.Pairs)), l.uninformative(better(c))), stats.Evidence{})
	if c.P != nil && c.Difference.SE == 0 {
		notes = append(notes, fmt.Sprintf("%s: the difference is the same at every seed, so the runs give no estimate of seed noise: "+
			"interval and p values rest on little but the estimate.", words.Name(c)))
	}
	return c, notes
}

func pair(seed uint64, a, z measurement) model.Pair {
	return model.Pair{Seed: seed, A: a.linear(), B: z.linear(), Difference: a.linear() - z.linear()}
}

// sides are the values of A and of B.
func sides(pairs []model.Pair) (left, right []float64) {
	for _, p := range pairs {
		left, right = append(left, p.A), append(right, p.B)
	}
	return left, right
}

// better is the arm of a contrast with the higher accuracies.
func better(c model.Contrast) (arm string, accuracies []float64) {
	left, right := sides(c.Pairs)
	a, errA := stats.Mean(left)
	z, errZ := stats.Mean(right)
	if errA == nil && errZ == nil && a < z {
		return c.B, right
	}
	return c.A, left
}

// test applies the relation of a contrast to its pairs. It may not be judged if there are obstacles, or too few
// pairs; what can be said of the difference is said nevertheless. The p values are no smaller than those given.
func (l look) test(c *model.Contrast, claim *bench.Claim, obstacles []string, least stats.Evidence) {
	left, right := sides(c.Pairs)
	c.MeanA, c.MeanB = exists(stats.Mean(left)), exists(stats.Mean(right))
	if c.Statistic == "" {
		c.MeanGain = exists(stats.Mean(gains(c.Pairs)))
	}
	c.N, c.Obstacles = len(c.Pairs), obstacles
	if c.N < claim.MinSeeds {
		c.Obstacles = append(c.Obstacles, fmt.Sprintf("%s, and the claim asks for %d", words.Count(c.N, "paired seed"), claim.MinSeeds))
	}
	if c.N == 0 {
		c.Alone = l.nothing(claim)
	}
	if c.N < 2 {
		return
	}
	if d, err := stats.PairedT(left, right, 1-2*l.alpha); err == nil {
		c.Difference = &d.MeanDifference
	}
	evidence, found, err := l.weigh(c, l.alpha)
	if err != nil {
		c.Obstacles = append(c.Obstacles, err.Error())
		return
	}
	c.Found = found
	if len(c.Obstacles) == 0 {
		p := stats.Evidence{Support: max(evidence.Support, least.Support), Refute: max(evidence.Refute, least.Refute)}
		c.P, c.Alone = &p, p.Judge(l.alpha)
	}
}

// weigh tests a contrast's relation at a level: accuracies in shares of the gain, statistics in their own unit.
func (l look) weigh(c *model.Contrast, alpha float64) (stats.Evidence, *model.Estimate, error) {
	left, right := sides(c.Pairs)
	if c.Statistic != "" {
		r, err := stats.Above(left, right, c.Bounds[0], alpha)
		return r.Evidence, &model.Estimate{Value: r.Estimate, Interval: r.Interval}, err
	}
	var differences []float64
	for i := range left {
		differences = append(differences, left[i]-right[i])
	}
	var r stats.RatioResult
	var err error
	if len(c.Bounds) == 2 {
		r, err = stats.RatioWithin(differences, gains(c.Pairs), c.Margin, alpha)
	} else {
		r, err = stats.RatioAbove(differences, gains(c.Pairs), c.Bounds[0], alpha)
	}
	if errors.Is(err, stats.ErrUnbounded) {
		gain := l.Catalogue.Gain
		err = fmt.Errorf("the gain, %s over %s, is not shown to be so far above 0 that a share of it has bounds", gain.Of, gain.Over)
	}
	return r.Evidence, &model.Estimate{Value: r.Estimate, Interval: r.Interval}, err
}

// widen gives a contrast the interval that decides. Support takes the two one-sided bounds at the level; to refute,
// one of so many contrasts, and an equivalence on one of two sides, takes wider ones.
func (l look) widen(c *model.Contrast, verdict stats.Verdict, contrasts int) {
	sides := contrasts * len(c.Bounds)
	if verdict == stats.Supported || sides == 1 || c.Found == nil {
		return
	}
	if _, found, err := l.weigh(c, l.alpha/float64(sides)); err == nil {
		c.Found = found
	}
}

func gains(pairs []model.Pair) (all []float64) {
	for _, p := range pairs {
		all = append(all, p.Gain)
	}
	return all
}

// bounds are the differences that a relation is about.
func bounds(x bench.Contrast) []float64 {
	switch x.Relation {
	case bench.NonInferior:
		return []float64{-x.Margin}
	case bench.Equivalent:
		return []float64{-x.Margin, x.Margin}
	}
	return []float64{x.Margin}
}
