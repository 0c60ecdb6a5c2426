package bench

import (
	"encoding/json"
	"math"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
)

// Spec is everything that determines the numbers of a run. Its JSON is the run's key: two cells with
// equal specs are one run, and a finished run is never repeated. Names (of arms, claims, tiers) are not
// part of it: they say what a run is used for, not what it is.
type Spec struct {
	Dataset Data     `json:"dataset"`
	Probe   string   `json:"probe"` // the id of the protocol, which fixes it
	Arm     Training `json:"training"`
	// Seed derives every random number of the run.
	Seed uint64 `json:"seed"`
	// Backend is the kind of numerics, "go" or "xla": they round differently.
	Backend string `json:"backend"`
	// Code is the digest of the source that determines the numbers; see Code.
	Code string `json:"code"`
}

// Data names a data set and pins its content.
type Data struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
}

// Training is what is probed: for floors only the encoder matters, or nothing at all.
type Training struct {
	Features Features         `json:"features"`
	Rules    []negatives.Rule `json:"rules,omitempty"`
	Config   *moco.Config     `json:"config,omitempty"`
	// Checkpoints are the steps after which the state is kept and probed; the last is Config.Steps.
	Checkpoints []int `json:"checkpoints,omitempty"`
	BandEvery   int   `json:"band_every,omitempty"`
}

// Key is the canonical JSON of the spec, and ID the name under which the registry keeps the run.
func (s Spec) Key() json.RawMessage {
	key, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	return key
}

// ID is the run's name in the registry.
func (s Spec) ID() string {
	id, err := registry.RunID(s.Key())
	if err != nil {
		panic(err) // Key is always an object
	}
	return id
}

// Cell is one place in the matrix of a tier: an arm at a temperature with a seed.
type Cell struct {
	Arm         string  `json:"arm"`
	Temperature float64 `json:"temperature"`
	Seed        uint64  `json:"seed"`
	Spec        Spec    `json:"-"`
}

// Environment pins what specs need besides the catalogue.
type Environment struct {
	Backend string // "go" or "xla"
	Code    string
}

// Spec builds the spec of an arm in a tier. A temperature of 0 means the tier's.
func (t *Tier) Spec(arm *Arm, temperature float64, seed uint64, data Data, env Environment) Spec {
	s := Spec{
		Dataset: data,
		Probe:   t.Probe.ID(), Seed: seed, Backend: env.Backend, Code: env.Code,
		Arm: Training{Features: arm.Features},
	}
	if arm.Features == Pixels {
		s.Seed = 0 // nothing is drawn
		return s
	}
	config := t.Train
	if temperature != 0 {
		config.Temperature = temperature
	}
	s.Arm.Config = &config
	if arm.Features == Trained {
		s.Arm.Rules = arm.Rules
		s.Arm.BandEvery = t.BandEvery
		for _, share := range t.Checkpoints {
			s.Arm.Checkpoints = append(s.Arm.Checkpoints, max(1, int(math.Round(share*float64(config.Steps)))))
		}
	}
	return s
}

// Matrix lists the cells of the claims of a tier, for seeds 0 to seeds-1, floors first and then seed by
// seed, so that whatever is finished is paired. Cells that are the same run appear once.
func (c *Catalogue) Matrix(t *Tier, claims []*Claim, seeds int, data *dataset.Dataset, env Environment) []Cell {
	var cells []Cell
	pinned := Data{Name: data.Name, Fingerprint: data.Fingerprint()} // hashes every image: once
	seen := map[string]bool{}
	add := func(id string, temperature float64, seed uint64) {
		arm := c.Arm(id)
		if temperature == 0 {
			temperature = t.Train.Temperature
		}
		if arm.Features != Trained {
			temperature = t.Train.Temperature // floors do not depend on it
		}
		cell := Cell{Arm: id, Temperature: temperature, Seed: seed, Spec: t.Spec(arm, temperature, seed, pinned, env)}
		if run := cell.Spec.ID(); !seen[run] {
			seen[run] = true
			cell.Seed = cell.Spec.Seed
			cells = append(cells, cell)
		}
	}
	for seed := range uint64(seeds) {
		for _, id := range c.Floors {
			add(id, 0, seed)
		}
	}
	for seed := range uint64(seeds) {
		for _, claim := range claims {
			for _, id := range claim.Arms() {
				add(id, claim.Temperature, seed)
			}
		}
	}
	return cells
}

// Result is what a run measured, the same bytes for the same spec on the go backend.
type Result struct {
	// Accuracy is that of the last probe.
	Accuracy probe.Accuracy `json:"accuracy"`
	// Curve holds the probes at the checkpoints, in order.
	Curve []CurvePoint `json:"curve,omitempty"`
	// Loss is the mean InfoNCE of the last tenth of training, in nats.
	Loss float64 `json:"loss,omitempty"`
	// Bands is the same-class share by difficulty, mean over the last quarter of training.
	Bands []moco.Band `json:"bands,omitempty"`
}

// CurvePoint is a probe during training.
type CurvePoint struct {
	Step     int            `json:"step"`
	Accuracy probe.Accuracy `json:"accuracy"`
}

// The artifacts of a run, by name, and their media types. The number is the version of the format.
const (
	SeriesArtifact = "series" // one JSON object a line and step: moco.Metrics
	SeriesType     = "application/vnd.cidbench.series.v1+jsonl"
	CheckpointType = "application/vnd.cidbench.checkpoint.v1+safetensors"
)
