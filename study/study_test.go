package study_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// small is a catalogue of one claim and one sweep.
var small = &bench.Catalogue{
	Arms: []*bench.Arm{
		{ID: "all", Title: "all negatives", Features: bench.Trained},
		{ID: "half", Title: "the harder half", Features: bench.Trained, Rules: []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}}},
		{ID: "pixels", Title: "raw pixels", Features: bench.Pixels},
		{ID: "untrained", Title: "untrained", Features: bench.Untrained},
	},
	Datasets: []*dataset.Source{{Name: "dots", From: "nowhere", Digest: "sha256:d0", Tree: dataset.GlyphTree, Read: dataset.Glyphs(100, 100)}},
	Floors:   []string{"pixels"},
	Gain:     bench.Gain{Of: "all", Over: "untrained"},
	Plans: []*bench.Plan{{
		Tier: "planned", Primary: []string{"half"}, FirstSeed: 10, Looks: []int{3, 4}, Alpha: 0.05, Basis: "nothing",
	}},
	Claims: []*bench.Claim{{
		ID: "half", Thesis: "half", Statement: "Half of them will do.", MinSeeds: 3,
		Target: "as good", Source: bench.Source{Where: "nowhere", Ours: "all"}, Probe: "probe1-softmax-l2-0.1-lbfgs-2-ridge-0.1-knn-2",
		Contrasts: []bench.Contrast{{A: "half", B: "all", Relation: bench.Greater, Margin: 0.1}},
	}},
	Sweeps: []*bench.Sweep{{
		ID: "fraction", Title: "by fraction", Reference: "all", Seeds: 2, Fractions: []float64{0.1, 0.5},
		Lines: []bench.SweepLine{{Action: negatives.Keep, Pool: negatives.Hardest}},
	}},
	Tiers: []*bench.Tier{tiny("tiny"), tiny("planned")},
}

func tiny(id string) *bench.Tier {
	return &bench.Tier{
		ID: id, Title: "a few steps", Caveat: "Tiny.", Machinery: true, Dataset: "dots", Seeds: 3, Checkpoints: []float64{1},
		Train: moco.Config{
			Encoder: encoder.Config{Size: 32, Stem: []int{4}, Stages: []encoder.Stage{{Blocks: 1, Width: 2, Out: 4, Stride: 2}}, Hidden: 4, Dim: 4},
			Augment: augment.Config{MinArea: 1}, Steps: 4, Batch: 8, Queue: 16, Temperature: 0.2, NormGroups: 1, SGD: nn.SGD{LearningRate: 0.1},
		},
		Probe: probe.Protocol{L2: 0.1, Iterations: 2, Ridge: 0.1, Neighbours: 2}, BandEvery: 1,
		Analysis: analysis.Protocol{Queries: 10, Tail: 0.05, Draws: 19, Resamples: 19},
	}
}

func TestCatalogueIsValid(t *testing.T) {
	if err := small.Validate(); err != nil {
		t.Fatal(err)
	}
}

func options(o study.Options) study.Options {
	o.Tier, o.Backend = "tiny", "go"
	return o
}

func Example() {
	ctx := context.Background()
	s, err := study.Open(ctx, small, study.Options{
		Store: "mem://example", Access: study.Write,
		Selection: study.Selection{Tier: "tiny", Claims: []string{"half"}, Seeds: 2, Backend: "go"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	at, err := s.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range at.Cells {
		fmt.Println(c.Arm, c.Seed, c.State)
	}
	// Output:
	// pixels 0 missing
	// all 0 missing
	// untrained 0 missing
	// half 0 missing
	// all 1 missing
	// untrained 1 missing
	// half 1 missing
}

// A plan's claims have its seeds, up to a look; explored, they have those from 0.
func TestPlannedSeeds(t *testing.T) {
	for _, tc := range []struct {
		look        int
		explore     bool
		first, last uint64
	}{
		{0, false, 10, 13}, {1, false, 10, 12}, {2, false, 10, 13}, {0, true, 0, 2},
	} {
		s, err := study.Open(t.Context(), small, study.Options{Store: t.TempDir() + "/none", Access: study.ReadOrEmpty, Selection: study.Selection{
			Tier: "planned", Look: tc.look, Explore: tc.explore, Backend: "go",
		}})
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var seeds []uint64
		for _, c := range at.Cells {
			if c.Arm == "half" {
				seeds = append(seeds, c.Seed)
			}
		}
		if len(seeds) == 0 || seeds[0] != tc.first || seeds[len(seeds)-1] != tc.last {
			t.Errorf("look %d, explore %v: seeds %v, want %d to %d", tc.look, tc.explore, seeds, tc.first, tc.last)
		}
	}
}

// A sweep and a tier each have their own usual number of seeds; what is asked for overrides both.
func TestUsualSeeds(t *testing.T) {
	for _, tc := range []struct {
		sweep       string
		seeds, want int
	}{
		{"", 0, 3}, {"", 7, 7}, {"fraction", 0, 2}, {"fraction", 7, 7},
	} {
		o := options(study.Options{Store: t.TempDir() + "/none", Access: study.ReadOrEmpty})
		o.Sweep, o.Seeds = tc.sweep, tc.seeds
		s, err := study.Open(t.Context(), small, o)
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seeds := 0
		for _, c := range at.Cells {
			seeds = max(seeds, int(c.Seed)+1)
		}
		if seeds != tc.want {
			t.Errorf("sweep %q, %d seeds: cells of %d, want %d", tc.sweep, tc.seeds, seeds, tc.want)
		}
	}
}

// A damaged manifest keeps no other run from being run, and is said; what is judged is judged without it.
func TestDamagedManifest(t *testing.T) {
	store := t.TempDir() + "/store"
	if _, err := registry.Open(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(store, "runs", "0123456789abcdef0123456789abcdef")
	if err := os.MkdirAll(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "manifest.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, access := range []study.Access{study.Write, study.Read} {
		told := &listener{}
		s, err := study.Open(t.Context(), small, options(study.Options{Store: store, Access: access, Observer: told}))
		if err != nil || len(told.said) != 1 || s.Damage() != nil {
			t.Errorf("access %v: %v, told %q", access, err, told.said)
		}
	}

	// One that was asked for is named, counts as missing in the report, and makes the outcome an error.
	told := &listener{}
	s, err := study.Open(t.Context(), small, options(study.Options{Store: store, Observer: told}))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := at.Cells[0]
	if err := os.CopyFS(filepath.Join(store, "runs", asked.Run), os.DirFS(damaged)); err != nil {
		t.Fatal(err)
	}
	if s, err = study.Open(t.Context(), small, options(study.Options{Store: store, Observer: told})); err != nil {
		t.Fatal(err)
	}
	if at, err = s.Status(t.Context()); err != nil || at.Cells[0].State != study.DamagedRun || at.Cells[1].State != study.Missing {
		t.Errorf("the cells are %s and %s, %v", at.Cells[0].State, at.Cells[1].State, err)
	}
	r, _, err := s.Report(t.Context())
	if err != nil || !slices.ContainsFunc(r.Notes, func(note string) bool { return strings.Contains(note, asked.Run) }) {
		t.Errorf("the report notes %q, %v", r.Notes, err)
	}
	if err := s.Damage(); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("Damage: %v", err)
	}
	if err := s.Run(t.Context()); errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("Run: %v, want that it goes on", err)
	}
}

// listener hears what a study says.
type listener struct {
	study.Progress
	said []string
}

func (l *listener) Say(sentence string)                         { l.said = append(l.said, sentence) }
func (l *listener) Begin(string, map[string]int) study.Progress { return l }

// What was asked for is told from what went wrong.
func TestOpenErrors(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	absent := filepath.Join(t.TempDir(), "absent")
	for store, usage := range map[string]bool{foreign: true, "gs://bucket": true, absent: false} {
		_, err := study.Open(t.Context(), small, options(study.Options{Store: store}))
		if got := errors.As(err, new(study.UsageError)); got != usage || err == nil {
			t.Errorf("%s: usage error: %v, want %v: %v", store, got, usage, err)
		}
	}
	if _, err := study.Open(t.Context(), small, options(study.Options{Store: absent})); !errors.Is(err, registry.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := study.Open(t.Context(), small, options(study.Options{Store: foreign})); !errors.Is(err, registry.ErrForeign) {
		t.Errorf("foreign: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := study.Open(ctx, small, options(study.Options{Store: absent})); !errors.Is(err, context.Canceled) || errors.As(err, new(study.UsageError)) {
		t.Errorf("cancelled: %v", err)
	}
	for name, edit := range map[string]func(*study.Options){
		"tier":     func(o *study.Options) { o.Tier = "nosuch" },
		"claim":    func(o *study.Options) { o.Claims = []string{"nosuch"} },
		"sweep":    func(o *study.Options) { o.Sweep = "nosuch" },
		"arm":      func(o *study.Options) { o.Arms = []string{"pixels"} },
		"backend":  func(o *study.Options) { o.Backend = "abacus" },
		"parallel": func(o *study.Options) { o.Parallel = -1 },
		"lease":    func(o *study.Options) { o.Lease = 1 },
		"look":     func(o *study.Options) { o.Look = 1 },
		"budget":   func(o *study.Options) { o.Budget = -1 },
		"seeds of a plan": func(o *study.Options) {
			o.Tier, o.Seeds, o.Explore = "planned", 11, true
		},
	} {
		o := options(study.Options{Store: absent, Access: study.ReadOrEmpty})
		edit(&o)
		if _, err := study.Open(t.Context(), small, o); !errors.As(err, new(study.UsageError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBackendOfWhatIsBegun: before any training is finished, auto reads the runs of the backend that has begun some.
// A floor binds nobody who trains.
func TestBackendOfWhatIsBegun(t *testing.T) {
	for _, name := range []string{"HOME", "PATH", "LD_LIBRARY_PATH", "PJRT_PLUGIN_LIBRARY_PATH"} {
		t.Setenv(name, t.TempDir())
	}
	ctx, tier := t.Context(), small.Tier("tiny")
	_, without := backend.Choose(ctx, "xla") // which a machine may have all the same
	cells := small.Matrix(tier, small.Claims, bench.Explored(1), bench.Environment{Backend: "xla", Method: tier.Train.ID().Version})
	for i, cell := range cells {
		store := t.TempDir()
		reg, err := registry.Open(ctx, store)
		if err != nil {
			t.Fatal(err)
		}
		lease, err := reg.Acquire(ctx, cell.Spec.ID(), "somebody", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release(ctx)
		o := study.Options{Store: store, Access: study.Read, Selection: study.Selection{Tier: "tiny", Backend: "auto", Seeds: 1}}
		for flag, want := range map[string]study.State{"auto": study.Held, "go": study.Missing} {
			o.Backend = flag
			s, err := study.Open(ctx, small, o)
			if err != nil {
				t.Fatal(err)
			}
			at, err := s.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := at.Cells[i]; got.Arm != cell.Arm || got.State != want {
				t.Errorf("--backend %s: %s is %s, want %s", flag, got.Arm, got.State, want)
			}
		}
		o.Backend, o.Access = "auto", study.Write
		_, err = study.Open(ctx, small, o)
		trained := cell.Spec.Training.Features == bench.Trained
		if bound := err != nil && strings.Contains(err.Error(), "auto goes on with that"); without != nil && bound != trained {
			t.Errorf("%s was begun on XLA, which is not here: %v", cell.Arm, err)
		}
	}
}
