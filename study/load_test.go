package study_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// cells are so many cells that differ in nothing but the seed. Their runs are made up.
func cells(n int) (all []bench.Cell) {
	for seed := range uint64(n) {
		spec := bench.Spec{Seed: seed, Probe: "none", Backend: "go", Training: bench.Training{Features: bench.Untrained}}
		all = append(all, bench.Cell{Arm: "untrained", Temperature: 0.2, Seed: seed, Spec: spec})
	}
	return all
}

// open makes a registry in a folder of its own.
func open(t *testing.T) (*registry.Registry, string) {
	t.Helper()
	root := t.TempDir()
	reg, err := registry.Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return reg, root
}

func commit(t *testing.T, reg *registry.Registry, m registry.Manifest, key []byte, result any) {
	t.Helper()
	m.Key = key
	if m.Status == "" {
		m.Status = registry.Complete
	}
	if result != nil {
		text, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		m.Result = text
	}
	if _, err := reg.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	all := cells(3)
	reg, _ := open(t)
	want := bench.Result{Accuracy: probe.Accuracy{Linear: 7, Ridge: 6, KNN: 5, N: 10}, Loss: 1.5}
	commit(t, reg, registry.Manifest{}, all[0].Spec.Key(), want)
	commit(t, reg, registry.Manifest{Status: registry.Failed, Reason: "diverged"}, all[1].Spec.Key(), nil)
	runs, err := study.Load(t.Context(), reg, all)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, want 2: %v", len(runs), err)
	}
	id := all[0].Spec.ID()
	if diff := cmp.Diff(want, runs[id].Result); diff != "" {
		t.Error(diff)
	}
	if _, digest, err := reg.Run(t.Context(), id); err != nil || runs[id].Digest != digest || runs[id].Manifest.Run != id {
		t.Errorf("digest %s, want %s (%v)", runs[id].Digest, digest, err)
	}
	if got := runs[all[1].Spec.ID()].Manifest; got.Status != registry.Failed || got.Reason != "diverged" {
		t.Errorf("failed run: %+v", got)
	}
}

// Damage must neither look like a missing run nor like a result.
func TestLoadDamaged(t *testing.T) {
	for name, result := range map[string]json.RawMessage{
		"manifest flipped": json.RawMessage(`{"accuracy":{"linear":1}}`),
		"unknown metric":   json.RawMessage(`{"acuracy":{"linear":1}}`),
		"not a number":     json.RawMessage(`{"accuracy":"high"}`),
	} {
		t.Run(name, func(t *testing.T) {
			reg, root := open(t)
			all := cells(1)
			commit(t, reg, registry.Manifest{}, all[0].Spec.Key(), result)
			if name == "manifest flipped" {
				flip(t, only(t, root, "manifest.json"))
			}
			runs, err := study.Load(t.Context(), reg, all)
			if !errors.Is(err, registry.ErrCorrupt) || !strings.Contains(err.Error(), all[0].Spec.ID()) {
				t.Errorf("%d runs, %v; want the damage of run %s", len(runs), err, all[0].Spec.ID())
			}
		})
	}
}

// analysed commits an analysis with these counts, or with a blob that holds none.
func analysed(t *testing.T, reg *registry.Registry, blob []byte) (bench.Analysis, analysis.Measures) {
	t.Helper()
	cell := cells(1)[0]
	a := bench.Analysis{Cell: cell, Spec: bench.AnalysisSpec{Kind: "analysis", Run: cell.Spec.ID()}}
	m := analysis.Measures{Images: 2, Queries: 1, Statistics: map[string]analysis.Statistic{"x": {Value: 0.5}}}
	m.Counts = analysis.Counts{Hard: []uint16{3, 1}, Easy: []uint16{0, 4}}
	if blob == nil {
		blob = analysis.EncodeCounts(m.Counts)
	}
	stored, err := reg.PutBlob(t.Context(), analysis.CountsType, blob)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, reg, registry.Manifest{Artifacts: map[string]registry.Descriptor{bench.CountsArtifact: stored}}, a.Spec.Key(), m)
	return a, m
}

func TestLoadAnalyses(t *testing.T) {
	reg, _ := open(t)
	made, want := analysed(t, reg, nil)
	later := made
	later.Spec.Step = 1_000
	got, err := study.LoadAnalyses(t.Context(), reg, []bench.Analysis{made, later}) // the last was not made
	if err != nil || len(got) != 1 {
		t.Fatalf("%d analyses, want 1 (%v)", len(got), err)
	}
	if diff := cmp.Diff(want, got[0].Measures, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestLoadDamagedAnalyses(t *testing.T) {
	for name, tc := range map[string]struct {
		blob   []byte
		damage func(t *testing.T, root string)
	}{
		"counts flipped": {nil, func(t *testing.T, root string) { flip(t, only(t, root, "blobs/")) }},
		"counts gone": {nil, func(t *testing.T, root string) {
			if err := os.Remove(only(t, root, "blobs/")); err != nil {
				t.Fatal(err)
			}
		}},
		"not counts": {[]byte("twelve"), func(*testing.T, string) {}},
	} {
		t.Run(name, func(t *testing.T) {
			reg, root := open(t)
			made, _ := analysed(t, reg, tc.blob)
			tc.damage(t, root)
			got, err := study.LoadAnalyses(t.Context(), reg, []bench.Analysis{made})
			if !errors.Is(err, registry.ErrCorrupt) || errors.Is(err, registry.ErrNotExist) || !strings.Contains(err.Error(), made.Spec.ID()) {
				t.Errorf("%d analyses, %v", len(got), err)
			}
		})
	}
}

// only finds the one file whose path holds part.
func only(t *testing.T, root, part string) (found string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(filepath.ToSlash(path), part) {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatal(found, err)
	}
	return found
}

func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.Chmod(path, 0o644); err != nil { // the registry protects its files
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
