package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bare leaves this process a machine of its own: no python3, no plugins, an empty home.
func bare(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for name, value := range map[string]string{"HOME": home, "PATH": home, "LD_LIBRARY_PATH": ""} {
		t.Setenv(name, value)
	}
	t.Setenv(pluginEnv, "") // set back to what it was at the end
	if err := os.Unsetenv(pluginEnv); err != nil {
		t.Fatal(err)
	}
	return home
}

// touch makes an empty file, whose folder need not be there.
func touch(t *testing.T, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFind: plugins are found where people have them, in this order, each once.
func TestFind(t *testing.T) {
	home, ld, site := bare(t), t.TempDir(), t.TempDir()
	t.Setenv("LD_LIBRARY_PATH", "relative:"+ld)
	own := filepath.Join(home, ".local/lib/go-xla")
	newest := touch(t, own, "pjrt_c_api_cpu_v0.98.0_plugin.so")
	link := filepath.Join(own, "pjrt_c_api_cpu_plugin.so")
	if err := os.Symlink(filepath.Base(newest), link); err != nil {
		t.Fatal(err)
	}
	touch(t, own, "libother.so")
	installed := touch(t, own, "nvidia/pjrt_c_api_cuda_plugin.so")
	other := touch(t, ld, "pjrt-plugin-tpu.so")
	cuda := touch(t, site, "jax_plugins/xla_cuda13/xla_cuda_plugin.so")
	wheel := touch(t, site, "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so")
	python := &Python{Path: []string{"/nowhere", site}, Packages: map[string]string{"lammps-jax-pjrt-cpu": "0.11.2"}}
	list := func(found []*Plugin) (all []string) {
		for _, p := range found {
			if !strings.HasPrefix(p.Path, "/usr/local/lib/go-xla") {
				all = append(all, fmt.Sprint(p.Name, " ", p.Kind, " ", p.Path, " ", p.Package))
			}
		}
		return all
	}
	want := []string{
		"cpu cpu " + link + " ",
		"cuda cuda " + installed + " ",
		"tpu tpu " + other + " ",
		"cuda13 cuda " + cuda + " ",
		"cpu cpu " + wheel + " lammps-jax-pjrt-cpu 0.11.2",
	}
	if diff := cmp.Diff(want, list(Find(python))); diff != "" {
		t.Error(diff)
	}
	t.Setenv(pluginEnv, ld)
	if diff := cmp.Diff(want[2:3], list(Find(python))); diff != "" {
		t.Errorf("only the folders that are named: %s", diff)
	}
	if label := named("cpu", link).Label(); label != "cpu, pjrt_c_api_cpu_v0.98.0_plugin.so" {
		t.Errorf("label %q", label)
	}
	if p := at(wheel, Find(python)); p.Name != "cpu" {
		t.Errorf("%+v", p)
	}
	if p := at("/x/libpjrt_cuda.so", nil); p.Kind != "cuda" {
		t.Errorf("%+v", p)
	}
}

// TestPython: a python3 that says nothing useful is no error of the choice.
func TestPython(t *testing.T) {
	folder := bare(t)
	if _, err := AskPython(t.Context()); err != ErrNoPython { //nolint:errorlint // it is returned as it is
		t.Errorf("got %v", err)
	}
	for script, want := range map[string]string{
		"echo nonsense":                "no answer that can be read",
		"echo 'no module' >&2; exit 1": "no module",
	} {
		if err := os.WriteFile(filepath.Join(folder, "python3"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := AskPython(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
		if b, err := Choose(t.Context(), "auto"); err != nil || b.Kind != "go" {
			t.Errorf("%+v, %v", b, err)
		}
	}
}

// TestChoosePython: the wheels of the python3 on the PATH are tried, and a failure names each.
func TestChoosePython(t *testing.T) {
	folder, site := bare(t), t.TempDir()
	cuda := touch(t, site, "jax_plugins/xla_cuda12/xla_cuda_plugin.so")
	cpu := touch(t, site, "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so")
	answer := fmt.Sprintf(`{"version": "3.14", "path": [%q], "packages": {"jax-cuda12-pjrt": "0.12.0", "torch": "2.15"}}`, site)
	if err := os.WriteFile(filepath.Join(folder, "python3"), []byte("#!/bin/sh\necho '"+answer+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	python, err := AskPython(t.Context())
	if err != nil || python.Packages["torch"] != "2.15" || len(python.Path) != 1 {
		t.Fatalf("%+v, %v", python, err)
	}
	for flag, want := range map[string][]string{
		"xla":           {cuda + " (cuda): ", cpu + " (cpu): ", "file too short"},
		"xla:cuda":      {cuda + " (cuda): "},
		"xla:cuda12":    {cuda + " (cuda): "},
		"xla:" + cpu:    {cpu + " (cpu): "},
		"xla:/absent":   {"/absent (absent): ", "No such file"},
		"xla:tpu":       {"no such PJRT plugin is installed"},
		"xla:":          {"is not auto, go, xla, xla:NAME"},
		"xla:relative/": {"no such PJRT plugin is installed"},
		"abacus":        {"is not auto, go, xla, xla:NAME"},
		"":              {"is not auto, go, xla, xla:NAME"},
	} {
		_, err := Choose(t.Context(), flag)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("--backend %s: %v, want %q", flag, err, part)
			}
		}
	}
	if _, err := Choose(t.Context(), "xla:cuda"); strings.Contains(err.Error(), cpu) {
		t.Errorf("a CPU plugin is none of CUDA: %v", err)
	}
}

// TestAuto: a GPU where one works, then a CPU plugin, go otherwise; and who might have expected a GPU is told why.
func TestAuto(t *testing.T) {
	works := &Plugin{Name: "cuda13", Path: "/works.so", Kind: "cuda", Package: "jax-cuda13-pjrt 0.12.0", API: "0.112", Devices: []string{"NVIDIA H100", "NVIDIA H100"}}
	fails := &Plugin{Name: "cuda12", Path: "/fails.so", Kind: "cuda", Reason: "no visible GPU devices"}
	untried := &Plugin{Name: "cuda12", Path: "/untried.so", Kind: "cuda"}
	cpu := &Plugin{Name: "cpu", Path: "/cpu.so", Kind: "cpu", Devices: []string{"a CPU"}}
	for name, test := range map[string]struct {
		found      []*Plugin
		card       string
		kind, note string
	}{
		"nothing":                {nil, "", "go", "no XLA plugin for a CPU is installed"},
		"a CPU plugin":           {[]*Plugin{cpu}, "", "xla", "XLA on cpu, cpu.so: a CPU"},
		"a GPU":                  {[]*Plugin{cpu, fails, works}, "/dev/nvidia0", "xla", "XLA on cuda, jax-cuda13-pjrt 0.12.0, PJRT 0.112: NVIDIA H100 and 1 more; not on\n  /fails.so (cuda): no visible GPU devices"},
		"a card alone":           {[]*Plugin{cpu}, "/dev/nvidia0", "xla", "an NVIDIA card (/dev/nvidia0), but no CUDA plugin is installed"},
		"a broken driver":        {[]*Plugin{fails}, "/dev/nvidia0", "go", "no CUDA plugin works, so training runs on the CPU:\n  /fails.so (cuda): no visible GPU devices"},
		"a CUDA plugin, no card": {[]*Plugin{untried, cpu}, "", "xla", "a CUDA plugin is installed (/untried.so), but the machine shows no NVIDIA card"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := auto(t.Context(), test.found, test.card)
			if err != nil || b.Kind != test.kind || !strings.Contains(b.Note, test.note) {
				t.Errorf("%+v, %v; want %s, %q", b, err, test.kind, test.note)
			}
		})
	}
	if untried.Reason != "" {
		t.Errorf("a plugin was tried without a card: %+v", untried)
	}
}

func TestNVIDIA(t *testing.T) {
	folder := bare(t)
	if found := nvidia(folder); found != "" {
		t.Errorf("found %s", found)
	}
	if err := os.WriteFile(filepath.Join(folder, "nvidia-smi"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if found := nvidia(folder); filepath.Base(found) != "nvidia-smi" {
		t.Errorf("found %s", found)
	}
	touch(t, folder, "proc/driver/nvidia/version")
	if found := nvidia(folder); found != filepath.Join(folder, "proc/driver/nvidia") {
		t.Errorf("found %s", found)
	}
	touch(t, folder, "dev/nvidiactl")
	device := touch(t, folder, "dev/nvidia0")
	if found := nvidia(folder); found != device {
		t.Errorf("found %s", found)
	}
}

// TestPrepare: a CUDA plugin gets the libraries of the wheels beside it, and XLA is told where the compiler is.
func TestPrepare(t *testing.T) {
	site := t.TempDir()
	t.Setenv("XLA_FLAGS", "--xla_dump_to=/dev/null")
	mark := filepath.Join(site, "opened")
	touch(t, site, "nvidia/cu13/lib/libcublas.so.13")
	library(t, filepath.Join(site, "nvidia/cu13/lib"), "libcudart.so.13", onLoad(fmt.Sprintf(`fclose(fopen(%q, "w"));`, mark)))
	named("cpu", filepath.Join(site, "xla_plugins/xla_cpu_pjrt/x.so")).prepare()
	if _, err := os.Stat(mark); err == nil {
		t.Error("a CPU plugin opens NVIDIA's libraries")
	}
	named("cuda13", filepath.Join(site, "jax_plugins/xla_cuda13/xla_cuda_plugin.so")).prepare()
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("libcudart was not opened: %v", err)
	}
	if got, want := os.Getenv("XLA_FLAGS"), "--xla_dump_to=/dev/null --xla_gpu_cuda_data_dir="+site+"/nvidia/cu13"; got != want {
		t.Errorf("XLA_FLAGS %q, want %q", got, want)
	}
	named("cuda13", filepath.Join(site, "jax_plugins/xla_cuda13/xla_cuda_plugin.so")).prepare()
	if flags := os.Getenv("XLA_FLAGS"); strings.Count(flags, cudaFlag) != 1 {
		t.Errorf("XLA_FLAGS %q", flags)
	}
}
