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

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
)

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"cidbench": main})
}

// TestScripts runs testdata/script: the commands as a user types them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "flip": flip, "same": same, "recode": recode, "trained": trained,
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

// same checks that two files have the same bytes, and some.
func same(ts *testscript.TestScript, _ bool, args []string) {
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if a != b || a == "" {
		ts.Fatalf("%s (%d bytes) and %s (%d bytes) differ or are empty", args[0], len(a), args[1], len(b))
	}
}

// selection is what the shared store holds.
var selection = []string{"--tier", "smoke", "--claim", "hardest5", "--seeds", "2", "--backend", "go"}

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

// sharedStore is a store with all runs of the selection, trained once.
var sharedStore = sync.OnceValues(func() (string, error) {
	store := filepath.Join(place, "store")
	out, err := exec.Command(program(), append([]string{"run", "--store", store}, selection...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("training the shared store: %w\n%s", err, out)
	}
	return store, err
})

// trained copies the shared store to a folder.
func trained(ts *testscript.TestScript, _ bool, args []string) {
	store, err := sharedStore()
	ts.Check(err)
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), os.DirFS(store)))
}

// recode makes a registry of the runs of another, as if trainings had been made from another commit with a changed
// key, and with other accuracies for arms with rules: recode FROM TO COMMIT MEMBER=VALUE... A member is named by its
// path in the key.
func recode(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	from, err := registry.OpenExisting(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	to, err := registry.Open(ctx, ts.MkAbs(args[1]))
	ts.Check(err)
	for m, err := range from.Manifests(ctx) {
		ts.Check(err)
		for _, artifact := range m.Artifacts {
			content, err := from.Blob(ctx, artifact)
			ts.Check(err)
			_, err = to.PutBlob(ctx, artifact.MediaType, content)
			ts.Check(err)
		}
		again := registry.Manifest{Status: m.Status, Key: m.Key, Result: m.Result, Artifacts: m.Artifacts, Provenance: m.Provenance}
		stored, err := bench.ReadKey(m.Key)
		ts.Check(err)
		if stored.Training.Features == bench.Trained {
			ts.Check(disguise(&again, args[2], args[3:]))
		}
		_, err = to.Commit(ctx, again)
		ts.Check(err)
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
