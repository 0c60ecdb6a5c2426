package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/report/judge"
)

// Runs are where finished runs are read: a registry, or an overview of one, which asks servers less.
type Runs interface {
	Run(ctx context.Context, id string) (registry.Manifest, registry.Digest, error)
	Blob(ctx context.Context, d registry.Descriptor) ([]byte, error)
}

// Load reads the runs of the cells, by run id. A run that is not finished is absent. Damaged ones are an error that
// names them and wraps registry.ErrCorrupt, beside all others: what cannot be read must not look missing.
func Load(ctx context.Context, from Runs, cells []bench.Cell) (map[string]judge.Run, error) {
	read := make([]*judge.Run, len(cells))
	damage, err := readEach(ctx, len(cells), func(ctx context.Context, i int) error {
		var run judge.Run
		var err error
		id := cells[i].Spec.ID()
		run.Manifest, run.Digest, err = load(ctx, from, id, &run.Result)
		if errors.Is(err, registry.ErrNotExist) {
			return nil
		} else if err != nil {
			return fmt.Errorf("run %s (%s): %w", id, cells[i].Name(), err)
		}
		read[i] = &run
		return nil
	})
	if err != nil {
		return nil, err
	}
	runs := map[string]judge.Run{}
	for i, run := range read {
		if run != nil {
			runs[cells[i].Spec.ID()] = *run
		}
	}
	return runs, damage
}

// readEach reads n things, several at a time. Damage is what is wrong with single ones, in their order; what wraps
// anything but registry.ErrCorrupt ends it.
func readEach(ctx context.Context, n int, read func(ctx context.Context, i int) error) (damage, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	damages := make([]error, n)
	parallel.Each(n, readers, func(_, i int) {
		if ctx.Err() != nil {
			return
		}
		if err := read(ctx, i); errors.Is(err, registry.ErrCorrupt) {
			damages[i] = err
		} else if err != nil {
			cancel(err)
		}
	})
	return errors.Join(damages...), context.Cause(ctx)
}

// readers is how many objects are read at a time, for the sake of those that are far away.
const readers = 16

// LoadAnalyses reads those of the analyses that are finished, in the same order; damaged ones are an error as of Load.
func LoadAnalyses(ctx context.Context, from Runs, analyses []bench.Analysis) ([]judge.AnalysisRun, error) {
	read := make([]*judge.AnalysisRun, len(analyses))
	damage, err := readEach(ctx, len(analyses), func(ctx context.Context, i int) error {
		run := judge.AnalysisRun{Analysis: analyses[i]}
		id := run.Spec.ID()
		var err error
		run.Manifest, run.Digest, err = load(ctx, from, id, &run.Measures)
		if errors.Is(err, registry.ErrNotExist) {
			return nil
		}
		if err == nil {
			run.Measures.Counts, err = loadCounts(ctx, from, run.Manifest)
		}
		if err != nil {
			return fmt.Errorf("analysis %s (%s): %w", id, run.Name(), err)
		}
		read[i] = &run
		return nil
	})
	if err != nil {
		return nil, err
	}
	var runs []judge.AnalysisRun
	for _, run := range read {
		if run != nil {
			runs = append(runs, *run)
		}
	}
	return runs, damage
}

func loadCounts(ctx context.Context, from Runs, m registry.Manifest) (counts analysis.Counts, err error) {
	text, err := from.Blob(ctx, m.Artifacts[bench.CountsArtifact])
	if errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil {
		return counts, err
	}
	if err == nil {
		counts, err = analysis.DecodeCounts(text)
	}
	if err != nil {
		err = fmt.Errorf("%w: counts: %v", registry.ErrCorrupt, err) //nolint:errorlint // an analysis without its artifact is damaged, not absent
	}
	return counts, err
}

// load reads a manifest and decodes its result, if it has one.
func load(ctx context.Context, from Runs, id string, result any) (registry.Manifest, registry.Digest, error) {
	m, digest, err := from.Run(ctx, id)
	m.Reason = store.Printable(m.Reason)
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
