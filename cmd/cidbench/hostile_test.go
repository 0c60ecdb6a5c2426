package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/cli"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/registry"
)

// console runs a command, for a minute at the most, and returns its exit code and all that it prints.
func console(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	c := &cli.Console{Catalogue: experiments.All, Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}
	code = c.Run(ctx)
	if ctx.Err() != nil {
		t.Errorf("%s: it hangs", args)
	}
	return code, out.String()
}

// hostile is a text that would do something to a terminal: as an escape, as a control character of its own, by direction,
// and by going back in the line.
const hostile = "\x1b[31mh\u009b31mo\u202es\rtile"

// TestNothingControlsTheTerminal: a registry may say what it will, in every field that takes a text.
func TestNothingControlsTheTerminal(t *testing.T) {
	from, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store := filepath.Join(dir, "store")
	var run string
	err = again(t.Context(), from, store, func(m *registry.Manifest, of bench.Stored) (bool, error) {
		p := &m.Provenance
		for _, text := range []*string{&p.Tool, &p.Commit, &p.Code, &p.GoVersion, &p.OS, &p.Arch, &p.CPU, &p.Backend} {
			*text = hostile
		}
		p.Command, p.Modules = []string{hostile}, map[string]string{hostile: hostile}
		if of.IsRun() {
			var err error
			if run, err = registry.RunID(m.Key); err != nil {
				return false, err
			}
			m.Artifacts = maps.Clone(m.Artifacts)
			for _, d := range m.Artifacts {
				m.Artifacts[hostile] = d
				break
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(key any, m registry.Manifest) (id string) {
		text, ok := key.(json.RawMessage)
		if !ok {
			if text, err = json.Marshal(key); err != nil {
				t.Fatal(err)
			}
		}
		m.Key = text
		m.Provenance.Commit, m.Provenance.Backend = hostile, hostile
		if m.Status == "" {
			m.Status, m.Result = registry.Complete, json.RawMessage(`{"`+"h\u009bi"+`":1}`)
		}
		if _, err := reg.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if id, err = registry.RunID(m.Key); err != nil {
			t.Fatal(err)
		}
		return id
	}
	tier := experiments.All.Tier("smoke")
	cells := experiments.All.Matrix(tier, experiments.All.Claims, bench.Explored(5), bench.Environment{Backend: "go", Method: tier.Train.ID().Version})
	cells = slices.DeleteFunc(cells, func(c bench.Cell) bool { return c.Arm != "hardest5" || c.Seed < 3 }) // which is not trained
	failed := commit(cells[0].Spec.Key(), registry.Manifest{Status: registry.Failed, Reason: hostile})
	commit(bench.PlanSpec{Scheme: bench.KeyScheme, Kind: "plan", Tier: hostile, Runs: []string{run}}, registry.Manifest{})
	commit(bench.NightSpec{Scheme: bench.KeyScheme, Kind: "night", Tier: hostile, Night: hostile, Runs: []string{run}}, registry.Manifest{})
	commit(tier.NightSpec(bench.Night{Name: hostile}, []string{run}), registry.Manifest{Status: registry.Complete, Result: json.RawMessage(`{"name":"2026-11-30` + "\u009b" + `"}`)})
	commit(map[string]any{"scheme": bench.KeyScheme, "kind": hostile, "runs": []string{run}}, registry.Manifest{})
	for _, change := range []func(*bench.Spec){
		func(s *bench.Spec) { s.Dataset.Name = hostile }, func(s *bench.Spec) { s.Training.Method.Name = hostile }, func(s *bench.Spec) { s.Backend = hostile },
	} {
		spec := cells[0].Spec
		change(&spec)
		commit(spec.Key(), registry.Manifest{})
	}
	lease, err := reg.Acquire(t.Context(), cells[1].Spec.ID(), hostile, time.Hour)
	if err == nil {
		_, err = reg.Append(t.Context(), cells[1].Spec.ID(), hostile, map[string]any{"step": 1, hostile: hostile})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(context.WithoutCancel(t.Context()))
	damaged := filepath.Join(store, "runs", strings.Repeat("0", 32))
	if err = os.MkdirAll(damaged, 0o700); err == nil {
		err = os.WriteFile(filepath.Join(damaged, "manifest.json"), []byte(`{"schema":"`+"h\u009b31mi\u202e"+`"}`), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(store, "h\u009b31m\u202e.txt"), nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	smoke := " --tier smoke --claim hardest5 --seeds 5"
	for _, command := range []string{
		"registry ls", "registry ls --json", "registry ls --status failed", "registry show " + run, "registry show " + failed, "registry show " + strings.Repeat("0", 32),
		"registry get " + run + " nosuch", "registry check", "registry check --read-data --json", "registry repair", "registry repair --json", "registry gc", "registry gc --json",
		"registry forget " + run, "registry forget " + run + " --json", "registry forget --failed", "registry export --output " + dir + "/runs.tar",
		"status" + smoke, "status --json" + smoke, "plan" + smoke, "plan --json" + smoke, "verify --no-run" + smoke, "verify --no-run --json" + smoke, "show hardest5 --tier smoke",
		"report" + smoke, "report --format md" + smoke, "report --format csv" + smoke, "report --format json" + smoke,
		"report --save-evidence " + dir + "/evidence.tar.gz" + smoke, "drift --tier smoke", "drift --json --tier smoke", "doctor",
		"run --runs nosuch" + smoke, "report --runs nosuch" + smoke, "analyze --tier smoke --arm hardest5 --seeds 1",
	} {
		if code, out := console(t, append(strings.Fields(command), "--store", store)...); strings.ContainsAny(out, "\x1b\u009b\u202e\r") || out == "" && !strings.Contains(command, "csv") || code == 1 {
			t.Errorf("%s: exit %d, prints %q", command, code, out)
		}
	}
	if code, out := console(t, "registry", "copy", store, dir+"/copy"); strings.ContainsAny(out, "\x1b\u009b\u202e\r") || code == 1 {
		t.Errorf("copy: exit %d, prints %q", code, out)
	}
}

// TestDamageOfEachKind: whatever is bad of a run, each command goes on as far as it does not need that, names it, and ends
// with code 6 where it was asked for.
func TestDamageOfEachKind(t *testing.T) {
	from, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	const smoke = "--tier smoke --claim hardest5 --seeds 2"
	commands := []string{
		"registry check --read-data", "registry copy", "registry export", "registry gc --remove", "status " + smoke, "report " + smoke, "verify --no-run " + smoke, "plan " + smoke,
	}
	flip := func(file string) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text[len(text)/2] ^= 1
		if err = os.Chmod(file, 0o600); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o600)
	}
	for _, x := range []struct {
		kind   string
		damage func(manifest, blob string) error
		codes  []int // of the commands
	}{
		{"manifest", func(manifest, _ string) error { return flip(manifest) }, []int{6, 6, 6, 6, 6, 6, 6, 6}},
		{"link", func(manifest, _ string) error {
			if err := os.Rename(manifest, manifest+".there"); err != nil {
				return err
			}
			defer os.Remove(manifest + ".there")
			outside := filepath.Join(t.TempDir(), "manifest.json")
			text, err := os.ReadFile(manifest + ".there")
			if err == nil {
				err = os.WriteFile(outside, text, 0o600)
			}
			if err == nil {
				err = os.Symlink(outside, manifest)
			}
			return err
		}, []int{6, 6, 6, 6, 6, 6, 6, 6}},
		{"pipe", func(manifest, _ string) error {
			if err := os.Remove(manifest); err != nil {
				return err
			}
			return syscall.Mkfifo(manifest, 0o600)
		}, []int{6, 6, 6, 6, 6, 6, 6, 6}},
		{"blob", func(_, blob string) error { return flip(blob) }, []int{6, 6, 6, 0, 0, 0, 0, 0}},
	} {
		t.Run(x.kind, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			if err := firstSeeds(t.Context(), from, store, 2); err != nil {
				t.Fatal(err)
			}
			reg, err := registry.OpenExisting(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			var run, blob string // of a training
			for m, err := range reg.Manifests(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if d, ok := m.Artifacts[bench.SeriesArtifact]; ok {
					run, blob = m.Run, d.Digest.Hex()
				}
			}
			if blob == "" {
				t.Fatal("no training is there")
			}
			if err := x.damage(filepath.Join(store, "runs", run, "manifest.json"), filepath.Join(store, "blobs", "sha256", blob[:2], blob)); err != nil {
				t.Fatal(err)
			}
			for i, command := range commands {
				args := append(strings.Fields(command), "--store", store)
				switch command {
				case "registry copy":
					args = []string{"registry", "copy", store, filepath.Join(t.TempDir(), "to")}
				case "registry export":
					args = append(args, "--output", filepath.Join(t.TempDir(), "runs.tar"))
				}
				code, out := console(t, args...)
				if code != x.codes[i] || code == 6 && !strings.Contains(out, run) && !strings.Contains(out, blob) || out == "" {
					t.Errorf("%s: exit %d, want %d and %s or %s: %s", command, code, x.codes[i], run, blob, out)
				}
			}
		})
	}
}
