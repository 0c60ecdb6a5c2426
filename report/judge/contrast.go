package judge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/negatives"
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

// explain adds to a claim what its verdict does not rest on and its readers want: the effects of controls, and
// places in the sweeps that are shown.
func (l look) explain(c *model.Claim, claim *bench.Claim, shown []model.Sweep) {
	var pairs map[string][]model.Pair
	c.Beside, pairs = l.effects(claim, c.Temperature)
	c.Explained = l.explained(c.Beside, pairs)
	c.Places = l.places(claim, c.Temperature, shown)
}

// effects compares the arms of a claim that has controls with the baseline. The pairs are by arm.
func (l look) effects(claim *bench.Claim, temperature float64) (effects []model.Effect, pairs map[string][]model.Pair) {
	baseline := slices.IndexFunc(l.Catalogue.Arms, func(a *bench.Arm) bool { return a.Features == bench.Trained && len(a.Rules) == 0 })
	if len(claim.Controls) == 0 || baseline < 0 {
		return nil, nil
	}
	all := l.Catalogue.Arms[baseline].ID
	pairs = map[string][]model.Pair{}
	for _, id := range claim.Arms() {
		arm := l.Catalogue.Arm(id)
		if id == all || arm.Features != bench.Trained {
			continue
		}
		for seed := range uint64(l.seeds) {
			wrong := bySeed{}
			a, okA := l.usable(claim, id, temperature, seed, wrong)
			z, okZ := l.usable(claim, all, temperature, seed, wrong)
			if okA && okZ && len(wrong) == 0 && len(undeclared(a, z)) == 0 && sameStart(a, z) {
				pairs[id] = append(pairs[id], pair(seed, a, z))
			}
		}
		left, right := sides(pairs[id])
		e := model.Effect{Arm: id, Rules: words.Rules(arm), Baseline: all, N: len(left)}
		if d, err := stats.PairedT(left, right, l.level()); err == nil {
			e.Difference = &d.MeanDifference
		}
		effects = append(effects, e)
	}
	return effects, pairs
}

// explained sets each effect of dropping the hardest negatives beside that of dropping those of the query's
// class among as many, at the seeds that have both.
func (l look) explained(effects []model.Effect, pairs map[string][]model.Pair) (all []model.Explained) {
	for _, whole := range effects {
		rule := l.onlyRule(whole.Arm)
		if rule.Action != negatives.Drop || rule.Pool != negatives.Hardest {
			continue
		}
		rule.Pool = negatives.SameClass
		for _, part := range effects {
			if l.onlyRule(part.Arm) != rule {
				continue
			}
			var top, bottom []float64
			for _, p := range pairs[part.Arm] {
				i := slices.IndexFunc(pairs[whole.Arm], func(w model.Pair) bool { return w.Seed == p.Seed })
				if i >= 0 {
					top, bottom = append(top, p.Difference), append(bottom, pairs[whole.Arm][i].Difference)
				}
			}
			e := model.Explained{Whole: whole.Arm, Part: part.Arm}
			switch ratio, err := stats.RatioOfMeans(top, bottom, l.level()); {
			case errors.Is(err, stats.ErrUnbounded):
				e.Why = fmt.Sprintf("the interval of %s includes 0, and a share of what may be nothing says nothing", whole.Arm)
			case err != nil:
				e.Why = "not enough seeds"
			default:
				e.Share = &model.Share{Estimate: ratio.Estimate, Low: ratio.Interval.Low, High: ratio.Interval.High}
			}
			all = append(all, e)
		}
	}
	return all
}

// onlyRule is the rule of an arm that has exactly one, otherwise one that does nothing.
func (l look) onlyRule(id string) (only negatives.Rule) {
	if rules := l.Catalogue.Arm(id).Rules; len(rules) == 1 {
		return rules[0]
	}
	return only
}

// places finds the contrasted arms of a claim on the lines of the sweeps that are shown, which are trained at
// the tier's temperature.
func (l look) places(claim *bench.Claim, temperature float64, sweeps []model.Sweep) (places []model.Place) {
	if temperature != l.Tier.Train.Scale().Temperature {
		return nil
	}
	for _, shown := range sweeps {
		sweep := l.Catalogue.Sweep(shown.ID)
		for _, x := range claim.Contrasts {
			for _, id := range []string{x.A, x.B} {
				rule := l.onlyRule(id)
				fraction := rule.Fraction
				if rule.ClassPrior {
					fraction = 1 / float64(len(l.Classes))
				}
				for _, line := range sweep.Lines {
					p := model.Place{Sweep: sweep.ID, Line: line.String(), Arm: id, Fraction: fraction}
					if line.Action == rule.Action && line.Pool == rule.Pool && !slices.Contains(places, p) {
						places = append(places, p)
					}
				}
			}
		}
	}
	return places
}

// across brings the variants of a statement together that are tested at different temperatures.
func across(claims []model.Claim) []model.Across {
	all := []model.Across{}
	type statement struct{ thesis, text string }
	for _, variant := range grouped(claims, func(c model.Claim) statement { return statement{c.Thesis, c.Statement} }) {
		row := model.Across{Claim: variant[0].ID, Thesis: variant[0].Thesis}
		for _, c := range variant {
			row.At = append(row.At, model.AtTemperature{Temperature: c.Temperature, Claim: c.ID, Verdict: c.Verdict})
			row.Differs = row.Differs || c.Verdict != variant[0].Verdict
		}
		if row.Differs {
			row.Sentence = words.Differs(row)
		}
		all = append(all, row)
	}
	return all
}
