package main

import (
	"testing"

	"github.com/cidbench/cidbench/experiments"
)

// A sweep and a tier each have their own usual number of seeds; --seeds overrides both.
func TestUsualSeeds(t *testing.T) {
	tier, sweep := experiments.All.Tier("default"), experiments.All.Sweeps[0]
	if tier.Seeds == sweep.Seeds {
		t.Fatalf("both have %d seeds, so this test would tell nothing", tier.Seeds)
	}
	for _, tc := range []struct {
		sweep       string
		seeds, want int
	}{
		{"", 0, tier.Seeds}, {"", 7, 7}, {sweep.ID, 0, sweep.Seeds}, {sweep.ID, 7, 7},
	} {
		o := &options{store: t.TempDir() + "/none", tier: tier.ID, backend: "go", sweep: tc.sweep, seeds: tc.seeds}
		n, err := o.open(t.Context(), &state{}, looking)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, c := range n.cells {
			got = max(got, int(c.Seed)+1)
		}
		if got != tc.want || n.seeds != tc.want {
			t.Errorf("sweep %q, --seeds %d: cells of %d seeds, want %d", tc.sweep, tc.seeds, got, tc.want)
		}
	}
}

func TestSeedCount(t *testing.T) {
	for _, tc := range []struct {
		text  string
		allow bool
		want  string // as shown; empty for an error
	}{
		{"5", false, "5"}, {"5", true, "5"}, {"auto", true, "auto"}, {"auto", false, ""}, {"-1", true, ""},
		{"", true, ""}, {"2.5", false, ""}, {"AUTO", true, ""}, {"99999999999999999999", false, ""},
	} {
		v := &seedCount{n: new(int)}
		if tc.allow {
			v.auto = new(bool)
		}
		if err := v.Set(tc.text); (err != nil) != (tc.want == "") || err == nil && v.String() != tc.want {
			t.Errorf("%q (auto allowed: %v): %v, shown as %q, want %q", tc.text, tc.allow, err, v, tc.want)
		}
	}
	// The last one counts.
	v := &seedCount{new(int), new(bool)}
	for _, text := range []string{"5", "auto", "7"} {
		if err := v.Set(text); err != nil || v.String() != text {
			t.Errorf("%s after another: %v, %s", text, err, v)
		}
	}
}
