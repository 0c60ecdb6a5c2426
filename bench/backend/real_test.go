package backend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/backend/backendtest"
)

// TestRealPlugin: a CPU plugin computes, and a manifest says which and no place.
func TestRealPlugin(t *testing.T) {
	b := backendtest.XLA(t)
	if p := b.Plugin; b.Kind != "xla" || p.Kind != "cpu" || p.API == "" || len(p.Devices) == 0 || p.Reason != "" {
		t.Errorf("%+v", p)
	}
	if text := b.String(); !strings.HasPrefix(text, "xla:cpu, ") || !strings.Contains(text, "PJRT 0.") || strings.Contains(text, "/") {
		t.Errorf("manifest: %q", text)
	}
	t.Log(b, b.Plugin.Version, b.Plugin.Devices)

	// go-xla by itself would take the path for that of another kind, with options.
	elsewhere := filepath.Join(t.TempDir(), "cuda, 12")
	if err := os.Symlink(filepath.Dir(b.Plugin.Path), elsewhere); err != nil {
		t.Fatal(err)
	}
	moved, err := backend.Choose(t.Context(), "xla:"+filepath.Join(elsewhere, filepath.Base(b.Plugin.Path)))
	if err != nil || moved.Plugin.Kind != "cpu" {
		t.Fatalf("%+v, %v", moved.Plugin, err)
	}
	if devices, err := moved.Open(1, 1); err != nil {
		t.Fatal(err)
	} else if device, err := devices.Take(); err != nil || !device.Compiles || !device.IsCPU() {
		t.Fatalf("%v, %v", device, err)
	}

	// Whoever has a card and ends on the CPU is told so.
	folder := t.TempDir()
	if err := os.Symlink(b.Plugin.Path, filepath.Join(folder, "pjrt_c_api_cpu_plugin.so")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "nvidia-smi"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", folder)
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	if b, err := backend.Choose(t.Context(), "xla"); err != nil || b.Plugin.Kind != "cpu" || !strings.Contains(b.Note, "but no CUDA plugin is installed") {
		t.Errorf("%+v, %v", b, err)
	}
}

// TestCUDAWithoutGPU: a CUDA plugin that finds no device is an error with a reason, and auto says that it is there.
func TestCUDAWithoutGPU(t *testing.T) {
	found, cuda := backendtest.CUDA(t)
	_, err := backend.Choose(t.Context(), "xla:cuda")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s (cuda): ", cuda.Path)) {
		t.Errorf("got %v", err)
	}
	t.Log(err)
	if b, err := backend.Auto(t.Context(), found); err != nil || b.Plugin != nil && b.Plugin.Kind == "cuda" || !strings.Contains(b.Note, "a CUDA plugin is installed") {
		t.Errorf("%+v, %v", b, err)
	}
}
