// Package github_test runs the nightly workflow by act, on an S3 server that it starts.
package github_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry/s3/s3test"
)

// enginesEnv asks for the tests of engines; make test-engines sets it.
const enginesEnv = "CIDBENCH_TEST_ENGINES"

const workflow = ".github/workflows/nightly.yml"

// absent fails if it is run: it stands for an action that is left out here.
const absent = `name: absent
description: fails
runs:
  using: composite
  steps:
    - run: exit 1
      shell: bash
`

// engine is act in a clean clone of the repository with its changes, and what its workflow runs on.
type engine struct {
	*testing.T
	act, repository, store string
	args                   []string
}

func start(t *testing.T) *engine {
	t.Helper()
	if os.Getenv(enginesEnv) == "" {
		t.Skip("make test-engines runs this; it takes minutes")
	}
	if _, err := exec.LookPath("jq"); err != nil {
		t.Fatal("jq is not installed, which runners of GitHub have")
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{T: t, repository: repository}
	build := exec.CommandContext(t.Context(), "go", "-C", filepath.Join(repository, "tools", "act"), "tool", "-n", "act")
	build.Env = append(os.Environ(), "GOEXPERIMENT=", "GOWORK=off")
	e.act = strings.TrimSpace(e.output(build))

	e.store = s3test.Start(t, s3test.Versitygw).URL("nightly")
	text, err := os.ReadFile(filepath.Join(repository, workflow))
	if err != nil {
		t.Fatal(err)
	}
	e.args = []string{
		"workflow_dispatch", "--directory", repository, "--workflows", workflow, "--platform", "ubuntu-24.04=-self-hosted",
		"--action-cache-path", filepath.Join(t.TempDir(), "act"), "--no-cache-server", "--concurrent-jobs", "2",
		"--var", "NIGHTLY_STORE=" + e.store, "--var", "NIGHTLY_TIER=smoke", "--var", "NIGHTLY_BACKEND=go", "--var", "NIGHTLY_WORKERS=2",
		"--var", `NIGHTLY_RUNNER=["ubuntu-24.04"]`, "--var", "NIGHTLY_GO=installed",
		"--env", "GOFLAGS=-trimpath", // so that the copies of the repository share what is built
		"--env", "AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "--env", "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey,
	}
	stub := t.TempDir()
	if err := os.WriteFile(filepath.Join(stub, "action.yml"), []byte(absent), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, action := range regexp.MustCompile(`uses: ([^ ]+@[0-9a-f]{40})`).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(action[1], "actions/checkout@") { // which act does itself
			e.args = append(e.args, "--local-repository", action[1]+"="+stub)
		}
	}
	return e
}

func (e *engine) output(cmd *exec.Cmd) string {
	e.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		e.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, &errs)
	}
	return string(out)
}

// run runs the workflow, and returns its log.
func (e *engine) run(inputs ...string) (log string, failed bool) {
	e.Helper()
	args := e.args
	for _, input := range inputs {
		args = append(args, "--input", input)
	}
	out, err := exec.CommandContext(e.Context(), e.act, args...).CombinedOutput()
	return string(out), err != nil
}

// runs counts what the registry holds, by kind.
func (e *engine) runs() map[string]int {
	e.Helper()
	var list struct{ Items []struct{ Kind string } }
	cmd := exec.CommandContext(e.Context(), "go", "run", "./cmd/cidbench", "registry", "ls", "--json", "--store", e.store)
	cmd.Dir = e.repository
	if err := json.Unmarshal([]byte(e.output(cmd)), &list); err != nil {
		e.Fatal(err)
	}
	kinds := map[string]int{}
	for _, x := range list.Items {
		kinds[x.Kind]++
	}
	return kinds
}

// Two nights and a control are trained, judged and set one after another; a night that is run again computes nothing.
func TestNightly(t *testing.T) {
	e := start(t)
	wants := func(log string, failed bool, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if failed || !strings.Contains(log, want) {
				t.Fatalf("failed: %v; want %q in\n%s", failed, want, log)
			}
		}
	}
	log, failed := e.run("night=2026-11-29")
	wants(log, failed, "No alarm in 1 night, 2026-11-29 to 2026-11-29", "These are the runs of the night 2026-11-29", "[nightly/worker-1] 🏁  Job succeeded", "[nightly/worker-2] 🏁  Job succeeded")
	first := e.runs()
	if first["night"] != 1 || first["training"] == 0 || first["analysis"] == 0 {
		t.Fatalf("the registry holds %v", first)
	}
	log, failed = e.run("night=2026-11-29")
	wants(log, failed, "No alarm in 1 night")
	if again := e.runs(); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("run again, the night has made %v of %v", again, first)
	}
	log, failed = e.run("night=2026-11-30")
	wants(log, failed, "No alarm in 2 nights, 2026-11-29 to 2026-11-30")
	log, failed = e.run("night=2026-11-30", "control=true")
	wants(log, failed, "2026-11-30, control")
	if all := e.runs(); all["night"] != 3 || all["training"] != 3*first["training"] {
		t.Errorf("after two nights and a control the registry holds %v", all)
	}
}
