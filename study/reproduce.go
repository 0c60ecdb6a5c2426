package study

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Reproduction is what came of training again what published verdicts rest on.
type Reproduction struct {
	Runs int `json:"runs"` // trainings and floors that both sides have
	// Same have the published result, byte for byte, artifacts included. Of the others, whose processor rounds
	// otherwise, Within lie in the prediction interval at Level of one more seed of their arm, and Outside do not.
	Same    int     `json:"same"`
	Within  int     `json:"within"`
	Outside int     `json:"outside"`
	Level   float64 `json:"level"`
	// Absent are runs that the published evidence does not hold.
	Absent int        `json:"absent,omitempty"`
	Claims []Verdicts `json:"claims"`
	Differ []Differs  `json:"differ,omitempty"`
}

// Verdicts are those on a claim, from the published runs and from these, both at the looks that were run here.
type Verdicts struct {
	Claim     string        `json:"claim"`
	Look      int           `json:"look"` // of these, from 1
	Published stats.Verdict `json:"published"`
	Here      stats.Verdict `json:"here"`
}

// Differs is a run whose bytes are not the published ones. Accuracies are in points.
type Differs struct {
	Name      string         `json:"name"`
	Published float64        `json:"published"`
	Here      float64        `json:"here"`
	Expected  stats.Interval `json:"expected"`
}

// String is the outcome in one sentence.
func (r *Reproduction) String() string {
	alike := len(pick(r.Claims, func(v Verdicts) bool { return v.Published == v.Here }))
	text := fmt.Sprintf("Of %d runs, %d have the same bytes as the published evidence", r.Runs, r.Same)
	if other := r.Runs - r.Same; other > 0 {
		text += fmt.Sprintf(" and %d of the other %d, where the processor rounds otherwise, lie in the %g%% prediction interval of their arm", r.Within, other, 100*r.Level)
	}
	if r.Absent > 0 {
		text += fmt.Sprintf(" (%d more are not in it)", r.Absent)
	}
	if alike == len(r.Claims) {
		return text + fmt.Sprintf("; the verdict on each of the %d claims is the same.", alike)
	}
	return text + fmt.Sprintf("; the verdict on %d of %d claims is the same.", alike, len(r.Claims))
}

// Reproduce trains again what the primary claims of the tier's plan need, and the first look of the secondary ones,
// and sets it beside published evidence. The registry of the options must not hold that evidence. The report is of what
// was run here. Errors: UsageError if the tier has no plan; those of Open; beside a reproduction, that of Damage.
func Reproduce(ctx context.Context, catalogue *bench.Catalogue, o Options, evidence string) (*Reproduction, *model.Report, error) {
	plan := catalogue.Plan(o.Tier)
	if plan == nil {
		return nil, nil, UsageError{fmt.Errorf("tier %q has no plan, so there is nothing to reproduce", o.Tier)}
	}
	o.Access, o.Claims = Write, plan.Claims()
	published := o
	published.Store, published.Access = evidence, Read
	theirs, err := Open(ctx, catalogue, published)
	if err != nil {
		return nil, nil, fmt.Errorf("--evidence: %w", err)
	}
	s, err := Open(ctx, catalogue, o)
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.Register(ctx); err != nil {
		return nil, nil, err
	}
	primary := *s
	primary.claims = pick(s.claims, func(c *bench.Claim) bool { return plan.Role(c.ID) == bench.Primary })
	at := extent{cells: primary.matrix(0)}
	if _, _, err := primary.look(ctx, &at, true); err != nil {
		return nil, nil, err
	}
	at = extent{cells: union(at.cells, s.matrix(0)), stopped: "the reproduction ends with their first look"}
	if err := s.damage.note(s.compute(ctx, at.cells)); err != nil {
		return nil, nil, err
	}
	ours, err := s.input(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	reference, err := theirs.input(ctx, at)
	if err != nil {
		return nil, nil, fmt.Errorf("--evidence: %w", err)
	}
	here, err := judge.Build(ours)
	if err != nil {
		return nil, nil, err
	}
	there, err := judge.Build(reference)
	if err != nil {
		return nil, nil, fmt.Errorf("--evidence: %w", err)
	}
	r := &Reproduction{Level: 0.95}
	r.compare(at.cells, ours.Runs, reference.Runs, func(cell bench.Cell) (stats.Interval, error) {
		return stats.Prediction(accuraciesOf(there, cell), r.Level)
	})
	for _, c := range here.Claims {
		i := slices.IndexFunc(there.Claims, func(x model.Claim) bool { return x.ID == c.ID })
		r.Claims = append(r.Claims, Verdicts{c.ID, c.Look, there.Claims[i].Verdict, c.Verdict})
	}
	return r, here, errors.Join(theirs.Damage(), s.Damage())
}

// compare sets runs, by id, beside the published ones. A run without an interval to expect it in lies outside.
func (r *Reproduction) compare(cells []bench.Cell, ours, published map[string]judge.Run, expect func(bench.Cell) (stats.Interval, error)) {
	for _, cell := range cells {
		id := cell.Spec.ID()
		a, okA := published[id]
		b, okB := ours[id]
		switch {
		case !okB:
			continue
		case !okA:
			r.Absent++
			continue
		}
		r.Runs++
		if a.Manifest.ResultDigest == b.Manifest.ResultDigest {
			r.Same++
			continue
		}
		expected, err := expect(cell)
		d := Differs{Name: cell.Name(), Published: points(a), Here: points(b), Expected: expected}
		if err == nil && d.Here >= expected.Low && d.Here <= expected.High {
			r.Within++
		} else {
			r.Outside++
		}
		r.Differ = append(r.Differ, d)
	}
}

// accuraciesOf are those of all seeds of a cell's arm, in points.
func accuraciesOf(r *model.Report, cell bench.Cell) (all []float64) {
	for _, arm := range r.Arms {
		if arm.ID != cell.Arm || arm.Temperature != cell.Temperature {
			continue
		}
		for _, run := range arm.Runs {
			if run.Linear != nil {
				all = append(all, *run.Linear)
			}
		}
	}
	return all
}

func points(run judge.Run) float64 {
	return 100 * float64(run.Result.Accuracy.Linear) / float64(run.Result.Accuracy.N)
}
