package judge

import (
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

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
	var permuted []model.PValues
	obstacles := bySeed{}
	for seed := range uint64(l.seeds) {
		o, ok := l.usable(claim, declared.Arm, temperature, seed, obstacles)
		if !ok {
			continue
		}
		run := l.analysisOf(declared.Arm, temperature, seed)
		if run == nil {
			obstacles.add(declared.Arm+" was not analysed (cidbench analyze does it)", seed)
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
	result, judged := l.test(&c, claim, slices.Concat(obstacles.sentences(), l.uninformative(declared.Arm, accuracies)))
	if !judged {
		return c, runs
	}
	evidence := result.Evidence
	if definition.HasNull {
		null := twiceTheMean(permuted)
		evidence.PSupport, evidence.PRefute = max(evidence.PSupport, null.Support), max(evidence.PRefute, null.Refute)
	}
	p := pValues(evidence)
	c.P, c.Alone = &p, evidence.Judge(l.alpha)
	return c, runs
}

// twiceTheMean combines p values that may depend on each other.
func twiceTheMean(all []model.PValues) (p model.PValues) {
	twice := 2 / float64(len(all))
	for _, each := range all {
		p.Support += twice * each.Support
		p.Refute += twice * each.Refute
	}
	return model.PValues{Support: min(1, p.Support), Refute: min(1, p.Refute)}
}
