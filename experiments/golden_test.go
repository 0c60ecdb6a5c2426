package experiments

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/machine"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

var update = flag.Bool("update", false, "add to the golden files what they lack; what they hold is not changed")

// golden holds a digest of numbers by what computes them with its version ("moco v1"), by processor level, and by
// name. Equal keys promise equal numbers, and keys hold versions: so a digest that changes under the same version
// makes results wrong that nobody will compute again.
type golden map[string]map[string]map[string]string

const goldenFile = "testdata/golden.json"

// TestGoldenNumbers trains the first steps of some arms by every method, one to the end, and probes and analyses what came out.
// Rounding differs between processor levels: each has digests of its own. To check the build without SIMD:
//
//	GOEXPERIMENT= go test -run TestGoldenNumbers ./experiments
func TestGoldenNumbers(t *testing.T) {
	var want golden
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	level := cmp.Or(machine.Vectors(), "no vectors")
	got := golden{}
	put := func(what, name, digest string) {
		if got[what] == nil {
			got[what] = map[string]map[string]string{level: {}}
		}
		got[what][level][name] = digest
	}
	goldenNumbers(t, put)

	changed, unchecked := false, 0
	for what, levels := range got {
		for name, digest := range levels[level] {
			held := want[what][level][name]
			switch {
			case held == digest:
			case held != "":
				t.Errorf("%s: the numbers of %s changed on a processor with %s: raise the version of what computes them and run this test with -update, or undo.\n"+
					"Stored results of the version before are not touched by that; they are asked for no longer.", what, name, level)
			case *update:
				changed = true
				if want[what] == nil {
					want[what] = map[string]map[string]string{}
				}
				if want[what][level] == nil {
					want[what][level] = map[string]string{}
				}
				want[what][level][name] = digest
			case len(want[what]) == 0:
				t.Errorf("%s has no golden digests: run this test with -update, on each processor level that you can", what)
			default:
				unchecked++
			}
		}
	}
	if changed {
		text, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if unchecked > 0 && !t.Failed() {
		t.Skipf("NOT CHECKED: %d numbers have no golden digest for a processor with %s; where the commit is known to be good, this test adds them with -update", unchecked, level)
	}
}

// goldenArms have every pool and both actions.
var goldenArms = []string{
	"all", "hardest5", "random5", "without-same-class", "without-hardest-prior", "without-same-class-in-hardest-prior", "keep-easiest-0.05",
}

// goldenNumbers computes what TestGoldenNumbers compares.
func goldenNumbers(t *testing.T, put func(what, name, digest string)) {
	device := backendtest.Go(t)
	for _, tier := range All.Tiers {
		if !tier.Machinery {
			continue // those train in seconds
		}
		data, err := All.Dataset(tier.Dataset).Open("")
		if err != nil {
			t.Fatal(err)
		}
		start := method.Start{Device: device, Data: data, Threads: 1}
		for _, id := range goldenArms {
			start.Rules = All.Arm(id).Rules
			trainer, err := tier.Train.New(start)
			if err != nil {
				t.Fatal(err)
			}
			defer trainer.Close()
			stops := []int{6}
			if id == "all" { // one to the end of its schedule
				stops = append(stops, tier.Train.Scale().Steps)
			}
			for _, stop := range stops {
				put(tier.Train.ID().String(), fmt.Sprintf("%s, %s, %d steps", on(tier), id, stop), trained(t, trainer, stop))
			}
		}
		model, err := encoder.Untrained(device, tier.Train.Scale().Encoder, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		measureGolden(t, tier, start, model, put)
	}
}

// on names a tier with the digest of its data: other images are no other version of what computes.
func on(tier *bench.Tier) string {
	return fmt.Sprintf("%s on %.15s", tier.ID, All.Dataset(tier.Dataset).Digest)
}

// trained is a digest of a training's state, and of its last step's metrics, at a step.
func trained(t *testing.T, trainer method.Trainer, step int) string {
	t.Helper()
	var last method.Metrics
	for trainer.Step() < step {
		var err error
		if last, err = trainer.Advance(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	state, err := trainer.Save()
	if err != nil {
		t.Fatal(err)
	}
	return digest(t, state, last)
}

// measureGolden probes and analyses an untrained encoder.
func measureGolden(t *testing.T, tier *bench.Tier, start method.Start, model encoder.Model, put func(what, name, digest string)) {
	data := start.Data
	train, err := model.Features(data.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := model.Features(data.Test)
	if err != nil {
		t.Fatal(err)
	}
	put(fmt.Sprintf("untrained v%d", encoder.Version), on(tier), digest(t, test.Values))
	accuracy, err := tier.Probe.Run(t.Context(), start.Device, train, test, len(data.Classes))
	if err != nil {
		t.Fatal(err)
	}
	version := func(id string) string {
		first, _, _ := strings.Cut(id, "-") // of "probe1-softmax-..."
		return first
	}
	put(version(tier.Probe.ID()), on(tier), digest(t, accuracy))

	embeddings, err := model.Embeddings(data.Train)
	if err != nil {
		t.Fatal(err)
	}
	classes := taxonomy.NewTable(data.Tree, len(data.Classes))
	measures, err := tier.Analysis.Run(t.Context(), analysis.Input{
		Dim: model.Dim, Embeddings: embeddings, Labels: data.Train.Labels, Table: classes,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	put(version(tier.Analysis.ID()), on(tier), digest(t, measures, measures.Counts))
}

func digest(t *testing.T, parts ...any) string {
	t.Helper()
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(parts); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestGoldenRuns holds the ids of a whole tier: an id that changes orphans the stored results of its cell.
func TestGoldenRuns(t *testing.T) {
	const file = "testdata/default.runs"
	tier, env := All.Tier("default"), bench.Environment{Backend: "go"}
	cells := All.Matrix(tier, All.Claims, bench.Explored(tier.Seeds), env)
	for _, sweep := range All.Sweeps {
		cells = append(cells, All.SweepMatrix(tier, sweep, bench.Explored(sweep.Seeds), env)...)
	}
	plan := All.Plan(tier.ID)
	cells = append(cells, All.Confirming(tier, All.Planned(plan), plan.LastSeeds(), env)...)
	// The plan is registered by its id: what changes it makes a new plan, of which no run has come after.
	now, lines := map[string]string{"plan": All.PlanSpec(plan, env).ID()}, All.PlanSpec(plan, env).ID()+" plan\n"
	for _, cell := range cells {
		if now[cell.Name()] == "" {
			lines += cell.Spec.ID() + " " + cell.Name() + "\n"
		}
		now[cell.Name()] = cell.Spec.ID()
	}
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		held[name] = true
		if now[name] != id {
			t.Errorf("%s had the run id %s and has %q: its stored results would be orphaned.\n"+
				"Undo what changed its key. If its numbers may have changed, its version rose or it is gone, delete the line and run this test with -update.", name, id, now[name])
		}
	}
	for line := range strings.Lines(lines) {
		if _, name, _ := strings.Cut(strings.TrimSpace(line), " "); !held[name] {
			t.Logf("new: %s", name) // an arm or a claim was added: nothing is orphaned
			text = append(text, line...)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
