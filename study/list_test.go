package study_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// A list speaks of tiers, arms and seeds, whether they are the catalogue's or not, and says so where it asks for no
// such run.
func TestList(t *testing.T) {
	reg, _ := open(t)
	env := bench.Environment{Backend: "go"}
	at := registry.Manifest{Provenance: registry.Provenance{Started: time.Unix(1e9, 0), Finished: time.Unix(1e9+60, 0), WallSeconds: 60}}
	tier := small.Tier("tiny")
	var want []study.Listed
	for _, cell := range small.Matrix(tier, small.Claims, bench.Seeds{First: 0, N: 2}, env) {
		commit(t, reg, at, cell.Spec.Key(), bench.Result{})
		kind := "training"
		if cell.Spec.Training.Features != bench.Trained {
			kind = "floor"
		}
		want = append(want, study.Listed{Kind: kind, Tier: "tiny", Arm: cell.Arm, Temperature: cell.Temperature, Seed: cell.Seed, Run: cell.Spec.ID(), Backend: "go"})
		if cell.Arm == "half" {
			a := bench.AnalysisSpec{Scheme: bench.KeyScheme, Kind: "analysis", Run: cell.Spec.ID(), Step: 4, State: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
			commit(t, reg, at, a.Key(), bench.Result{})
			want = append(want, study.Listed{Kind: "analysis", Tier: "tiny", Arm: "half", Temperature: cell.Temperature, Seed: cell.Seed, Step: 4, Run: a.ID()})
		}
	}
	commit(t, reg, at, []byte(`{"seed":7}`), bench.Result{})
	plan := small.PlanSpec(small.Plan("planned"), env)
	commit(t, reg, at, plan.Key(), bench.Result{})
	id, err := registry.RunID([]byte(`{"seed":7}`))
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, study.Listed{Kind: "other", Seed: 7, Run: id}, study.Listed{Kind: "plan", Tier: "planned", Run: plan.ID()})
	list := func(f study.Filter) []study.Listed {
		t.Helper()
		o, err := reg.Overview(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		all, err := study.List(small, o, f)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	ignored := cmpopts.IgnoreFields(study.Listed{}, "Status", "Started", "Finished", "Seconds", "ResultDigest", "Manifest")
	byRun := cmpopts.SortSlices(func(a, b study.Listed) bool { return a.Run < b.Run })
	for range 2 { // the second time from the index
		if diff := cmp.Diff(want, list(study.Filter{}), ignored, byRun); diff != "" {
			t.Error(diff)
		}
		if _, err := reg.Reindex(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if all := list(study.Filter{Arm: "half"}); len(all) != 4 || all[0].Status != registry.Complete || !all[0].Finished.Equal(time.Unix(1e9+60, 0)) {
		t.Errorf("of one arm there are %+v", all)
	}
	if all := list(study.Filter{Prefixes: []string{id[:6]}}); len(all) != 1 || all[0].Run != id {
		t.Errorf("by its id there is %+v", all)
	}
	for f, n := range map[string]int{"failed": 0, "complete": len(want)} {
		if all := list(study.Filter{Status: f}); len(all) != n {
			t.Errorf("%d are %s, want %d", len(all), f, n)
		}
	}
	if all := list(study.Filter{Tier: "planned"}); len(all) != 1 {
		t.Errorf("of the plan's tier there are %+v", all)
	}
}

// TestResolve: some digits of an id name its run, and where they name several these are listed.
func TestResolve(t *testing.T) {
	reg, _ := open(t)
	byPrefix := map[string]int{}
	first, second := 0, 0
	id := func(seed int) string {
		run, err := registry.RunID(fmt.Appendf(nil, `{"seed":%d}`, seed))
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	for seed := 1; second == 0; seed++ { // until two ids begin alike
		if other, ok := byPrefix[id(seed)[:4]]; ok {
			first, second = other, seed
		}
		byPrefix[id(seed)[:4]] = seed
	}
	for _, seed := range []int{first, second} {
		commit(t, reg, registry.Manifest{}, fmt.Appendf(nil, `{"seed":%d}`, seed), bench.Result{})
	}
	one, other := id(first), id(second)
	unique := one[:5]
	for strings.HasPrefix(other, unique) {
		unique = one[:len(unique)+1]
	}
	for prefix, want := range map[string]string{unique: one, one: one, strings.Repeat("0", 32): strings.Repeat("0", 32)} {
		if got, err := study.Resolve(t.Context(), small, reg, prefix); got != want || err != nil {
			t.Errorf("%s is %s, %v", prefix, got, err)
		}
	}
	_, err := study.Resolve(t.Context(), small, reg, one[:4])
	if !errors.As(err, new(study.UsageError)) || !strings.Contains(err.Error(), "\n  "+one+"  other") || !strings.Contains(err.Error(), "\n  "+other) {
		t.Errorf("two begin with it: %v", err)
	}
	for _, bad := range []string{"", "abc", "ABCD", "nosuch", one + "0"} {
		if _, err := study.Resolve(t.Context(), small, reg, bad); !errors.As(err, new(study.UsageError)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	absent := "0000000"
	if _, err := study.Resolve(t.Context(), small, reg, absent); !errors.As(err, new(study.NothingError)) {
		t.Errorf("%s: %v", absent, err)
	}
}
