// Package study is what a person does with a catalogue and a store.
package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/judge"
)

// Load reads the runs of the cells, by run id. A run that is not finished is absent. A damaged one is
// an error that names it and wraps registry.ErrCorrupt: what cannot be read must not look missing.
func Load(ctx context.Context, reg *registry.Registry, cells []bench.Cell) (map[string]judge.Run, error) {
	runs := map[string]judge.Run{}
	for _, cell := range cells {
		id := cell.Spec.ID()
		if _, ok := runs[id]; ok {
			continue
		}
		var run judge.Run
		var err error
		run.Manifest, run.Digest, err = load(ctx, reg, id, &run.Result)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("run %s (%s): %w", id, cell.Name(), err)
		}
		runs[id] = run
	}
	return runs, nil
}

// LoadAnalyses reads those of the analyses that are finished, in the same order; damaged ones are errors.
func LoadAnalyses(ctx context.Context, reg *registry.Registry, analyses []bench.Analysis) ([]judge.AnalysisRun, error) {
	var runs []judge.AnalysisRun
	for _, a := range analyses {
		run := judge.AnalysisRun{Analysis: a}
		fail := func(err error) error { return fmt.Errorf("analysis %s (%s): %w", a.Spec.ID(), a.Name(), err) }
		var err error
		run.Manifest, run.Digest, err = load(ctx, reg, a.Spec.ID(), &run.Measures)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fail(err)
		}
		counts := run.Manifest.Artifacts[bench.CountsArtifact]
		text, err := reg.Blob(ctx, counts)
		if errors.Is(err, registry.ErrNotExist) {
			// Not %w: an analysis without its artifact is damaged, not absent.
			return nil, fail(fmt.Errorf("%w: counts: %v", registry.ErrCorrupt, err))
		} else if err != nil {
			return nil, fail(err)
		}
		if run.Measures.Counts, err = analysis.DecodeCounts(text); err != nil {
			return nil, fail(fmt.Errorf("%w: counts: %w", registry.ErrCorrupt, err))
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// load reads a manifest and decodes its result, if it has one.
func load(ctx context.Context, reg *registry.Registry, id string, result any) (registry.Manifest, registry.Digest, error) {
	m, digest, err := reg.Run(ctx, id)
	if err != nil || len(m.Result) == 0 {
		return m, digest, err
	}
	// Strict, since a misspelled metric would be read as zero.
	decoder := json.NewDecoder(bytes.NewReader(m.Result))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		return m, digest, fmt.Errorf("%w: result: %w", registry.ErrCorrupt, err)
	}
	return m, digest, nil
}
