// Package backendtest runs a test on every backend of this machine.
package backendtest

import (
	"cmp"
	"os"
	"testing"

	"github.com/gomlx/compute"

	"github.com/cidbench/cidbench/bench/backend"
)

// Each runs a test on go, and on XLA where XLA finds a plugin.
func Each(t *testing.T, test func(*testing.T, compute.Backend)) {
	for kind, choose := range map[string]func(*testing.T) backend.Backend{
		"go":  func(*testing.T) backend.Backend { return backend.Backend{Kind: "go"} },
		"xla": XLA,
	} {
		t.Run(kind, func(t *testing.T) {
			if kind == "xla" && testing.Short() {
				t.Skip("XLA compiles for minutes")
			}
			opened, err := choose(t).Open(1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(opened.Finalize)
			test(t, opened)
		})
	}
}

// XLA is the backend on the CPU plugin that CIDBENCH_XLA_PLUGIN names, or on one that is found. Where none is, the test
// is left out, or with CIDBENCH_REQUIRE_XLA fails.
func XLA(t *testing.T) backend.Backend {
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
