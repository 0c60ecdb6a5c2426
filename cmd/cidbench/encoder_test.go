package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// TestProbeOfAnExportedEncoderIsThatOfItsRun: file, normalisation and protocol are those with which the run was probed.
func TestProbeOfAnExportedEncoderIsThatOfItsRun(t *testing.T) {
	store, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	reg, err := registry.OpenExisting(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	file, probed := filepath.Join(t.TempDir(), "encoder.safetensors"), 0
	for m, err := range reg.Manifests(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil || stored.Training.Features != bench.Trained || len(m.Artifacts) == 0 || stored.Seed > 0 {
			continue
		}
		var want bench.Result
		if err := json.Unmarshal(m.Result, &want); err != nil || want.Accuracy.N == 0 {
			continue
		}
		for _, args := range [][]string{
			{"export-encoder", m.Run, "--store", store, "--output", file},
			{"probe", "--encoder", file, "--data", "glyphs-small", "--tier", "smoke", "--backend", "go", "--json"},
		} {
			out, err := exec.Command(program(), args...).Output()
			if err != nil {
				t.Fatalf("%v: %v", args, err)
			}
			if args[0] == "export-encoder" {
				continue
			}
			var got study.Probed
			if err := json.Unmarshal(out, &got); err != nil || got.Accuracy != want.Accuracy {
				t.Errorf("run %s: %+v, want %+v, %v", m.Run, got.Accuracy, want.Accuracy, err)
			}
			probed++
		}
	}
	if probed == 0 {
		t.Error("no run was probed")
	}
}
