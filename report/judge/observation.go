package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// observation compares a statistic of an arm's encoders, at the end of training, with what chance gives, or with what
// another arm's encoders have.
func (l look) observation(claim *bench.Claim, temperature float64, declared bench.Observation) (model.Contrast, []model.RunRef) {
	definition, _ := analysis.Define(declared.Statistic) // the catalogue is valid
	c := model.Contrast{
		A: declared.Arm, B: model.Chance, Statistic: declared.Statistic, Title: definition.Title, Unit: definition.Unit, HasNull: definition.HasNull,
		Relation: bench.Greater, Margin: declared.Margin, Bounds: []float64{declared.Margin},
		Pairs: []model.Pair{}, Alone: stats.Inconclusive,
	}
	obstacles := bySeed{}
	arm := l.analysed(claim, declared.Arm, temperature, obstacles)
	runs := arm.runs
	var null stats.Evidence
	switch {
	case slices.Contains(analysis.Across, definition):
		c.B = declared.Beyond
		beyond := l.analysed(claim, declared.Beyond, temperature, obstacles)
		runs = append(runs, beyond.runs...)
		c.Pairs = stability(declared, arm, beyond, obstacles)
	case declared.Beyond != "":
		c.B = declared.Beyond
		beyond := l.analysed(claim, declared.Beyond, temperature, obstacles)
		runs = append(runs, beyond.runs...)
		for i, seed := range arm.seeds {
			j := slices.Index(beyond.seeds, seed)
			if j < 0 {
				continue
			}
			x, okX := value(arm, i, definition, obstacles)
			y, okY := value(beyond, j, definition, obstacles)
			if okX && okY {
				c.Pairs = append(c.Pairs, model.Pair{Seed: seed, A: x.Value, B: y.Value, Difference: x.Value - y.Value})
			}
		}
	default:
		null = againstNull(&c, definition, arm, obstacles)
	}
	c.Final = len(obstacles) > 0
	l.test(&c, claim, slices.Concat(obstacles.sentences(), l.uninformative(declared.Arm, arm.accuracies)), null)
	return c, runs
}

// repeated says whether a claim observes the same by path similarity, which is at another scale at most; a margin has a
// scale of its own.
func (l look) repeated(claim *bench.Claim, x bench.Observation) (byPath string, same bool) {
	if byPath = analysis.ByPath[x.Statistic]; byPath == "" || !l.OneScale || x.Margin != 0 {
		return "", false
	}
	x.Statistic = byPath
	return byPath, slices.Contains(claim.Observations, x)
}

// againstNull compares a statistic with the value that chance gives it. It must exceed chance in two ways: over seeds
// (one-sided t, as in contrasts), and against the statistic's permutation null, where it has one. Permutations of
// labels and of the class tree are shared by all seeds, so the seeds' p values are dependent; twice their mean is a
// valid p value whatever the dependence (Vovk and Wang, Biometrika 2020). The larger of the two counts.
func againstNull(c *model.Contrast, definition analysis.Definition, arm analysed, obstacles bySeed) (null stats.Evidence) {
	var permuted []stats.Evidence
	for i, seed := range arm.seeds {
		x, ok := value(arm, i, definition, obstacles)
		if !ok {
			continue
		}
		p := permutation(x)
		if p == nil && definition.HasNull {
			obstacles.add(definition.ID+" has no permutation null", seed)
			continue
		}
		if p != nil {
			permuted = append(permuted, *p)
		}
		c.Pairs = append(c.Pairs, model.Pair{Seed: seed, A: x.Value, B: definition.NullValue, Difference: x.Value - definition.NullValue, Permutation: p})
	}
	if definition.HasNull {
		null = twiceTheMean(permuted)
	}
	return null
}

// value is a statistic of the i-th encoder, if it exists.
func value(of analysed, i int, definition analysis.Definition, obstacles bySeed) (analysis.Statistic, bool) {
	x, ok := of.measures[i].Statistics[definition.ID]
	if !ok {
		obstacles.add(definition.ID+" does not exist for this encoder: "+of.measures[i].Absent[definition.ID], of.seeds[i])
	}
	return x, ok
}

// analysed are the encoders of an arm that were analysed, by seed.
type analysed struct {
	seeds      []uint64
	measures   []*analysis.Measures
	accuracies []float64
	runs       []model.RunRef
}

func (l look) analysed(claim *bench.Claim, arm string, temperature float64, obstacles bySeed) (all analysed) {
	for _, seed := range l.seeds.All() {
		o, ok := l.usable(claim, arm, temperature, seed, obstacles)
		if !ok {
			continue
		}
		run := l.analysisOf(arm, temperature, seed)
		if run == nil {
			obstacles.add(fmt.Sprintf("%s was not analysed (%s analyze does it)", arm, l.program()), seed)
			continue
		}
		all.seeds, all.measures = append(all.seeds, seed), append(all.measures, &run.Measures)
		all.accuracies = append(all.accuracies, o.linear())
		all.runs = append(all.runs, model.RunRef{Arm: arm, Seed: seed, Run: run.Spec.ID(), Manifest: run.Digest})
	}
	return all
}

// stability compares how much the encoders of two arms agree, at the seeds that both have, on which images are hard
// (or easy). Agreement is a mean over pairs of encoders, which share encoders: a U statistic, whose jackknife
// pseudo-values, one for each seed, are treated as independent (Arvesen, Ann. Math. Statist. 1969).
func stability(declared bench.Observation, arm, beyond analysed, obstacles bySeed) []model.Pair {
	counts := func(m *analysis.Measures) []uint16 {
		if declared.Statistic == analysis.EasyStability {
			return m.Counts.Easy
		}
		return m.Counts.Hard
	}
	var seeds []uint64
	var left, right [][]uint16
	for i, seed := range arm.seeds {
		if j := slices.Index(beyond.seeds, seed); j >= 0 {
			seeds, left, right = append(seeds, seed), append(left, counts(arm.measures[i])), append(right, counts(beyond.measures[j]))
		}
	}
	a, b := pseudoValues(left), pseudoValues(right)
	if a == nil || b == nil {
		for _, seed := range seeds {
			obstacles.add("encoders whose agreement exists must be three or more, on the same images, which are not all equally hard", seed)
		}
		return []model.Pair{}
	}
	copied(declared.Arm, seeds, left, obstacles)
	copied(declared.Beyond, seeds, right, obstacles)
	pairs := []model.Pair{}
	for i, seed := range seeds {
		pairs = append(pairs, model.Pair{Seed: seed, A: a[i], B: b[i], Difference: a[i] - b[i]})
	}
	return pairs
}

// pseudoValues are those of the agreement of encoders by their counts; nil where it does not exist, as for two
// encoders without one of them.
func pseudoValues(counts [][]uint16) []float64 {
	pseudo, err := stats.Jackknife(len(counts), analysis.Agreement(counts).Mean)
	if err != nil {
		return nil
	}
	return pseudo
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
