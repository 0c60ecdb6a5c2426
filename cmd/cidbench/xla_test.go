package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/registry"
)

// TestSmokeOnXLA: a claim of the smoke tier is trained on XLA and judged, and the manifests name the plugin.
func TestSmokeOnXLA(t *testing.T) {
	b := backendtest.XLA(t)
	store := filepath.Join(t.TempDir(), "store")
	args := []string{"run", "--store", store, "--tier", "smoke", "--claim", "hardest5", "--seeds", "1", "--backend", "xla:" + b.Plugin.Path}
	if out, err := exec.CommandContext(t.Context(), program(), args...).CombinedOutput(); err != nil || !strings.Contains(string(out), "XLA on "+b.Plugin.Label()) {
		t.Fatalf("%v\n%s", err, out)
	}
	reg, err := registry.OpenExisting(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	trained := 0
	for m, err := range reg.Manifests(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil {
			t.Fatal(err)
		}
		if m.Status != registry.Complete || stored.Backend != "xla" || m.Provenance.Backend != b.String() {
			t.Errorf("%s, backend %q in the key and %q in the manifest, want %q", m.Status, stored.Backend, m.Provenance.Backend, b)
		}
		if stored.Training.Features == bench.Trained {
			trained++
		}
	}
	if trained < 2 {
		t.Errorf("%d trainings", trained)
	}
}
