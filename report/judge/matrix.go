package judge

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// slot is where a cell stands in the matrix.
type slot struct {
	arm         string
	temperature float64
	seed        uint64
}

// matrix is an input whose cells can be found.
type matrix struct {
	Input
	cells map[slot]measurement
	held  []model.Target
	// What comparing keys has found, which takes most of the time of a report: looks and claims share runs.
	misdeclarations, differences map[[4]string][]string
}

// once remembers what a comparison found.
func once(found map[[4]string][]string, of [4]string, compare func() []string) []string {
	out, done := found[of]
	if !done {
		out = compare()
		found[of] = out
	}
	return out
}

// newMatrix indexes the cells of an input, and refuses one that no honest report can be made of.
func newMatrix(in Input) (*matrix, error) {
	m := &matrix{Input: in, cells: map[slot]measurement{}, misdeclarations: map[[4]string][]string{}, differences: map[[4]string][]string{}}
	var errs []error
	for _, cell := range in.Cells {
		at := slot{cell.Arm, cell.Temperature, cell.Seed}
		if in.Catalogue.Arm(cell.Arm) == nil {
			errs = append(errs, fmt.Errorf("report: a cell names the unknown arm %q", cell.Arm))
		}
		if _, ok := m.cells[at]; ok {
			errs = append(errs, fmt.Errorf("report: two cells of %s at temperature %g, seed %d", cell.Arm, cell.Temperature, cell.Seed))
		}
		o := m.measured(cell)
		m.cells[at] = o
		if !o.done {
			continue
		}
		// The key is what was computed: a run filed under another id would be judged as what it is not.
		if computed, err := registry.RunID(o.run.Manifest.Key); err != nil || computed != o.id {
			errs = append(errs, fmt.Errorf("report: %w: run %s holds the key of %s", registry.ErrCorrupt, o.id, computed))
		}
	}
	for _, claim := range in.Claims {
		if !claim.In(in.Tier.ID) {
			errs = append(errs, fmt.Errorf("report: claim %q is not tested in tier %q", claim.ID, in.Tier.ID))
		}
		for _, id := range claim.Arms() {
			if in.Catalogue.Arm(id) == nil {
				errs = append(errs, fmt.Errorf("report: claim %q names an unknown arm %q", claim.ID, id))
			}
		}
	}
	return m, errors.Join(errs...)
}

// cell finds where an arm's run stands in the matrix, which lists equal runs once: floors at the tier's
// temperature, pixels at seed 0, and an arm that is another by a second name under that name. It is returned under the
// name that was asked for.
func (m *matrix) cell(id string, temperature float64, seed uint64) (measurement, bool) {
	arm := m.Catalogue.Arm(id)
	trained := m.Tier.TemperatureOf(arm, temperature)
	if arm.Features == bench.Pixels {
		seed = 0
	}
	for _, other := range append([]*bench.Arm{arm}, m.Catalogue.Arms...) {
		if other.Features == arm.Features && slices.Equal(other.Rules, arm.Rules) {
			if o, ok := m.cells[slot{other.ID, trained, seed}]; ok {
				o.cell.Arm = id
				return o, true
			}
		}
	}
	return measurement{}, false
}

// measured is a cell with its run.
func (m *matrix) measured(cell bench.Cell) measurement {
	o := measurement{cell: cell, id: cell.Spec.ID(), status: model.NotRun}
	run, done := m.Runs[o.id]
	if !done {
		if near, ok := m.Near[o.id]; ok {
			o.reason = near.String()
		}
		return o
	}
	o.run, o.done, o.status = run, true, model.Complete
	if run.Manifest.Status == registry.Failed {
		o.status, o.reason = model.Failed, words.OneLine(run.Manifest.Reason)
	} else if reason := unusable(run); reason != "" {
		o.status, o.reason = model.Unusable, reason
	}
	return o
}

// analysisOf finds the analysis of an arm's run at the end of training, or of the encoder that is not trained.
func (m *matrix) analysisOf(arm string, temperature float64, seed uint64) *AnalysisRun {
	o, ok := m.cell(arm, temperature, seed)
	if !ok {
		return nil
	}
	for i, run := range m.Analyses {
		if run.Spec.Run == o.id && run.Step == o.cell.Spec.Training.Steps() {
			return &m.Analyses[i]
		}
	}
	return nil
}

// measurement is one cell of the matrix with its run, and what keeps it from being used.
type measurement struct {
	cell   bench.Cell
	id     string // of the run
	run    Run
	done   bool // the run is there, complete or failed
	status model.Status
	reason string // why not complete
}

func (o measurement) row() model.RunRow {
	row := model.RunRow{
		Seed: o.cell.Seed, Status: o.status, Reason: o.reason, Run: o.id,
		Manifest: o.run.Digest, Result: o.run.Manifest.ResultDigest,
	}
	if o.status != model.Complete {
		return row
	}
	a := o.run.Result.Accuracy
	row.Linear = points(a.Linear, a.N)
	if a.Ridge+a.KNN > 0 { // an evaluation by SGD has no other probes
		row.Ridge, row.KNN = points(a.Ridge, a.N), points(a.KNN, a.N)
	}
	row.Correct = &model.Correct{Linear: a.Linear, Ridge: a.Ridge, KNN: a.KNN, Weighted: a.Weighted, TestImages: a.N}
	if a.Weighted > 0 { // no other probe has it
		row.Weighted = points(a.Weighted, a.N)
	}
	if o.trained() {
		row.Loss = &o.run.Result.Loss
	}
	return row
}

func (o measurement) ref() model.RunRef {
	return model.RunRef{Arm: o.cell.Arm, Seed: o.cell.Seed, Run: o.id, Manifest: o.run.Digest}
}

func (o measurement) trained() bool { return o.cell.Spec.Training.Features == bench.Trained }

// linear is the accuracy that claims are about, in points.
func (o measurement) linear() float64 {
	return *points(o.run.Result.Accuracy.Linear, o.run.Result.Accuracy.N)
}

func points(correct, of int) *float64 {
	p := 100 * float64(correct) / float64(of)
	return &p
}

// unusable says which number of a complete run is none.
func unusable(run Run) string {
	a := run.Result.Accuracy
	if a.N < 1 || min(a.Linear, a.Ridge, a.KNN) < 0 || max(a.Linear, a.Ridge, a.KNN) > a.N {
		return fmt.Sprintf("%d (linear), %d (ridge) and %d (neighbours) correct of %d test images are no accuracies", a.Linear, a.Ridge, a.KNN, a.N)
	}
	for _, p := range slices.Concat(run.Result.Curve, []bench.CurvePoint{{Accuracy: a}}) {
		if p.Accuracy.N < 1 || p.Accuracy.Weighted < 0 || p.Accuracy.Weighted > p.Accuracy.N {
			return fmt.Sprintf("no accuracy at step %d", p.Step)
		}
	}
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	if bad(run.Result.Loss) || slices.ContainsFunc(run.Result.Progress, func(p bench.ProgressPoint) bool { return bad(p.Loss) }) {
		return "the loss is not a number"
	}
	if slices.ContainsFunc(run.Result.Bands, func(x contrast.Band) bool { return bad(x.SameClass) || bad(x.Similarity) }) {
		return "the difficulty bands hold what is not a number"
	}
	return ""
}

// grouped puts together what has the same key, in the order of the first of each.
func grouped[T any, K comparable](all []T, key func(T) K) (groups [][]T) {
	at := map[K]int{}
	for _, x := range all {
		i, known := at[key(x)]
		if !known {
			i = len(groups)
			at[key(x)], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], x)
	}
	return groups
}

// look is a claim judged on some seeds, at a one-sided level in either direction.
type look struct {
	*matrix
	seeds bench.Seeds
	alpha float64
}

// restsOn lists the arms that a verdict on the claim rests on, but those of sweeps.
func (m *matrix) restsOn(claim *bench.Claim) []string {
	arms := claim.Judged()
	if len(claim.Contrasts) > 0 {
		arms = append(arms, m.Catalogue.Gain.Of, m.Catalogue.Gain.Over)
	}
	slices.Sort(arms)
	return slices.Compact(arms)
}

// usable finds the measurement of an arm at a seed, and adds what is wrong with it; without a number it
// is of no use.
func (l look) usable(claim *bench.Claim, arm string, temperature float64, seed uint64, obstacles bySeed) (measurement, bool) {
	o, ok := l.cell(arm, temperature, seed)
	if !ok {
		obstacles.add(arm+" is not part of the matrix", seed)
		return measurement{}, false
	}
	switch near, stored := l.Near[o.id]; {
	case o.status == model.Complete:
		for _, wrong := range once(l.misdeclarations, [4]string{o.id, arm, claim.Probe}, func() []string {
			return misdeclared(l.Tier, claim, l.Catalogue.Arm(arm), o)
		}) {
			obstacles.add(arm+" is not what the catalogue declares, "+wrong, seed)
		}
		return o, true
	case o.status != model.NotRun:
		obstacles.add(fmt.Sprintf("%s: %s: %s", arm, o.status, o.reason), seed)
	case stored:
		obstacles.add(fmt.Sprintf("%s was not run as the catalogue asks, stored runs differ in %s", arm, near.fields()), seed)
	default:
		obstacles.add(arm+" was not run", seed)
	}
	return o, false
}

// nothing is the verdict on a claim without a single pair.
func (l look) nothing(claim *bench.Claim) stats.Verdict {
	if len(l.near(claim)) > 0 {
		return model.NotAsAsked
	}
	return model.NothingToJudge
}

// near names the stored runs that come nearest to what a claim asks for and is not there, in a sentence or none.
func (l look) near(claim *bench.Claim) (sentence []string) {
	var runs []string
	for _, arm := range l.restsOn(claim) {
		for _, seed := range l.seeds.All() {
			if o, ok := l.cell(arm, l.Tier.Temperature(claim), seed); ok {
				if near, ok := l.Near[o.id]; ok {
					runs = append(runs, fmt.Sprintf("run %s (%s)", near.Run, o.cell.Name()))
				}
			}
		}
	}
	if len(runs) > 0 {
		sentence = []string{"Stored, but not as the catalogue asks for it: " + strings.Join(runs, ", ") + "."}
	}
	return sentence
}

// bySeed collects the seeds at which something holds.
type bySeed map[string][]uint64

func (s bySeed) add(what string, seed uint64) {
	if !slices.Contains(s[what], seed) { // an arm may stand on several sides
		s[what] = append(s[what], seed)
	}
}

func (s bySeed) sentences() (out []string) {
	for _, what := range slices.Sorted(maps.Keys(s)) {
		name := "seeds"
		if len(s[what]) == 1 {
			name = "seed"
		}
		out = append(out, fmt.Sprintf("%s (%s %s)", what, name, words.Joined(s[what], ", ", func(n uint64) string { return fmt.Sprint(n) })))
	}
	return out
}
