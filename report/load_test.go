package report_test

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
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report"
)

// store commits the runs of an input to a registry in a folder of its own.
func store(t *testing.T, in report.Input) (*registry.Registry, string) {
	t.Helper()
	root := t.TempDir()
	reg, err := registry.Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range in.Runs {
		commit(t, reg, run.Manifest)
	}
	for _, run := range in.Analyses {
		if _, err := reg.PutBlob(t.Context(), analysis.CountsType, analysis.EncodeCounts(run.Measures.Counts)); err != nil {
			t.Fatal(err)
		}
		commit(t, reg, run.Manifest)
	}
	return reg, root
}

func commit(t *testing.T, reg *registry.Registry, m registry.Manifest) {
	t.Helper()
	m.ResultDigest = "" // the registry's own
	if _, err := reg.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	in := input(t, scores{"baseline": base[:3], "easiest95": around(-500), "pixels": {1_200}}, "easiest95")
	bad := at(t, in, "baseline", 3)
	put(in, bad, failed(bad, "diverged"))
	reg, _ := store(t, in)
	runs, err := report.Load(t.Context(), reg, in.Cells)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != len(in.Runs) {
		t.Errorf("%d runs, want %d", len(runs), len(in.Runs))
	}
	for id, want := range in.Runs {
		got := runs[id]
		if diff := cmp.Diff(want.Result, got.Result); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		if _, digest, err := reg.Run(t.Context(), id); err != nil || got.Digest != digest || got.Manifest.Run != id {
			t.Errorf("%s: digest %s, want %s (%v)", id, got.Digest, digest, err)
		}
	}
	if got := runs[bad.Spec.ID()].Manifest; got.Status != registry.Failed || got.Reason != "diverged" {
		t.Errorf("failed run: %+v", got)
	}
	in.Runs = runs
	if r := build(t, in); r.Claims[0].Contrasts[0].N != 3 {
		t.Errorf("%d pairs of loaded runs", r.Claims[0].Contrasts[0].N)
	}
}

// Damage must neither look like a missing run nor like a result.
func TestLoadDamaged(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, root string){
		"manifest flipped": func(t *testing.T, root string) { flip(t, only(t, root, "manifest.json")) },
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, scores{"baseline": base[:1]}, "easiest95")
			reg, root := store(t, in)
			damage(t, root)
			refused(t, reg, in)
		})
	}
	for name, change := range map[string]func(*report.Run){
		"unknown metric": func(r *report.Run) { r.Manifest.Result = json.RawMessage(`{"acuracy":{"linear":1}}`) },
		"not a number":   func(r *report.Run) { r.Manifest.Result = json.RawMessage(`{"accuracy":"high"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, scores{"baseline": base[:1]}, "easiest95")
			cell := at(t, in, "baseline", 0)
			run := in.Runs[cell.Spec.ID()]
			change(&run)
			put(in, cell, run)
			reg, _ := store(t, in)
			refused(t, reg, in)
		})
	}
}

func TestLoadAnalyses(t *testing.T) {
	in := input(t, scores{"baseline": base[:2], "untrained": {1_000}}, "semantic")
	in.Analyses = analyseAll(t, in)
	reg, _ := store(t, in)
	var wanted []bench.Analysis
	for _, run := range in.Analyses {
		wanted = append(wanted, run.Analysis)
	}
	later := wanted[0]
	later.Spec.Step = 1_000
	got, err := report.LoadAnalyses(t.Context(), reg, append(wanted, later)) // the last was not made
	if err != nil || len(got) != len(in.Analyses) {
		t.Fatalf("%d analyses, want %d (%v)", len(got), len(in.Analyses), err)
	}
	for i, want := range in.Analyses {
		if diff := cmp.Diff(want.Measures, got[i].Measures, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", want.Name(), diff)
		}
	}
}

func TestLoadDamagedAnalyses(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, root string){
		"counts flipped": func(t *testing.T, root string) { flip(t, only(t, root, "blobs/")) },
		"counts gone": func(t *testing.T, root string) {
			if err := os.Remove(only(t, root, "blobs/")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, scores{"untrained": {1_000}}, "semantic")
			in.Analyses = analyseAll(t, in)
			reg, root := store(t, in)
			damage(t, root)
			got, err := report.LoadAnalyses(t.Context(), reg, []bench.Analysis{in.Analyses[0].Analysis})
			if !errors.Is(err, registry.ErrCorrupt) || errors.Is(err, registry.ErrNotExist) || !strings.Contains(err.Error(), in.Analyses[0].Spec.ID()) {
				t.Errorf("%d analyses, %v", len(got), err)
			}
		})
	}
	t.Run("not counts", func(t *testing.T) {
		in := input(t, scores{"untrained": {1_000}}, "semantic")
		run := analyse(t, in, at(t, in, "untrained", 0), 0)
		reg, _ := store(t, in)
		blob, err := reg.PutBlob(t.Context(), analysis.CountsType, []byte("twelve"))
		if err != nil {
			t.Fatal(err)
		}
		run.Manifest.Artifacts[bench.CountsArtifact] = blob
		commit(t, reg, run.Manifest)
		if got, err := report.LoadAnalyses(t.Context(), reg, []bench.Analysis{run.Analysis}); !errors.Is(err, registry.ErrCorrupt) {
			t.Errorf("%d analyses, %v", len(got), err)
		}
	})
}

func refused(t *testing.T, reg *registry.Registry, in report.Input) {
	t.Helper()
	id := at(t, in, "baseline", 0).Spec.ID()
	if runs, err := report.Load(t.Context(), reg, in.Cells); !errors.Is(err, registry.ErrCorrupt) || !strings.Contains(err.Error(), id) {
		t.Errorf("%d runs, %v; want the damage of run %s", len(runs), err, id)
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
