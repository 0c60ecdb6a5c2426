package diff

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// alpha is the level at which a change counts as beyond noise, over all contrasts (or arms) together.
const alpha = 0.05

// Compare sets two reports side by side; each has a name for its reader. They must be on the same tier and
// claims, so that what differs is the runs.
func Compare(nameA string, a *model.Report, nameB string, b *model.Report) (*Comparison, error) {
	if a.Tier.ID != b.Tier.ID || len(a.Claims) != len(b.Claims) || a.Tier.Seeds != b.Tier.Seeds {
		return nil, fmt.Errorf("report: tier %s with %d claims is not compared with tier %s with %d", a.Tier.ID, len(a.Claims), b.Tier.ID, len(b.Claims))
	}
	c := &Comparison{
		Schema: ComparisonSchema, Version: ComparisonVersion, Alpha: alpha, Level: 1 - alpha, Tier: a.Tier,
		A: newSide(nameA, a), B: newSide(nameB, b), Provenance: provenancePairs(a, b), OnlyA: onlyIn(a, b), OnlyB: onlyIn(b, a),
		Claims: []ClaimChange{}, Arms: []ArmChange{},
	}
	c.count(a, b)
	if err := c.claims(a, b); err != nil {
		return nil, err
	}
	return c, c.arms(a, b)
}

func newSide(name string, r *model.Report) Side {
	return Side{Name: name, Confirmed: r.Confirmed, Explored: r.Explored, RunsPresent: r.Tier.RunsPresent, RunsFailed: r.Tier.RunsFailed, RunsMissing: r.Tier.RunsMissing}
}

func (c *Comparison) count(a, b *model.Report) {
	other := rows(b)
	for at, row := range rows(a) {
		match, both := other[at]
		if !both {
			continue
		}
		c.Both++
		if row.Run == match.Run && row.Result == match.Result {
			c.Shared++
		}
		if *row.Correct == *match.Correct {
			c.Equal++
		}
	}
}

func (c *Comparison) claims(a, b *model.Report) error {
	var changes []*Change
	seen := map[string]*Change{} // claims share contrasts: each is one test
	for i, left := range a.Claims {
		right := b.Claims[i]
		if left.ID != right.ID || len(left.Contrasts) != len(right.Contrasts) {
			return fmt.Errorf("report: claim %s is not compared with %s", left.ID, right.ID)
		}
		claim := ClaimChange{ID: left.ID, Temperature: left.Temperature, A: judged(&left), B: judged(&right)}
		if left.Verdict != right.Verdict {
			c.Verdicts++
		}
		for j, x := range left.Contrasts {
			y := right.Contrasts[j]
			out := ContrastChange{Contrast: words.Name(x), Statistic: x.Statistic, A: x.Found, B: y.Found, NA: x.N, NB: y.N}
			key := fmt.Sprint(out.Contrast, left.Temperature)
			if out.Change = seen[key]; out.Change == nil && x.Difference != nil && y.Difference != nil {
				change, err := newChange(sample(x.N, *x.Difference), sample(y.N, *y.Difference))
				if err != nil {
					return fmt.Errorf("report: %s of %s: %w", out.Contrast, left.ID, err)
				}
				out.Change, seen[key] = change, change
				changes = append(changes, change)
			}
			claim.Contrasts = append(claim.Contrasts, out)
		}
		c.Claims = append(c.Claims, claim)
	}
	tellNoise(changes)
	c.Compared = len(changes)
	for _, change := range changes {
		if !change.Noise {
			c.Moved++
		}
	}
	return nil
}

func judged(c *model.Claim) Judged {
	return Judged{Verdict: c.Verdict, Confirms: c.Confirms()}
}

func (c *Comparison) arms(a, b *model.Report) error {
	var changes []*Change
	for _, left := range a.Arms {
		i := slices.IndexFunc(b.Arms, func(x model.Arm) bool { return x.ID == left.ID && x.Temperature == left.Temperature })
		if i < 0 {
			return fmt.Errorf("report: arm %s is on one side only", left.ID)
		}
		right := b.Arms[i]
		out := ArmChange{
			ID: left.ID, Temperature: left.Temperature, Trained: left.Features == bench.Trained,
			A: left.Mean, B: right.Mean, NA: left.N, NB: right.N,
		}
		if left.SD != nil && right.SD != nil {
			change, err := newChange(armSample(left), armSample(right))
			if err != nil {
				return fmt.Errorf("report: arm %s: %w", left.ID, err)
			}
			out.Change = change
			changes = append(changes, change)
		}
		c.Arms = append(c.Arms, out)
	}
	tellNoise(changes)
	return nil
}

func armSample(a model.Arm) stats.Difference {
	return sample(a.N, stats.MeanDifference{Estimate: *a.Mean, SE: *a.SD / math.Sqrt(float64(a.N))})
}

func sample(n int, d stats.MeanDifference) stats.Difference {
	return stats.Difference{N: n, MeanDifference: d, DF: float64(n - 1)}
}

func newChange(before, after stats.Difference) (*Change, error) {
	d, err := stats.NewChange(before, after, 1-alpha)
	return &Change{Change: d}, err
}

// tellNoise corrects for having looked at all changes (Bonferroni): one in twenty falls out of its interval by chance.
func tellNoise(changes []*Change) {
	for _, c := range changes {
		c.Noise = c.P >= alpha/float64(len(changes))
	}
}

// provenancePairs lists where the runs of two reports come from, whether it differs or not.
func provenancePairs(a, b *model.Report) (pairs []ProvenancePair) {
	facts := func(r *model.Report) []words.Origin {
		var seeds []uint64
		for at := range rows(r) {
			seeds = append(seeds, at.seed)
		}
		slices.Sort(seeds)
		evidence := words.Origin{Name: "Evidence digest", Values: []string{string(r.Provenance.Evidence)}}
		complete := words.Origin{Name: "Seeds complete", Values: words.Distinct(seeds, func(seed uint64) string { return fmt.Sprint(seed) })}
		return slices.Concat([]words.Origin{evidence}, words.Origins(r.Provenance), []words.Origin{complete})
	}
	right := facts(b)
	for i, left := range facts(a) {
		pairs = append(pairs, ProvenancePair{Name: left.Name, A: left.Values, B: right[i].Values, Same: slices.Equal(left.Values, right[i].Values)})
	}
	return pairs
}

// cellKey is where a cell stands in the matrix.
type cellKey struct {
	arm         string
	temperature float64
	seed        uint64
}

// rows yields the complete cells of a report by their place in the matrix.
func rows(r *model.Report) map[cellKey]model.RunRow {
	all := map[cellKey]model.RunRow{}
	for _, arm := range r.Arms {
		for _, row := range arm.Runs {
			if row.Status == model.Complete {
				all[cellKey{arm.ID, arm.Temperature, row.Seed}] = row
			}
		}
	}
	return all
}

// onlyIn lists what a report has and the other lacks.
func onlyIn(r, other *model.Report) []string {
	out := []string{}
	has := rows(other)
	for _, arm := range r.Arms {
		var seeds []string
		for _, row := range arm.Runs {
			if _, both := has[cellKey{arm.ID, arm.Temperature, row.Seed}]; row.Status == model.Complete && !both {
				seeds = append(seeds, fmt.Sprint(row.Seed))
			}
		}
		if len(seeds) > 0 {
			out = append(out, fmt.Sprintf("runs of %s at temperature %g, seeds %s", arm.ID, arm.Temperature, strings.Join(seeds, ", ")))
		}
	}
	for _, x := range r.Analyses {
		same := func(y model.Analysis) bool {
			return y.Arm == x.Arm && y.Temperature == x.Temperature && y.Step == x.Step
		}
		if !slices.ContainsFunc(other.Analyses, same) {
			out = append(out, fmt.Sprintf("analyses of %s at temperature %g after step %d", x.Arm, x.Temperature, x.Step))
		}
	}
	for _, x := range r.Sweeps {
		if !slices.ContainsFunc(other.Sweeps, func(y model.Sweep) bool { return y.ID == x.ID }) {
			out = append(out, fmt.Sprintf("the sweep %s", x.ID))
		}
	}
	return out
}
