package bench

import (
	"encoding/json"
	"fmt"
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

// Pin hashes every image of a data set: do it once.
func Pin(d *dataset.Dataset) Data { return Data{Name: d.Name, Fingerprint: d.Fingerprint()} }

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
func (s Spec) Key() json.RawMessage { return key(s) }

// ID is the run's name in the registry.
func (s Spec) ID() string { return id(s) }

func key(spec any) json.RawMessage {
	key, err := json.Marshal(spec)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	return key
}

func id(spec any) string {
	id, err := registry.RunID(key(spec))
	if err != nil {
		panic(err) // the key is always an object
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

// Name is what people call the cell.
func (c Cell) Name() string { return fmt.Sprintf("%s T %g seed %d", c.Arm, c.Temperature, c.Seed) }

// Environment pins what specs need besides the catalogue.
type Environment struct {
	Backend string // "go" or "xla"
	Code    string
	// Analysis is the digest of the code of analyses; see AnalysisCode.
	Analysis string
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
func (c *Catalogue) Matrix(t *Tier, claims []*Claim, seeds int, data Data, env Environment) []Cell {
	m := newMatrix(t, data, env)
	for seed := range uint64(seeds) {
		for _, id := range c.Floors {
			m.add(c.Arm(id), 0, seed)
		}
	}
	for seed := range uint64(seeds) {
		for _, claim := range claims {
			for _, id := range claim.Arms() {
				m.add(c.Arm(id), claim.Temperature, seed)
			}
		}
	}
	return m.cells
}

// SweepMatrix lists the cells of a sweep at the tier's temperature: floors and reference first, and then
// seed by seed. A cell that a claim has too is the same run.
func (c *Catalogue) SweepMatrix(t *Tier, sweep *Sweep, seeds int, data Data, env Environment) []Cell {
	m := newMatrix(t, data, env)
	for seed := range uint64(seeds) {
		for _, id := range append([]string{sweep.Reference}, c.Floors...) {
			m.add(c.Arm(id), 0, seed)
		}
	}
	arms := sweep.Arms()
	for seed := range uint64(seeds) {
		for _, arm := range arms {
			m.add(arm, 0, seed)
		}
	}
	return m.cells
}

// matrix collects cells, each run once.
type matrix struct {
	tier  *Tier
	data  Data
	env   Environment
	seen  map[string]bool
	cells []Cell
}

func newMatrix(t *Tier, data Data, env Environment) *matrix {
	return &matrix{tier: t, data: data, env: env, seen: map[string]bool{}}
}

func (m *matrix) add(arm *Arm, temperature float64, seed uint64) {
	if temperature == 0 || arm.Features != Trained { // floors do not depend on it
		temperature = m.tier.Train.Temperature
	}
	cell := Cell{Arm: arm.ID, Temperature: temperature, Seed: seed, Spec: m.tier.Spec(arm, temperature, seed, m.data, m.env)}
	if run := cell.Spec.ID(); !m.seen[run] {
		m.seen[run] = true
		cell.Seed = cell.Spec.Seed
		m.cells = append(m.cells, cell)
	}
}

// Result is what a run measured, the same bytes for the same spec on the go backend.
type Result struct {
	// Accuracy is that of the last probe.
	Accuracy probe.Accuracy `json:"accuracy"`
	// Curve holds the probes at the checkpoints, in order.
	Curve []CurvePoint `json:"curve,omitempty"`
	// Progress starts with the first step, in which seed and data alone decide the alignment: arms that are
	// paired by seed must agree there.
	Progress []ProgressPoint `json:"progress,omitempty"`
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

// ProgressPoint sums up the steps since the point before.
type ProgressPoint struct {
	Step      int     `json:"step"`
	Loss      float64 `json:"loss"`      // InfoNCE in nats, mean
	Alignment float64 `json:"alignment"` // squared distance of query and key, mean
	// Uniformity of the queries against the queue, at Step (Wang & Isola 2020); lower is more uniform.
	Uniformity float64 `json:"uniformity"`
}

// The artifacts of a run, by name, and their media types. The number is the version of the format.
const (
	SeriesArtifact = "series" // one JSON object a line and step: moco.Metrics
	SeriesType     = "application/vnd.cidbench.series.v1+jsonl"
	CheckpointType = "application/vnd.cidbench.checkpoint.v1+safetensors"
)
