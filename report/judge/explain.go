package judge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

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
	if len(claim.Controls) == 0 {
		return nil, nil
	}
	all := l.Catalogue.Gain.Of
	pairs = map[string][]model.Pair{}
	for _, id := range claim.Arms() {
		arm := l.Catalogue.Arm(id)
		if id == all || arm.Features != bench.Trained {
			continue
		}
		for _, seed := range l.seeds.All() {
			wrong := bySeed{}
			a, okA := l.usable(claim, id, temperature, seed, wrong)
			z, okZ := l.usable(claim, all, temperature, seed, wrong)
			if okA && okZ && len(wrong) == 0 && len(l.undeclared(a, z)) == 0 && sameStart(a, z) {
				pairs[id] = append(pairs[id], pair(seed, a, z))
			}
		}
		left, right := sides(pairs[id])
		e := model.Effect{Arm: id, Rules: words.Rules(arm), Baseline: all, N: len(left)}
		if d, err := stats.PairedT(left, right, model.Level); err == nil {
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
			switch ratio, err := stats.RatioOfMeans(top, bottom, model.Level); {
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
					if line.Action == rule.Action && line.Pool == rule.Pool && rule.After == 0 && !slices.Contains(places, p) {
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
