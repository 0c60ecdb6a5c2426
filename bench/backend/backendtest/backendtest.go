// Package backendtest runs a test on every backend of this machine.
package backendtest

import (
	"cmp"
	"os"
	"slices"
	"testing"

	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/nn"
)

// Each runs a test on go, and on XLA where XLA finds a plugin.
func Each(t *testing.T, test func(*testing.T, nn.Device)) {
	for kind, choose := range map[string]func(testing.TB) backend.Backend{
		"go":  func(testing.TB) backend.Backend { return backend.Backend{Kind: "go"} },
		"xla": XLA,
	} {
		t.Run(kind, func(t *testing.T) {
			if kind == "xla" && testing.Short() {
				t.Skip("XLA compiles for minutes")
			}
			test(t, Open(t, choose(t), 1))
		})
	}
}

// Open is a device of a backend for the length of a test.
func Open(t testing.TB, b backend.Backend, threads int) nn.Device {
	t.Helper()
	devices, err := b.Open(1, threads)
	if err != nil {
		t.Fatal(err)
	}
	device, err := devices.Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { devices.Give(device) })
	return device
}

// Go is a device of the go backend with one thread.
func Go(t testing.TB) nn.Device {
	t.Helper()
	return Open(t, backend.Backend{Kind: "go"}, 1)
}

// XLA is the backend on the CPU plugin that CIDBENCH_XLA_PLUGIN names, or on one that is found. Where none is, the test
// is left out, or with CIDBENCH_REQUIRE_XLA fails.
func XLA(t testing.TB) backend.Backend {
	t.Helper()
	name := os.Getenv("CIDBENCH_XLA_PLUGIN")
	b, err := backend.Choose(t.Context(), "xla:"+cmp.Or(name, "cpu"))
	switch {
	case err == nil:
	case name != "", os.Getenv("CIDBENCH_REQUIRE_XLA") != "":
		t.Fatal(err)
	default:
		t.Skipf("NOT CHECKED on XLA: %v", err)
	}
	return b
}

// NoPeer leaves out a test that finds no PyTorch to hold something against, or with CIDBENCH_REQUIRE_PEER fails it.
func NoPeer(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CIDBENCH_REQUIRE_PEER") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf("NOT CHECKED against PyTorch, which make test-peer installs: "+format, args...)
}

// CUDA are all plugins of this machine, which shows no card, and one of CUDA among them. Where there is a card or no such
// plugin, the test is left out; with CIDBENCH_REQUIRE_XLA the latter fails.
func CUDA(t testing.TB) (found []*backend.Plugin, cuda *backend.Plugin) {
	t.Helper()
	if card := backend.NVIDIA(); card != "" {
		t.Skipf("NOT CHECKED: this machine has a card (%s)", card)
	}
	python, _ := backend.AskPython(t.Context()) // or no wheels
	found = backend.Find(python)
	at := slices.IndexFunc(found, func(p *backend.Plugin) bool { return p.Kind == "cuda" })
	switch {
	case at >= 0:
	case os.Getenv("CIDBENCH_REQUIRE_XLA") != "":
		t.Fatal("no CUDA plugin is installed")
	default:
		t.Skip("NOT CHECKED: no CUDA plugin is installed")
	}
	return found, found[at]
}
