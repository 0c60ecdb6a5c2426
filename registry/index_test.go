package registry_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStatuses(t *testing.T) {
	root := t.TempDir()
	r := openRegistry(t, root)
	var want []registry.RunStatus
	add := func(m registry.Manifest) {
		run, digest := commit(t, r, m)
		got, _, err := r.Run(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, registry.RunStatus{Run: run, Status: got.Status, ResultDigest: got.ResultDigest, Manifest: digest})
	}
	check := func(what string) {
		t.Helper()
		slices.SortFunc(want, func(a, b registry.RunStatus) int { return strings.Compare(a.Run, b.Run) })
		got, err := r.Statuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		var manifests []registry.RunStatus
		for m, err := range r.Manifests(t.Context()) {
			s := registry.RunStatus{Run: m.Run, Status: m.Status, ResultDigest: m.ResultDigest, Err: err}
			manifests = append(manifests, s)
		}
		if diff := cmp.Diff(want, manifests, cmpopts.EquateErrors(), cmpopts.IgnoreFields(registry.RunStatus{}, "Manifest")); diff != "" {
			t.Errorf("%s: Manifests (-want +got):\n%s", what, diff)
		}
	}
	check("no runs")
	for i := range 120 {
		add(newManifest(i, nil))
	}
	add(registry.Manifest{Status: registry.Failed, Reason: "diverged", Key: []byte(`{"seed":"failed"}`)})
	check("without index")
	index := readFile(t, root, "index/runs.json")
	check("with index")
	add(newManifest(1000, nil))
	check("with an old index")
	if readFile(t, root, "index/runs.json") != index {
		t.Error("the index is written again for one run")
	}

	// A damaged index is no index; a damaged manifest is one.
	overwrite(t, root, "index/runs.json", strings.Replace(index, "failed", "fooled", 1))
	check("with a damaged index")
	victim := &want[7]
	name := "runs/" + victim.Run + "/manifest.json"
	overwrite(t, root, name, readFile(t, root, name)+" ")
	*victim = registry.RunStatus{Run: victim.Run, Err: registry.ErrCorrupt}
	check("with a damaged manifest")
	if got := found(t, r, registry.CheckOptions{}); !slices.Equal(got, []string{name + ": bad manifest"}) {
		t.Errorf("Check finds %q", got)
	}
}
