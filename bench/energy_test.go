package bench

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestEnergyOfTheMachineIsShared(t *testing.T) {
	root := t.TempDir()
	set := func(zone string, values map[string]float64) {
		t.Helper()
		dir := filepath.Join(root, zone)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, v := range values {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(strconv.FormatFloat(v, 'f', 0, 64)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	const max = 1e9
	set("intel-rapl:0", map[string]float64{"energy_uj": 100e6, "max_energy_range_uj": max})
	set("intel-rapl:1", map[string]float64{"energy_uj": 900e6, "max_energy_range_uj": max})
	set("intel-rapl:0:0", map[string]float64{"energy_uj": 0, "max_energy_range_uj": max}) // a part of 0
	m := startMeter(root, 2)
	if got := m.joules(); got != 0 {
		t.Errorf("%g J before anything was used", got)
	}
	set("intel-rapl:0", map[string]float64{"energy_uj": 150e6})
	set("intel-rapl:1", map[string]float64{"energy_uj": 20e6}) // has wrapped: 120 J
	set("intel-rapl:0:0", map[string]float64{"energy_uj": 40e6})
	if got, want := m.joules(), (50.0+120)/2; math.Abs(got-want) > 1e-9 {
		t.Errorf("%g J, want %g: half of both packages", got, want)
	}
	for name, none := range map[string]*meter{"no counters": startMeter(t.TempDir(), 1), "no meter": nil} {
		if got := none.joules(); got != 0 {
			t.Errorf("%s: %g J", name, got)
		}
	}
}
