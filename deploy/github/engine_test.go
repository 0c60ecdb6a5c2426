// Package github_test runs the nightly workflow by act, on an S3 server that it starts.
package github_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/deploy/enginetest"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

const workflow = ".github/workflows/nightly.yml"

// tier is a small one that has verdicts: inconclusive ones, on two seeds.
const tier = `from: smoke
id: night
machinery: false
seeds: 2
`

// absent fails if it is run: it stands for an action that is left out here.
const absent = `name: absent
description: fails
runs:
  using: composite
  steps:
    - run: exit 1
      shell: bash
`

// engine is act in a repository of two commits, both of this one with its changes, and a registry.
type engine struct {
	act, repository string
	before, now     string // the commits
	server          *s3test.Server
	store           string
	args            []string
}

func start(t *testing.T) *engine {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Fatal("jq is not installed, which runners of GitHub have")
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{repository: t.TempDir(), server: s3test.Start(t, s3test.Versitygw)}
	e.act = strings.TrimSpace(enginetest.Run(t, "env", "GOEXPERIMENT=", "GOWORK=off", "go", "-C", filepath.Join(here, "tools", "act"), "tool", "-n", "act"))
	git := func(args ...string) string {
		return enginetest.Run(t, "git", append([]string{"--git-dir=" + filepath.Join(e.repository, ".git"), "-c", "user.name=test", "-c", "user.email=test@example.org"}, args...)...)
	}
	enginetest.Run(t, "git", "init", "--quiet", e.repository)
	git("--work-tree="+here, "add", "--all")
	git("--work-tree="+here, "commit", "--quiet", "--message=before")
	git("--work-tree="+e.repository, "reset", "--quiet", "--hard")
	e.before = strings.TrimSpace(git("rev-parse", "HEAD"))
	git("commit", "--quiet", "--allow-empty", "--message=now")
	e.now = strings.TrimSpace(git("rev-parse", "HEAD"))

	text, err := os.ReadFile(filepath.Join(e.repository, workflow))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tier.yaml")
	if err := os.WriteFile(file, []byte(tier), 0o644); err != nil {
		t.Fatal(err)
	}
	e.args = []string{
		"workflow_dispatch", "--directory", e.repository, "--workflows", filepath.Join(e.repository, workflow), "--platform", "ubuntu-24.04=-self-hosted",
		"--action-cache-path", filepath.Join(t.TempDir(), "act"), "--no-cache-server", "--concurrent-jobs", "2", "--rm",
		"--var", "NIGHTLY_TIER=" + file, "--var", "NIGHTLY_BACKEND=go", "--var", "NIGHTLY_WORKERS=2",
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
	return e.on("nightly")
}

// on is the engine with another registry.
func (e *engine) on(store string) *engine {
	other := *e
	other.store = e.server.URL(store)
	return &other
}

// padding is what act puts behind the names of jobs, so that they are equally long.
var padding = regexp.MustCompile(` +\] `)

// run runs the workflow with further arguments of act, shows its log line by line to a watcher, and returns it.
func (e *engine) run(t *testing.T, watch func(line string), args []string) (log string, failed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), e.act, slices.Concat(e.args, []string{"--var", "NIGHTLY_STORE=" + e.store}, args)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		watch(line)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return padding.ReplaceAllString(all.String(), "] "), cmd.Wait() != nil
}

// succeeds runs the workflow, and ends the test unless it succeeds and says all that it should.
func (e *engine) succeeds(t *testing.T, args []string, says ...string) (log string) {
	t.Helper()
	return e.ends(t, false, args, says)
}

// fails is succeeds where the workflow should not.
func (e *engine) fails(t *testing.T, args []string, says ...string) (log string) {
	t.Helper()
	return e.ends(t, true, args, says)
}

func (e *engine) ends(t *testing.T, fails bool, args, says []string) string {
	t.Helper()
	log, failed := e.run(t, func(string) {}, args)
	for _, want := range says {
		if failed != fails || !strings.Contains(log, want) {
			t.Fatalf("failed: %v, want %v; want %q in\n%s", failed, fails, want, log)
		}
	}
	return log
}

// killAfter is when GitHub kills what is left of a job that it cancels.
const killAfter = 10 * time.Second

// cancel stops the workers of the night as GitHub does, by SIGINT and SIGTERM. The latter comes at once, and not after 7.5
// seconds, so that it meets workers that are stopping. The test fails if GitHub would have to kill one.
func (e *engine) cancel(t *testing.T) {
	t.Helper()
	workers := e.workers(t)
	if len(workers) == 0 {
		t.Error("there is no worker to cancel")
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, worker := range workers {
			_ = syscall.Kill(worker, s) // it may be through
		}
	}
	for begun := time.Now(); len(e.workers(t)) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > killAfter {
			t.Fatalf("workers are left after %v", killAfter)
		}
	}
}

// workers are the processes that train on the registry.
func (e *engine) workers(t *testing.T) (processes []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // it may be gone
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.HasPrefix(command, []byte("bin/cidbench\x00run\x00")) && bytes.Contains(environment, []byte("CIDBENCH_STORE="+e.store+"\x00")) {
			process, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			processes = append(processes, process)
		}
	}
	return processes
}
