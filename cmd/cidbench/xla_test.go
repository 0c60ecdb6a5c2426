package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/registry"
)

// ran is what the program said, and its exit code.
func ran(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program(), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// TestSmokeOnXLA: from an empty store the smoke tier proves the machinery on XLA, manifests name the plugin, and who judges
// again without XLA gets the same answer.
func TestSmokeOnXLA(t *testing.T) {
	b := backendtest.XLA(t)
	store := filepath.Join(t.TempDir(), "store")
	verify := []string{"verify", "--store", store, "--tier", "smoke", "--claim", "hardest5", "--seeds", "1"}
	answer, said, code := ran(t, append(verify, "--backend", "xla:"+b.Plugin.Path)...)
	if code != 0 || !strings.Contains(answer, "PASS: the machinery works: 6 runs trained and probed, 1 claim judged") || !strings.Contains(said, "XLA on "+b.Plugin.Label()) {
		t.Fatalf("exit code %d\n%s\n%s", code, answer, said)
	}
	for _, backend := range []string{"auto", "xla:" + b.Plugin.Path} {
		if again, said, code := ran(t, append(verify, "--no-run", "--backend", backend)...); code != 0 || again != answer {
			t.Errorf("--no-run --backend %s: exit code %d\n%s\n%s\nbefore:\n%s", backend, code, again, said, answer)
		}
	}

	// Where a card shows, and auto goes on without it, it says so.
	folder := t.TempDir()
	if err := os.Symlink(b.Plugin.Path, filepath.Join(folder, "pjrt_c_api_cpu_plugin.so")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "nvidia-smi"), []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", folder)
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	_, said, code = ran(t, append(verify, "--backend", "auto")...)
	if code != 0 || !strings.Contains(said, "but no CUDA plugin is installed, so training runs on the CPU") || !strings.Contains(said, "made on xla, and auto goes on with that") {
		t.Errorf("auto on a machine with a card: exit code %d\n%s", code, said)
	}

	reg, err := registry.OpenExisting(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	trained := 0
	for m, err := range reg.Manifests(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil {
			t.Fatal(err)
		}
		if m.Status != registry.Complete || stored.Backend != "xla" || m.Provenance.Backend != b.String() {
			t.Errorf("%s, backend %q in the key and %q in the manifest, want %q", m.Status, stored.Backend, m.Provenance.Backend, b)
		}
		if stored.Training.Features == bench.Trained {
			trained++
		}
	}
	if trained < 2 {
		t.Errorf("%d trainings", trained)
	}
}

// TestCUDAWithoutGPU: whoever asks for CUDA where a plugin finds no GPU learns why before anything is stored, and doctor
// says it of that plugin.
func TestCUDAWithoutGPU(t *testing.T) {
	_, cuda := backendtest.CUDA(t)
	plugin, store := cuda.Path, filepath.Join(t.TempDir(), "store")

	out, _, code := ran(t, "doctor", "--json", "--store", store)
	var d struct {
		Plugins []backend.Plugin `json:"plugins"`
		Auto    struct{ Backend, Why string }
	}
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	at := slices.IndexFunc(d.Plugins, func(p backend.Plugin) bool { return p.Path == plugin })
	if at < 0 || d.Plugins[at].Reason == "" || len(d.Plugins[at].Devices) > 0 {
		t.Fatalf("doctor --json says of it: %+v", d.Plugins)
	}
	reason := d.Plugins[at].Reason
	t.Log(reason)
	if strings.Contains(d.Auto.Backend, "cuda") || !strings.Contains(d.Auto.Why, "a CUDA plugin is installed ("+plugin+"), but the machine shows no NVIDIA card") {
		t.Errorf("auto: %+v", d.Auto)
	}
	if out, _, code := ran(t, "doctor", "--store", store); code != 0 || !strings.Contains(out, plugin) || !strings.Contains(out, "cannot be used: "+reason) {
		t.Errorf("doctor: exit code %d\n%s", code, out)
	}
	for _, command := range [][]string{{"run", "--tier", "smoke"}, {"verify", "--tier", "gpu"}} {
		out, said, code := ran(t, append(command, "--backend", "xla:cuda", "--store", store)...)
		if code != 2 || out != "" || !strings.Contains(said, "--backend xla:cuda: no such PJRT plugin works:\n  "+plugin+" (cuda): "+reason) {
			t.Errorf("%v: exit code %d\n%s%s", command, code, out, said)
		}
	}
	if _, err := os.Stat(store); err == nil {
		t.Error("there is a store")
	}
}
