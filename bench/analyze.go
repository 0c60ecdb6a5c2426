package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
)

// AnalysisSpec is everything that determines the numbers of an analysis; its JSON is the key under which
// the registry keeps it, beside the runs.
type AnalysisSpec struct {
	// Kind is always "analysis": no training has such a key.
	Kind string `json:"kind"`
	// Run is the id of the training, State the digest of its checkpoint after Step; none at step 0.
	Run   string          `json:"run"`
	Step  int             `json:"step"`
	State registry.Digest `json:"state,omitempty"`
	// Protocol is the id of the protocol, which fixes it.
	Protocol string `json:"protocol"`
	Backend  string `json:"backend"`
	Code     string `json:"code"` // see AnalysisCode
}

// analysisKind marks the keys of analyses.
const analysisKind = "analysis"

// Key and ID are as those of Spec.
func (s AnalysisSpec) Key() json.RawMessage { return key(s) }

// ID is the analysis's name in the registry.
func (s AnalysisSpec) ID() string { return id(s) }

// Analysis is an analysis of what a cell had learned after a step.
type Analysis struct {
	Cell Cell
	Step int
	Spec AnalysisSpec

	state registry.Descriptor
}

// Name is what people call the analysis.
func (a Analysis) Name() string { return fmt.Sprintf("%s, step %d", a.Cell.Name(), a.Step) }

// checkpointName is that of the artifact that holds the state after a step.
func checkpointName(step int) string { return fmt.Sprintf("checkpoint-%08d", step) }

// Analyses lists what can be analysed of the cells: every checkpoint of a finished training, and encoders as
// they are initialised (step 0), in the order of the cells and then of the steps. Cells without a complete
// run give none.
func Analyses(ctx context.Context, reg *registry.Registry, cells []Cell, p analysis.Protocol, env Environment) ([]Analysis, error) {
	var all []Analysis
	for _, cell := range cells {
		if cell.Spec.Arm.Features == Pixels {
			continue
		}
		m, _, err := reg.Run(ctx, cell.Spec.ID())
		if errors.Is(err, registry.ErrNotExist) || err == nil && m.Status != registry.Complete {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", cell.Name(), err)
		}
		add := func(step int, state registry.Descriptor) {
			all = append(all, Analysis{Cell: cell, Step: step, state: state, Spec: AnalysisSpec{
				Kind: analysisKind, Run: cell.Spec.ID(), Step: step, State: state.Digest,
				Protocol: p.ID(), Backend: env.Backend, Code: env.Analysis,
			}})
		}
		if cell.Spec.Arm.Features == Untrained {
			add(0, registry.Descriptor{})
			continue
		}
		for _, step := range cell.Spec.Arm.Checkpoints {
			state, ok := m.Artifacts[checkpointName(step)]
			if !ok {
				return nil, fmt.Errorf("%w: %s has no checkpoint of step %d", registry.ErrCorrupt, cell.Name(), step)
			}
			add(step, state)
		}
	}
	return all, nil
}

// CountsArtifact is the artifact of an analysis: how often each image is a hard and an easy negative.
const CountsArtifact = "counts"

// Analyze computes the analyses that the registry lacks, as Run does cells. Nothing is trained.
func (r *Runner) Analyze(ctx context.Context, p analysis.Protocol, analyses []Analysis) error {
	classes := taxonomy.NewTable(r.Data.Tree, len(r.Data.Classes))
	return r.all(ctx, len(analyses), func(ctx context.Context, i int) error {
		a := analyses[i]
		return r.once(ctx, a.Spec.ID(), a.Name(), func(ctx context.Context, _ func(Event)) (registry.Manifest, error) {
			return r.analyze(ctx, a, p, classes)
		})
	})
}

func (r *Runner) analyze(ctx context.Context, a Analysis, p analysis.Protocol, classes taxonomy.Table) (registry.Manifest, error) {
	start, energy := time.Now(), startMeter(powercap, r.Parallel)
	backend, err := r.Backend.Open(r.Threads)
	if err != nil {
		return registry.Manifest{}, fmt.Errorf("backend %s: %w", r.Backend, err)
	}
	defer backend.Finalize()
	trained := a.Cell.Spec.Arm
	trainer, err := moco.New(backend, *trained.Config, trained.Rules, r.Data, a.Cell.Spec.Seed, r.Threads)
	if err != nil {
		return registry.Manifest{}, err
	}
	defer trainer.Close()
	if a.Step > 0 {
		state, err := r.Registry.Blob(ctx, a.state)
		if err != nil {
			return registry.Manifest{}, err
		}
		if err := trainer.Restore(state); err != nil {
			return registry.Manifest{}, err
		}
	}
	embeddings, err := trainer.Embeddings(r.Data.Train)
	if err != nil {
		return registry.Manifest{}, err
	}
	measures, err := p.Run(analysis.Input{
		Dim: trained.Config.Encoder.Dim, Embeddings: embeddings, Labels: r.Data.Train.Labels,
		Superclass: classes.Superclass, Path: classes.Path, WuPalmer: classes.WuPalmer,
	}, r.Threads)
	if err != nil {
		return registry.Manifest{}, err
	}
	counts, err := r.Registry.PutBlob(ctx, analysis.CountsType, analysis.EncodeCounts(measures.Counts))
	if err != nil {
		return registry.Manifest{}, err
	}
	m := registry.Manifest{
		Status: registry.Complete, Key: a.Spec.Key(), Provenance: r.provenance(start),
		Artifacts: map[string]registry.Descriptor{CountsArtifact: counts},
	}
	m.Provenance.WallSeconds, m.Provenance.Joules = time.Since(start).Seconds(), energy.joules()
	m.Result, err = json.Marshal(measures)
	return m, err
}
