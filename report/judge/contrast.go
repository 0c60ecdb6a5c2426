package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// contrast pairs the runs of two arms by seed and tests the relation, unless something forbids a
// verdict. The notes qualify a verdict without forbidding it.
func (l look) contrast(claim *bench.Claim, temperature float64, declared bench.Contrast) (model.Contrast, []string) {
	c := model.Contrast{
		A: declared.A, B: declared.B, Relation: declared.Relation, Margin: declared.Margin,
		Bounds: bounds(declared), Pairs: []model.Pair{}, Alone: stats.Inconclusive,
	}
	var notes []string
	obstacles := bySeed{}
	alike := 0
	for seed := range uint64(l.seeds) {
		a, okA := l.usable(claim, declared.A, temperature, seed, obstacles)
		z, okB := l.usable(claim, declared.B, temperature, seed, obstacles)
		if !okA || !okB {
			continue
		}
		for _, d := range undeclared(a, z) {
			obstacles.add("the arms differ in what the contrast does not declare, "+d, seed)
		}
		if !sameStart(a, z) {
			obstacles.add("the arms do not begin alike, so they are not pairs of one seed", seed)
		}
		if sameCourse(a, z) {
			alike++
		}
		notes = append(notes, qualify(a, z)...)
		c.Pairs = append(c.Pairs, pair(seed, a, z))
	}
	l.test(&c, claim, slices.Concat(obstacles.sentences(), inert(alike, len(c.Pairs)), l.uninformative(better(c))), stats.Evidence{})
	if c.P != nil && c.Difference.SE == 0 {
		notes = append(notes, fmt.Sprintf("%s: the difference is the same at every seed, so the runs give no estimate of seed noise: "+
			"interval and p values rest on the estimate alone.", words.Name(c)))
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
	var result stats.Result
	var err error
	if len(c.Bounds) == 2 {
		result, err = stats.Within(left, right, c.Margin, l.alpha)
	} else {
		result, err = stats.Above(left, right, c.Bounds[0], l.alpha)
	}
	if err != nil {
		c.Obstacles = append(c.Obstacles, err.Error())
		return
	}
	c.Difference = &result.MeanDifference
	if len(c.Obstacles) == 0 {
		p := stats.Evidence{Support: max(result.Support, least.Support), Refute: max(result.Refute, least.Refute)}
		c.P, c.Alone = &p, p.Judge(l.alpha)
	}
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

// observation compares a statistic of an arm's encoders, at the end of training, with what chance gives. It
// must exceed chance in two ways: over seeds (one-sided t, as in contrasts), and against the statistic's
// permutation null, where it has one. Permutations of labels and of the class tree are shared by all seeds,
// so the seeds' p values are dependent; twice their mean is a valid p value whatever the dependence (Vovk
// and Wang, Biometrika 2020). The larger of the two counts.
func (l look) observation(claim *bench.Claim, temperature float64, declared bench.Observation) (model.Contrast, []model.RunRef) {
	definition, _ := analysis.Define(declared.Statistic) // the catalogue is valid
	c := model.Contrast{
		A: declared.Arm, B: model.Chance, Statistic: declared.Statistic, Title: definition.Title, Unit: definition.Unit, HasNull: definition.HasNull,
		Relation: bench.Greater, Margin: declared.Margin, Bounds: []float64{declared.Margin},
		Pairs: []model.Pair{}, Alone: stats.Inconclusive,
	}
	var runs []model.RunRef
	var accuracies []float64
	var permuted []stats.Evidence
	obstacles := bySeed{}
	for seed := range uint64(l.seeds) {
		o, ok := l.usable(claim, declared.Arm, temperature, seed, obstacles)
		if !ok {
			continue
		}
		run := l.analysisOf(declared.Arm, temperature, seed)
		if run == nil {
			obstacles.add(fmt.Sprintf("%s was not analysed (%s analyze does it)", declared.Arm, l.program()), seed)
			continue
		}
		x, ok := run.Measures.Statistics[declared.Statistic]
		if !ok {
			obstacles.add(declared.Statistic+" does not exist for this encoder: "+run.Measures.Absent[declared.Statistic], seed)
			continue
		}
		p := permutation(x)
		if p == nil && definition.HasNull {
			obstacles.add(declared.Statistic+" has no permutation null", seed)
			continue
		}
		accuracies = append(accuracies, o.linear())
		if p != nil {
			permuted = append(permuted, *p)
		}
		c.Pairs = append(c.Pairs, model.Pair{Seed: seed, A: x.Value, B: definition.NullValue, Difference: x.Value - definition.NullValue, Permutation: p})
		runs = append(runs, model.RunRef{Arm: declared.Arm, Seed: seed, Run: run.Spec.ID(), Manifest: run.Digest})
	}
	var null stats.Evidence
	if definition.HasNull {
		null = twiceTheMean(permuted)
	}
	l.test(&c, claim, slices.Concat(obstacles.sentences(), l.uninformative(declared.Arm, accuracies)), null)
	return c, runs
}

func permutation(x analysis.Statistic) *stats.Evidence {
	if x.Null == nil {
		return nil
	}
	return &stats.Evidence{Support: x.Null.PGreater, Refute: x.Null.PLess}
}

// twiceTheMean combines p values that may depend on each other.
func twiceTheMean(all []stats.Evidence) (p stats.Evidence) {
	twice := 2 / float64(len(all))
	for _, each := range all {
		p.Support += twice * each.Support
		p.Refute += twice * each.Refute
	}
	return stats.Evidence{Support: min(1, p.Support), Refute: min(1, p.Refute)}
}
