package main

import (
	"context"
	"encoding/json"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

// recode commits every run of a store once more, as if another version of the code had computed it from
// another commit, with other accuracies for all trained arms with rules: recode STORE CODE COMMIT.
func recode(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	reg, err := registry.OpenExisting(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	var all []registry.Manifest
	for m, err := range reg.Manifests(ctx) {
		ts.Check(err)
		all = append(all, m)
	}
	for _, m := range all {
		var spec bench.Spec
		var result bench.Result
		ts.Check(json.Unmarshal(m.Key, &spec))
		ts.Check(json.Unmarshal(m.Result, &result))
		spec.Code = args[1]
		if len(spec.Training.Rules) > 0 {
			result.Accuracy.Linear += 200
		}
		again := registry.Manifest{Status: m.Status, Key: spec.Key(), Artifacts: m.Artifacts, Provenance: m.Provenance}
		again.Provenance.Commit = args[2]
		again.Result, err = json.Marshal(result)
		ts.Check(err)
		_, err = reg.Commit(ctx, again)
		ts.Check(err)
	}
}
