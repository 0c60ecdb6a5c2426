// Package diff sets two reports side by side.
package diff

import (
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// ComparisonSchema identifies the JSON of a Comparison, as Schema does that of a Report.
const ComparisonSchema = "cidbench-comparison"

// Comparison sets two reports on the same claims side by side, A and B: two registries, or what two versions
// of the code computed.
type Comparison struct {
	Schema  string  `json:"schema"`
	Version int     `json:"version"`
	Alpha   float64 `json:"alpha"` // at which a change counts as beyond noise, over all contrasts (or arms) together
	Level   float64 `json:"level"` // of the intervals of changes
	// EstimateLevel is that of the intervals of estimates, as in a report.
	EstimateLevel float64    `json:"estimateLevel"`
	Tier          model.Tier `json:"tier"` // as of A; the runs counted in it are A's
	A             Side       `json:"a"`
	B             Side       `json:"b"`
	// Shared is the number of runs that are the same on both sides, Equal that of cells, shared or not, whose
	// accuracies are; Both is that of the cells complete on both.
	Shared int `json:"shared"`
	Equal  int `json:"equal"`
	Both   int `json:"both"`
	// Verdicts counts the claims that are judged differently, Moved and Compared contrasts, each once.
	Verdicts   int              `json:"verdictsChanged"`
	Moved      int              `json:"contrastsMoved"`
	Compared   int              `json:"contrastsCompared"`
	Claims     []ClaimChange    `json:"claims"`
	Arms       []ArmChange      `json:"arms"`
	Provenance []ProvenancePair `json:"provenance"`
	// OnlyA and OnlyB say what is complete on one side alone.
	OnlyA []string `json:"onlyA"`
	OnlyB []string `json:"onlyB"`
}

// Side is one of the two.
type Side struct {
	Name        string      `json:"name"`
	Tally       model.Tally `json:"tally"`
	RunsPresent int         `json:"runsComplete"`
	RunsFailed  int         `json:"runsFailed"`
	RunsMissing int         `json:"runsMissing"`
}

// ClaimChange is one claim on both sides.
type ClaimChange struct {
	ID          string           `json:"id"`
	Temperature float64          `json:"temperature"`
	A           stats.Verdict    `json:"a"`
	B           stats.Verdict    `json:"b"`
	Contrasts   []ContrastChange `json:"contrasts"`
}

// ContrastChange is one contrast on both sides, or one observation.
type ContrastChange struct {
	Contrast  string            `json:"contrast"`
	Statistic string            `json:"statistic,omitempty"` // of an observation
	A         *model.Difference `json:"a,omitempty"`
	B         *model.Difference `json:"b,omitempty"`
	NA        int               `json:"nA"` // pairs
	NB        int               `json:"nB"`
	Change    *Change           `json:"change,omitempty"`
}

// ArmChange is the mean accuracy of an arm on both sides, in points.
type ArmChange struct {
	ID          string   `json:"id"`
	Temperature float64  `json:"temperature"`
	Trained     bool     `json:"trained"`
	A           *float64 `json:"a,omitempty"`
	B           *float64 `json:"b,omitempty"`
	NA          int      `json:"nA"` // runs
	NB          int      `json:"nB"`
	Change      *Change  `json:"change,omitempty"`
}

// Change is B - A with its interval, the sides taken as independent.
type Change struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	// P is two-sided; Noise says that after Holm's correction it is no less than alpha.
	P     float64 `json:"p"`
	Noise bool    `json:"withinNoise"`
}

// ProvenancePair is a fact about where the runs come from.
type ProvenancePair struct {
	Name string   `json:"name"`
	A    []string `json:"a"`
	B    []string `json:"b"`
	Same bool     `json:"same"`
}

// Compare sets two reports side by side; each has a name for its reader. They must be on the same tier and
// claims, so that what differs is the runs.
func Compare(nameA string, a *model.Report, nameB string, b *model.Report) (*Comparison, error) {
	if a.Tier.ID != b.Tier.ID || len(a.Claims) != len(b.Claims) || a.Tier.Seeds != b.Tier.Seeds {
		return nil, fmt.Errorf("report: tier %s with %d claims is not compared with tier %s with %d", a.Tier.ID, len(a.Claims), b.Tier.ID, len(b.Claims))
	}
	c := &Comparison{
		Schema: ComparisonSchema, Version: model.Version, Alpha: model.TotalAlpha, Level: 1 - model.TotalAlpha, EstimateLevel: a.Level, Tier: a.Tier,
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
	return Side{Name: name, Tally: r.Tally, RunsPresent: r.Tier.RunsPresent, RunsFailed: r.Tier.RunsFailed, RunsMissing: r.Tier.RunsMissing}
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
		claim := ClaimChange{ID: left.ID, Temperature: left.Temperature, A: left.Verdict, B: right.Verdict}
		if left.Verdict != right.Verdict {
			c.Verdicts++
		}
		for j, x := range left.Contrasts {
			y := right.Contrasts[j]
			out := ContrastChange{Contrast: words.Name(x), Statistic: x.Statistic, A: x.Difference, B: y.Difference, NA: x.N, NB: y.N}
			key := fmt.Sprint(out.Contrast, left.Temperature)
			if out.Change = seen[key]; out.Change == nil && x.Difference != nil && y.Difference != nil {
				change, err := newChange(sample(x), sample(y))
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
	if err := tellNoise(changes); err != nil {
		return err
	}
	c.Compared = len(changes)
	for _, change := range changes {
		if !change.Noise {
			c.Moved++
		}
	}
	return nil
}

func sample(x model.Contrast) stats.Difference {
	return stats.Difference{N: x.N, Estimate: x.Difference.Estimate, SE: x.Difference.SE, DF: float64(x.N - 1)}
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
	return tellNoise(changes)
}

func armSample(a model.Arm) stats.Difference {
	return stats.Difference{N: a.N, Estimate: *a.Mean, SE: *a.SD / math.Sqrt(float64(a.N)), DF: float64(a.N - 1)}
}

func newChange(before, after stats.Difference) (*Change, error) {
	d, err := stats.NewChange(before, after, 1-model.TotalAlpha)
	if err != nil {
		return nil, err
	}
	return &Change{Estimate: d.Estimate, Low: d.Interval.Low, High: d.Interval.High, P: d.P}, nil
}

// tellNoise corrects for having looked at all changes: one in twenty falls out of its interval by chance.
func tellNoise(changes []*Change) error {
	var p []float64
	for _, c := range changes {
		p = append(p, c.P)
	}
	p, err := stats.Holm(p)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for i, c := range changes {
		c.Noise = p[i] >= model.TotalAlpha
	}
	return nil
}
