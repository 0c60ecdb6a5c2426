package judge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/words"
)

// misdeclared says where a run is not the arm, tier and probe that it is used for.
func misdeclared(tier *bench.Tier, claim *bench.Claim, arm *bench.Arm, o measurement) (out []string) {
	spec := o.cell.Spec
	for _, x := range []struct {
		what      string
		got, want any
	}{
		{"probe", spec.Probe, cmp.Or(claim.Probe, spec.Probe)}, // observations need no probe
		{"data set", spec.Dataset.Name, tier.Dataset},
		{"seed", spec.Seed, o.cell.Seed},
		{"features", spec.Arm.Features, arm.Features},
		{"rules", spec.Arm.Rules, arm.Rules},
	} {
		if got, want := fmt.Sprint(x.got), fmt.Sprint(x.want); got != want {
			out = append(out, fmt.Sprintf("%s: %s, not %s", x.what, got, want))
		}
	}
	if arm.Features != bench.Pixels {
		want := tier.Train
		want.Temperature = o.cell.Temperature
		if spec.Arm.Config == nil || !reflect.DeepEqual(*spec.Arm.Config, want) {
			out = append(out, fmt.Sprintf("training is not configured as in tier %q", tier.ID))
		}
	}
	return out
}

// undeclared lists what differs between two runs that a contrast compares, besides the rules and
// features that the arms declare. It walks the JSON of the specs, so that a field added to them counts
// as undeclared until someone decides otherwise.
func undeclared(a, b measurement) (out []string) {
	if a.cell.Spec.ID() == b.cell.Spec.ID() {
		return []string{"or rather in nothing: both are the same run"}
	}
	left, right := flatten(a.cell.Spec), flatten(b.cell.Spec)
	ignored := []string{"training.features", "training.rules"}
	if !a.trained() || !b.trained() {
		// Floors have none of these, and their one temperature means nothing.
		ignored = append(ignored, "training.checkpoints", "training.band_every", "training.config.temperature")
	}
	if a.cell.Spec.Arm.Features == bench.Pixels || b.cell.Spec.Arm.Features == bench.Pixels {
		ignored = append(ignored, "training.config", "seed") // nothing is drawn or trained
	}
	left[backendKey], right[backendKey] = a.run.Manifest.Provenance.Backend, b.run.Manifest.Provenance.Backend
	left["test images"], right["test images"] = fmt.Sprint(a.run.Result.Accuracy.N), fmt.Sprint(b.run.Result.Accuracy.N)
	all := maps.Clone(left)
	maps.Copy(all, right)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if left[path] != right[path] && !slices.ContainsFunc(ignored, func(p string) bool { return within(path, p) }) {
			out = append(out, fmt.Sprintf("%s: %s and %s", path, words.OrNone(left[path]), words.OrNone(right[path])))
		}
	}
	return out
}

// backendKey is what computed a run, more exactly than the kind of numerics in its spec.
const backendKey = "numerics"

// within says whether a path is prefix or lies below it.
func within(path, prefix string) bool {
	return path == prefix || len(path) > len(prefix) && path[:len(prefix)] == prefix && (path[len(prefix)] == '.' || path[len(prefix)] == '[')
}

// flatten maps the path of every leaf of a spec's JSON to its text.
func flatten(spec bench.Spec) map[string]string {
	var tree any
	if err := json.Unmarshal(spec.Key(), &tree); err != nil {
		panic(err) // Key is JSON
	}
	leaves := map[string]string{}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for name, child := range node {
				if path != "" {
					name = path + "." + name
				}
				walk(name, child)
			}
		case []any:
			for i, child := range node {
				walk(fmt.Sprintf("%s[%d]", path, i), child)
			}
		default:
			leaves[path] = fmt.Sprint(node)
		}
	}
	walk("", tree)
	return leaves
}

// qualify notes what differs between two runs but does not enter their numbers, or should not.
func qualify(a, b measurement) (notes []string) {
	left, right := a.run.Manifest.Provenance, b.run.Manifest.Provenance
	if machine(left) != machine(right) {
		notes = append(notes, "At some seeds the two arms were computed on different machines or by different versions of Go.")
	}
	if left.Commit != right.Commit {
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
