package bench

import (
	"encoding/json"
	"fmt"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/registry"
)

// Spec is everything that determines the numbers of a run, and nothing else. Its JSON without zero values is the
// run's key: two cells with equal keys are one run, and a finished run is never repeated. Names (of arms, claims,
// tiers) are not part of it: they say what a run is used for, not what it is. Neither is the source of the
// program: what computes has versions, and tests hold numbers to them.
type Spec struct {
	Scheme   int      `json:"scheme"` // KeyScheme
	Dataset  Data     `json:"dataset"`
	Probe    string   `json:"probe"` // the id of the protocol, which fixes it
	Training Training `json:"training"`
	// Seed derives every random number of the run.
	Seed uint64 `json:"seed"`
	// Backend is the kind of numerics, "go" or "xla": they round differently.
	Backend string `json:"backend"`
}

// Data names a data set and pins its content.
type Data struct {
	Name   string `json:"name"`
	Digest string `json:"digest"` // dataset.Source.Digest
}

// Training is what is probed: for floors only the encoder matters, or nothing at all.
type Training struct {
	Features Features `json:"features"`
	// Method computes the features; nil for pixels.
	Method *method.ID `json:"method,omitempty"`
	// Config is given for what is trained, Encoder alone for what is not.
	Config  method.Method    `json:"config,omitempty"`
	Encoder *encoder.Config  `json:"encoder,omitempty"`
	Rules   []negatives.Rule `json:"rules,omitempty"`
	// Checkpoints are the steps after which the state is kept and probed; the last is that of the end.
	Checkpoints []int `json:"checkpoints,omitempty"`
	BandEvery   int   `json:"band_every,omitempty"`
}

// Steps of training; 0 for floors.
func (t Training) Steps() int {
	if t.Config == nil {
		return 0
	}
	return t.Config.Scale().Steps
}

// Key is the canonical JSON of the spec, and ID the name under which the registry keeps the run.
func (s Spec) Key() json.RawMessage { return key(s) }

// ID is the run's name in the registry.
func (s Spec) ID() string { return runID(key(s)) }

// Cell is one place in the matrix of a tier: an arm at a temperature with a seed.
type Cell struct {
	Arm         string  `json:"arm"`
	Temperature float64 `json:"temperature"`
	Seed        uint64  `json:"seed"`
	Spec        Spec    `json:"-"`
}

// Name is what people call the cell.
func (c Cell) Name() string { return fmt.Sprintf("%s T %g seed %d", c.Arm, c.Temperature, c.Seed) }

// Environment pins what specs need besides the catalogue. The zero value of a version means the program's own;
// another one asks for what an earlier program computed.
type Environment struct {
	Backend string // "go" or "xla"
	Method  int    // version
}

// Spec builds the spec of an arm in a tier. A temperature of 0 means the tier's.
func (t *Tier) Spec(arm *Arm, temperature float64, seed uint64, data *dataset.Source, env Environment) Spec {
	s := Spec{
		Scheme: KeyScheme, Dataset: Data{Name: data.Name, Digest: data.Digest},
		Probe: t.Probe.ID(), Seed: seed, Backend: env.Backend,
		Training: Training{Features: arm.Features},
	}
	switch arm.Features {
	case Pixels:
		s.Seed = 0 // nothing is drawn
	case Untrained:
		encoding := t.Train.Scale().Encoder
		s.Training.Method, s.Training.Encoder = &method.ID{Name: "untrained", Version: encoder.Version}, &encoding
	case Trained:
		training := t.Train
		if temperature != 0 {
			training = training.AtTemperature(temperature)
		}
		id := training.ID()
		if env.Method != 0 {
			id.Version = env.Method
		}
		s.Training.Method, s.Training.Config, s.Training.Rules = &id, training, arm.Rules
		s.Training.BandEvery = t.BandEvery
		for _, share := range t.Checkpoints {
			s.Training.Checkpoints = append(s.Training.Checkpoints, t.StepsOf(share))
		}
	}
	return s
}

// AnalysisSpec is everything that determines the numbers of an analysis; its JSON is the key under which
// the registry keeps it, beside the runs.
type AnalysisSpec struct {
	Scheme int `json:"scheme"` // KeyScheme
	// Kind is always "analysis": no training has such a key.
	Kind string `json:"kind"`
	// Run is the id of the training, State the digest of its checkpoint after Step; none at step 0.
	Run   string          `json:"run"`
	Step  int             `json:"step"`
	State registry.Digest `json:"state,omitempty"`
	// Tree is the digest of the class tree.
	Tree string `json:"tree"`
	// Protocol is the id of the protocol, which fixes it and starts with its version.
	Protocol string `json:"protocol"`
	Backend  string `json:"backend"`
}

// Key and ID are as those of Spec.
func (s AnalysisSpec) Key() json.RawMessage { return key(s) }

// ID is the analysis's name in the registry.
func (s AnalysisSpec) ID() string { return runID(key(s)) }
