package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/report/words"
)

// misdeclared says where a run is not the arm, tier and probe that it is used for.
func misdeclared(tier *bench.Tier, claim *bench.Claim, arm *bench.Arm, o measurement) (out []string) {
	spec, env := o.cell.Spec, bench.Environment{Backend: o.cell.Spec.Backend}
	if m := spec.Training.Method; m != nil && arm.Features == bench.Trained {
		env.Method = m.Version
	}
	want := tier.Spec(arm, o.cell.Temperature, o.cell.Seed, &dataset.Source{Name: tier.Dataset, Digest: spec.Dataset.Digest}, env)
	if want.Probe = claim.Probe; claim.Probe == "" { // observations need no probe
		want.Probe = spec.Probe
	}
	for _, d := range bench.Differences(spec.Key(), want.Key()) {
		out = append(out, fmt.Sprintf("%s: %s, not %s", d.Path, words.OrNone(d.A), words.OrNone(d.B)))
	}
	return out
}

// undeclared lists what differs between two runs that a contrast compares, besides the rules and
// features that the arms declare. It looks at their keys, so that a field added to specs counts as undeclared
// until someone decides otherwise.
func undeclared(a, b measurement) (out []string) {
	left, right := a.cell.Spec, b.cell.Spec
	if left.ID() == right.ID() {
		return []string{"or rather in nothing: both are the same run"}
	}
	declared := []string{"training.features", "training.rules"}
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
