package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/registry"
)

// Run is a finished run, complete or failed.
type Run struct {
	Manifest registry.Manifest
	Digest   registry.Digest // of the stored manifest
	Result   bench.Result    // empty if the run failed without one
	Series   []moco.Metrics  // one entry per training step; empty if nothing was trained
}

// Load reads the runs of the cells, by run id. A run that is not finished is absent. A damaged one is
// an error that names it and wraps registry.ErrCorrupt: what cannot be read must not look missing.
func Load(ctx context.Context, reg *registry.Registry, cells []bench.Cell) (map[string]Run, error) {
	runs := map[string]Run{}
	for _, cell := range cells {
		id := cell.Spec.ID()
		if _, ok := runs[id]; ok {
			continue
		}
		run, err := load(ctx, reg, id)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("run %s (%s at temperature %g, seed %d): %w", id, cell.Arm, cell.Temperature, cell.Seed, err)
		}
		runs[id] = run
	}
	return runs, nil
}

func load(ctx context.Context, reg *registry.Registry, id string) (Run, error) {
	var run Run
	var err error
	if run.Manifest, run.Digest, err = reg.Run(ctx, id); err != nil {
		return Run{}, err
	}
	if len(run.Manifest.Result) > 0 {
		// Strict, since a misspelled metric would be read as zero.
		decoder := json.NewDecoder(bytes.NewReader(run.Manifest.Result))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&run.Result); err != nil {
			return Run{}, fmt.Errorf("%w: result: %w", registry.ErrCorrupt, err)
		}
	}
	series, ok := run.Manifest.Artifacts[bench.SeriesArtifact]
	if !ok {
		return run, nil
	}
	if series.MediaType != bench.SeriesType {
		return Run{}, fmt.Errorf("%w: series has the media type %q, and this program reads %q", registry.ErrCorrupt, series.MediaType, bench.SeriesType)
	}
	text, err := reg.Blob(ctx, series)
	if errors.Is(err, registry.ErrNotExist) {
		// Not %w: a run without its artifact is damaged, not absent.
		return Run{}, fmt.Errorf("%w: series: %v", registry.ErrCorrupt, err)
	} else if err != nil {
		return Run{}, fmt.Errorf("series: %w", err)
	}
	if run.Series, err = bench.DecodeSeries(text); err != nil {
		return Run{}, fmt.Errorf("%w: series: %w", registry.ErrCorrupt, err)
	}
	return run, nil
}
