package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
)

// Analysis is an analysis of what a cell had learned after a step.
type Analysis struct {
	Cell Cell
	Step int
	Spec AnalysisSpec

	state registry.Descriptor
}

// Name is what people call the analysis.
func (a Analysis) Name() string { return fmt.Sprintf("%s, step %d", a.Cell.Name(), a.Step) }

// Analyses lists what can be analysed of the cells: every checkpoint of a finished training, and encoders as they are
// initialised (step 0), in the order of the cells and then of the steps. Cells without a complete run give none, and nor
// do damaged ones, which are in the error: it wraps registry.ErrCorrupt, and the others are listed all the same. Read is
// the Run of a registry, or knows what that has returned.
func Analyses(ctx context.Context, read func(context.Context, string) (registry.Manifest, registry.Digest, error), cells []Cell, p analysis.Protocol, tree taxonomy.Tree, env Environment) ([]Analysis, error) {
	var all []Analysis
	var damage []error
	treeDigest := taxonomy.Digest(tree)
	for _, cell := range cells {
		if cell.Spec.Training.Features == Pixels {
			continue
		}
		m, _, err := read(ctx, cell.Spec.ID())
		switch {
		case errors.Is(err, registry.ErrNotExist), err == nil && m.Status != registry.Complete:
			continue
		case errors.Is(err, registry.ErrCorrupt):
			damage = append(damage, fmt.Errorf("run %s (%s): %w", cell.Spec.ID(), cell.Name(), err))
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", cell.Name(), err)
		}
		add := func(step int, state registry.Descriptor) {
			all = append(all, Analysis{Cell: cell, Step: step, state: state, Spec: AnalysisSpec{
				Scheme: KeyScheme, Kind: analysisKind, Run: cell.Spec.ID(), Step: step, State: state.Digest,
				Tree: treeDigest, Protocol: p.ID(), Backend: env.Backend,
			}})
		}
		if cell.Spec.Training.Features == Untrained {
			add(0, registry.Descriptor{})
			continue
		}
		for _, step := range cell.Spec.Training.Checkpoints {
			state, ok := m.Artifacts[CheckpointName(step)]
			if !ok {
				damage = append(damage, fmt.Errorf("run %s (%s): %w: it has no checkpoint of step %d", cell.Spec.ID(), cell.Name(), registry.ErrCorrupt, step))
				continue
			}
			add(step, state)
		}
	}
	return all, errors.Join(damage...)
}

// CountsArtifact is the artifact of an analysis: how often each image is a hard and an easy negative.
const CountsArtifact = "counts"

// Analyze computes the analyses that the registry lacks, as Run does cells. Nothing is trained.
func (r *Runner) Analyze(ctx context.Context, p analysis.Protocol, analyses []Analysis) error {
	classes := taxonomy.NewTable(r.Data.Tree, len(r.Data.Classes))
	ids := make([]string, len(analyses))
	for i, a := range analyses {
		ids[i] = a.Spec.ID()
	}
	return r.all(ctx, ids, func(ctx context.Context, i int) error {
		a := analyses[i]
		return r.once(ctx, a.Spec.ID(), a.Name(), func(ctx context.Context, at attempt) (registry.Manifest, error) {
			return r.analyze(ctx, a, p, classes, at.device)
		})
	})
}

func (r *Runner) analyze(ctx context.Context, a Analysis, p analysis.Protocol, classes taxonomy.Table, device nn.Device) (registry.Manifest, error) {
	model, err := r.embedder(ctx, a, device)
	if err != nil {
		return registry.Manifest{}, err
	}
	defer model.Close()
	embeddings, err := model.Embeddings(r.Data.Train.Until(ctx))
	if err != nil {
		return registry.Manifest{}, err
	}
	measures, err := p.Run(ctx, analysis.Input{
		Dim: len(embeddings) / r.Data.Train.Len(), Embeddings: embeddings, Labels: r.Data.Train.Labels, Table: classes,
	}, r.Threads)
	if err != nil {
		return registry.Manifest{}, err
	}
	counts, err := r.Registry.PutBlob(ctx, analysis.CountsType, analysis.EncodeCounts(measures.Counts))
	if err != nil {
		return registry.Manifest{}, err
	}
	m := registry.Manifest{Status: registry.Complete, Key: a.Spec.Key(), Artifacts: map[string]registry.Descriptor{CountsArtifact: counts}}
	m.Result, err = json.Marshal(measures)
	return m, err
}

// embedder is the encoder that is analysed.
func (r *Runner) embedder(ctx context.Context, a Analysis, device nn.Device) (method.Embedder, error) {
	if training := a.Cell.Spec.Training; training.Features == Untrained {
		return encoder.Untrained(device, *training.Encoder, a.Cell.Spec.Seed)
	}
	trainer, err := r.trainer(a.Cell.Spec, device)
	if err != nil {
		return nil, err
	}
	if err := r.restoreState(ctx, trainer, a.state, a.Step); err != nil {
		trainer.Close()
		if errors.Is(err, registry.ErrNotExist) { // whoever looks for it before would ask for all that others analyse
			err = fmt.Errorf("%w: the checkpoint of step %d is lost: %w", registry.ErrCorrupt, a.Step, err)
		}
		return nil, err
	}
	return trainer, nil
}
