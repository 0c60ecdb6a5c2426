package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// misdeclared says where a run is not the arm, tier and probe that it is used for.
func misdeclared(tier *bench.Tier, claim *bench.Claim, arm *bench.Arm, o measurement) (out []string) {
	spec, env := o.cell.Spec, bench.Environment{Backend: o.cell.Spec.Backend}
	if m := spec.Training.Method; m != nil && arm.Features == bench.Trained {
		env.Method = m.Version
	}
	want := tier.Spec(arm, o.cell.Temperature, o.cell.Seed, &dataset.Source{Name: tier.Dataset, Digest: spec.Dataset.Digest}, env)
	if want.Probe = tier.ProbeOf(claim); want.Probe == "" { // observations need no probe
		want.Probe = spec.Probe
	}
	for _, d := range bench.Differences(spec.Key(), want.Key()) {
		out = append(out, fmt.Sprintf("%s: %s, not %s", d.Path, words.OrNone(d.A), words.OrNone(d.B)))
	}
	return out
}

// undeclared lists what differs between two runs that a contrast compares, besides the rules, features and
// temperatures that the arms declare. It looks at their keys, so that a field added to specs counts as undeclared
// until someone decides otherwise.
func (m *matrix) undeclared(a, b measurement) (out []string) {
	left, right := a.cell.Spec, b.cell.Spec
	if a.id == b.id {
		return []string{"or rather in nothing: both are the same run"}
	}
	declared := []string{"training.features", "training.rules"}
	if m.Catalogue.Arm(a.cell.Arm).Temperature != m.Catalogue.Arm(b.cell.Arm).Temperature {
		declared = append(declared, "training.config.temperature")
	}
	features := []bench.Features{left.Training.Features, right.Training.Features}
	if features[0] != features[1] { // floors have none of these
		declared = append(declared, "training.method", "training.config", "training.encoder", "training.checkpoints", "training.band_every")
	}
	if slices.Contains(features, bench.Pixels) {
		declared = append(declared, "seed") // nothing is drawn
	}
	differences := append(bench.Differences(left.Key(), right.Key()),
		bench.Difference{Path: "numerics", A: a.run.Manifest.Provenance.Backend, B: b.run.Manifest.Provenance.Backend}, // more exactly than the key
		bench.Difference{Path: "test images", A: fmt.Sprint(a.run.Result.Accuracy.N), B: fmt.Sprint(b.run.Result.Accuracy.N)})
	for _, d := range differences {
		if d.A != d.B && !slices.ContainsFunc(declared, d.Within) {
			out = append(out, d.String())
		}
	}
	return out
}

// pairable adds why two runs are no pair of a seed, if they are none.
func (m *matrix) pairable(a, b measurement, seed uint64, obstacles bySeed) {
	for _, d := range once(m.differences, [4]string{a.id, b.id, a.cell.Arm, b.cell.Arm}, func() []string { return m.undeclared(a, b) }) {
		obstacles.add("the arms differ in what the contrast does not declare, "+d, seed)
	}
	if !sameStart(a, b) {
		obstacles.add("the arms do not begin alike, so they are not pairs of one seed", seed)
	}
}

// qualify notes what differs between two runs but does not enter their numbers, or should not.
func qualify(a, b measurement) (notes []string) {
	left, right := a.run.Manifest.Provenance, b.run.Manifest.Provenance
	if machine(left) != machine(right) {
		notes = append(notes, "At some seeds the two arms were computed on different machines or by different versions of Go.")
	}
	if left.Code != right.Code {
		notes = append(notes, "At some seeds the two arms were computed by different source (their code digests differ), under equal versions of method and probe: golden digests hold those to equal numbers.")
	} else if left.Commit != right.Commit {
		notes = append(notes, "At some seeds the two arms were computed by builds of different commits; their code digests are equal.")
	}
	if left.Dirty || right.Dirty {
		notes = append(notes, "Some runs were made by a build whose source differed from its commit; the code digest tells what ran.")
	}
	if sameCourse(a, b) {
		notes = append(notes, a.cell.Arm+" - "+b.cell.Arm+": at some seeds training went exactly the same way in both arms, so the rules made no difference there.")
	}
	return notes
}

// The gates keep verdicts from resting on what a mistake in the method would leave behind.

// sameStart says whether two trained runs agree on their first step, before anything was learned: seed and
// data alone decide how near a query is to its key there. Runs filed under another's seed do not.
func sameStart(a, b measurement) bool {
	left, right := a.run.Result.Progress, b.run.Result.Progress
	if !a.trained() || !b.trained() {
		return true
	}
	if len(left) == 0 || len(right) == 0 || left[0].Step != 1 || right[0].Step != 1 {
		return false
	}
	const rounding = 1e-5 // XLA may fuse the same step differently
	return math.Abs(left[0].Alignment-right[0].Alignment) < rounding
}

// sameCourse says whether training went exactly the same way in two arms, step by step: then what sets them
// apart was without effect.
func sameCourse(a, b measurement) bool {
	series := func(o measurement) string {
		return string(o.run.Manifest.Artifacts[bench.SeriesArtifact].Digest)
	}
	return series(a) != "" && series(a) == series(b)
}

// inert forbids a verdict on arms of which so many pairs, all of them, went the same way. At one seed that may
// happen, where a rule finds nothing to select; at every seed the rules were not applied, or there
// were no negatives to apply them to. A difference of zero without spread would otherwise prove that one arm does
// as well as the other.
func inert(alike, pairs int) (why []string) {
	if pairs > 1 && alike == pairs {
		why = append(why, "training went exactly the same way in both arms at every seed, so the rules made no difference")
	}
	return why
}

// ceiling is the accuracy, in points, from which on there is no room for a difference.
const ceiling = 99

// uninformative says why accuracies of a trained arm tell nothing of what negatives teach: because nothing was
// learned (they are not shown to lie above the floors, by a one-sided t test over seeds), or because there was
// nothing to learn (they are at the ceiling, as when labels leak into features).
func (l look) uninformative(arm string, accuracies []float64) (why []string) {
	mean, err := stats.Mean(accuracies)
	if err != nil || len(accuracies) < 2 || l.Catalogue.Arm(arm).Features != bench.Trained {
		return nil // missing runs are said elsewhere, and floors are what they are
	}
	for _, id := range l.Catalogue.Floors {
		floor, err := stats.Mean(l.accuracies(id))
		if err != nil {
			continue // it was not run
		}
		result, err := stats.Above(accuracies, slices.Repeat([]float64{floor}, len(accuracies)), 0, l.alpha)
		if err != nil || result.Evidence.Support > l.alpha {
			why = append(why, fmt.Sprintf("%s, at %s points, is not shown to be above the floor %q (%s points), so it may have learned nothing", arm, words.Plain(mean), id, words.Plain(floor)))
		}
	}
	if mean >= ceiling {
		why = append(why, fmt.Sprintf("%s is at %s points, where there is no room for a difference; do labels leak into the features?", arm, words.Plain(mean)))
	}
	return why
}

// accuracies are those of a floor at the seeds of the look: others, which a report may hold too, move no verdict.
func (l look) accuracies(floor string) (all []float64) {
	for _, seed := range l.seeds.All() {
		if o, _ := l.cell(floor, 0, seed); o.status == model.Complete {
			all = append(all, o.linear())
		}
	}
	return all
}

// copied says at which seeds an arm's counts are those of an earlier seed: then one encoder was analysed under the
// names of two, and agrees with itself. Counts of thousands of images are never alike by chance.
func copied(arm string, seeds []uint64, counts [][]uint16, obstacles bySeed) {
	for i := range counts {
		for j := range i {
			if slices.Equal(counts[i], counts[j]) {
				obstacles.add(fmt.Sprintf("%s was analysed with the counts of seed %d once more", arm, seeds[j]), seeds[i])
				break
			}
		}
	}
}
