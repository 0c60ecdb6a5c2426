package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"cidbench": main})
}

// TestScripts runs testdata/script: the commands as a user types them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "first": first, "flip": flip, "listed": listed, "named": named, "same": same, "recode": recode, "trained": trained, "pretend": pretend, "pictures": pictures, "probed": probed, "cifar": cifar, "valid": valid,
		},
		// What auto takes must not depend on this machine, but where that is what is tested.
		Setup: func(e *testscript.Env) error {
			for name, at := range map[string]string{"CHECKPOINTS": "../../bench/encoderfile/testdata", "WORDNET": "../../bench/taxonomy/testdata/wordnet"} {
				full, err := filepath.Abs(at)
				if err != nil {
					return err
				}
				e.Setenv(name, full)
			}
			e.Setenv("COLUMNS", "400") // sentences are in one line
			if filepath.Base(e.WorkDir) != "script-backends" {
				e.Setenv("PJRT_PLUGIN_LIBRARY_PATH", e.WorkDir+"/no-plugins")
			}
			return nil
		},
	})
}

// exits runs a program and checks its exit code: exits CODE PROGRAM ARGS..., or CODE|CODE where the outcome
// depends on the processor's rounding.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE[|CODE]... PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// flip changes one byte in the middle of the first file that matches a pattern.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	if err != nil || len(files) == 0 {
		ts.Fatalf("no file matches %s", args[0])
	}
	content, err := os.ReadFile(files[0])
	ts.Check(err)
	content[len(content)/2] ^= 1
	ts.Check(os.Chmod(files[0], 0o644))
	ts.Check(os.WriteFile(files[0], content, 0o444))
	ts.Setenv("FLIPPED", filepath.Base(files[0]))
}

// probed waits until a run of a registry has reached a checkpoint: probed DIR.
func probed(ts *testscript.TestScript, _ bool, args []string) {
	for patience := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		events, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "runs/*/events/*"))
		ts.Check(err)
		for _, at := range events {
			if text, err := os.ReadFile(at); err == nil && strings.Contains(string(text), `"curve"`) {
				return
			}
		}
		if time.Now().After(patience) {
			ts.Fatalf("no run of %s comes to a checkpoint", args[0])
		}
	}
}

// listed sets a variable to the id of the first run of an arm: listed VARIABLE DIR ARM.
func listed(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("cidbench", "registry", "ls", "--json", "--store", args[1], "--arm", args[2]))
	var runs struct{ Items []study.Listed }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &runs))
	if len(runs.Items) == 0 {
		ts.Fatalf("no run of %s in %s", args[2], args[1])
	}
	ts.Setenv(args[0], runs.Items[0].Run)
}

// first sets a variable to the first characters of a text: first VARIABLE NUMBER TEXT.
func first(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], args[2][:n])
}

// named sets a variable to the name of the first file that matches a pattern: named VARIABLE PATTERN.
func named(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[1]))
	if err != nil || len(files) == 0 {
		ts.Fatalf("no file matches %s", args[1])
	}
	ts.Setenv(args[0], filepath.Base(files[0]))
}

// valid checks what a command has printed by a schema of docs/schemas: valid NAME.
func valid(ts *testscript.TestScript, _ bool, args []string) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas, args[0]+".json"))
	ts.Check(err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile("stdout")))
	ts.Check(err)
	ts.Check(schema.Validate(document))
}

// schemas is where they are; scripts run elsewhere.
var schemas = func() string {
	here, err := filepath.Abs(filepath.Join("..", "..", "docs", "schemas"))
	if err != nil {
		panic(err)
	}
	return here
}()

// same checks that two files have the same bytes, and some.
func same(ts *testscript.TestScript, _ bool, args []string) {
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if a != b || a == "" {
		ts.Fatalf("%s (%d bytes) and %s (%d bytes) differ or are empty", args[0], len(a), args[1], len(b))
	}
}

// What the tests train: the shared store holds three seeds, and those that train for themselves make do with fewer.
var (
	oneSeed    = []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "1", "--backend", "go"}
	twoSeeds   = []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "2", "--backend", "go"}
	threeSeeds = []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "3", "--backend", "go"}
)

// place is a folder for all tests of the process.
var place string

// tests are those of the package, run with a place that is gone afterwards.
type tests struct{ *testing.M }

func (t tests) Run() int {
	var err error
	if place, err = os.MkdirTemp("", "cidbench-test-*"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(place)
	return t.M.Run()
}

// program is a path under which the test binary is cidbench.
var program = sync.OnceValue(func() string {
	self, err := os.Executable()
	path := filepath.Join(place, "cidbench")
	if err = cmp.Or(err, os.Symlink(self, path)); err != nil {
		panic(err)
	}
	return path
})

// sharedStore is a store with all runs of threeSeeds, trained once.
var sharedStore = sync.OnceValues(func() (string, error) {
	store := filepath.Join(place, "store")
	out, err := exec.Command(program(), append([]string{"run", "--store", store}, threeSeeds...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("training the shared store: %w\n%s", err, out)
	}
	return store, err
})

// trained makes a registry with the runs of the shared store: trained DIR SEEDS.
func trained(ts *testscript.TestScript, _ bool, args []string) {
	store, err := sharedStore()
	ts.Check(err)
	seeds, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	ts.Check(firstSeeds(context.Background(), store, ts.MkAbs(args[0]), seeds))
}

// firstSeeds makes a registry of the runs of the first seeds of another.
func firstSeeds(ctx context.Context, from, to string, seeds uint64) error {
	return again(ctx, from, to, func(_ *registry.Manifest, of bench.Stored) (bool, error) { return of.Seed < seeds, nil })
}

// recode makes a registry of the runs of another, as if trainings had been made from another commit with a changed
// key, and with other accuracies for arms with rules: recode FROM TO COMMIT MEMBER=VALUE... A member is named by its
// path in the key.
func recode(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(again(context.Background(), ts.MkAbs(args[0]), ts.MkAbs(args[1]), func(m *registry.Manifest, of bench.Stored) (bool, error) {
		if of.Training.Features != bench.Trained {
			return true, nil
		}
		return true, disguise(m, args[2], args[3:])
	}))
}

// again makes a registry of those runs of another that edit, which may change them, wants.
func again(ctx context.Context, from, to string, edit func(m *registry.Manifest, of bench.Stored) (wanted bool, err error)) error {
	source, err := registry.OpenExisting(ctx, from)
	if err != nil {
		return err
	}
	target, err := registry.Open(ctx, to)
	if err != nil {
		return err
	}
	for m, err := range source.Manifests(ctx) {
		if err != nil {
			return err
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil {
			return err
		}
		copied := registry.Manifest{Status: m.Status, Key: m.Key, Result: m.Result, Artifacts: m.Artifacts, Provenance: m.Provenance}
		if wanted, err := edit(&copied, stored); err != nil {
			return err
		} else if !wanted {
			continue
		}
		for _, artifact := range m.Artifacts {
			content, err := source.Blob(ctx, artifact)
			if err == nil {
				_, err = target.PutBlob(ctx, artifact.MediaType, content)
			}
			if err != nil {
				return err
			}
		}
		if _, err := target.Commit(ctx, copied); err != nil {
			return err
		}
	}
	return nil
}

// pretend fills a registry with made-up runs of the first seed of a sweep, all but some of its cells, from one that is
// there: pretend DIR SWEEP BUT. Cells that it holds stay as they are.
func pretend(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	reg, err := registry.OpenExisting(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	but, err := strconv.Atoi(args[2])
	ts.Check(err)
	tier := experiments.All.Tier("smoke")
	cells := experiments.All.SweepMatrix(tier, experiments.All.Sweep(args[1]), bench.Explored(1), bench.Environment{Backend: "go", Method: tier.Train.ID().Version})
	of := slices.IndexFunc(cells, func(c bench.Cell) bool { return c.Arm == "all" })
	m, _, err := reg.Run(ctx, cells[of].Spec.ID())
	ts.Check(err)
	for _, cell := range cells {
		done, err := bench.Finished(ctx, reg, cell.Spec.ID())
		ts.Check(err)
		switch {
		case done:
		case but > 0:
			but--
		default:
			_, err = reg.Commit(ctx, registry.Manifest{Status: m.Status, Key: cell.Spec.Key(), Result: m.Result, Artifacts: m.Artifacts, Provenance: m.Provenance})
			ts.Check(err)
		}
	}
}

// disguise changes what recode changes of a training.
func disguise(m *registry.Manifest, commit string, changes []string) error {
	var key map[string]any
	var result bench.Result
	if err := errors.Join(json.Unmarshal(m.Key, &key), json.Unmarshal(m.Result, &result)); err != nil {
		return err
	}
	if key["training"].(map[string]any)["rules"] != nil {
		result.Accuracy.Linear += 200
	}
	for _, change := range changes {
		path, value, _ := strings.Cut(change, "=")
		if err := set(key, strings.Split(path, "."), value); err != nil {
			return fmt.Errorf("%s: %w", change, err)
		}
	}
	m.Provenance.Commit, m.Provenance.Code = commit, "sha256:beef"
	var errs [2]error
	m.Key, errs[0] = json.Marshal(key)
	m.Result, errs[1] = json.Marshal(result)
	return errors.Join(errs[:]...)
}

// set sets a member of a key to a JSON value.
func set(key map[string]any, path []string, value string) error {
	for _, name := range path[:len(path)-1] {
		key = key[name].(map[string]any)
	}
	var parsed any
	err := json.Unmarshal([]byte(value), &parsed)
	key[path[len(path)-1]] = parsed
	return err
}
