package study_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// observing is small with a claim that observes embeddings.
var observing = func() *bench.Catalogue {
	c := *small
	observe := *small.Claims[0]
	observe.ID, observe.Contrasts = "observe", nil
	observe.Observations = []bench.Observation{{Arm: "half", Statistic: analysis.SameClassAUC}}
	c.Claims = append([]*bench.Claim{&observe}, small.Claims...)
	return &c
}()

// TestStanding: a look and a status tell the same of cells in every state, of analyses, and of what is left.
func TestStanding(t *testing.T) {
	reg, root := open(t)
	tier := observing.Tier("tiny")
	env := bench.Environment{Backend: "go", Method: tier.Train.ID().Version}
	now := time.Now()
	took := func(seconds float64) registry.Manifest {
		return registry.Manifest{Provenance: registry.Provenance{Started: now.Add(-30 * time.Minute), Finished: now.Add(-20 * time.Minute), WallSeconds: seconds}}
	}
	for _, cell := range observing.Matrix(tier, observing.Claims, bench.Explored(3), env) {
		run := cell.Spec.ID()
		switch {
		case cell.Seed == 0 && (cell.Arm == "all" || cell.Arm == "half"):
			commit(t, reg, took(100), cell.Spec.Key(), bench.Result{})
			if cell.Arm == "half" {
				for step, protocol := range map[int]string{4: tier.Analysis.ID(), 3: tier.Analysis.ID(), 2: "another"} { // only that of the checkpoint counts
					a := bench.AnalysisSpec{Scheme: bench.KeyScheme, Kind: "analysis", Run: run, Step: step, Tree: taxonomy.Digest(dataset.GlyphTree()), Protocol: protocol, Backend: "go"}
					commit(t, reg, took(10), a.Key(), analysis.Measures{})
				}
			}
		case cell.Seed == 1 && cell.Arm == "all":
			m := took(100)
			m.Status, m.Reason = registry.Failed, "diverged in step 3"
			commit(t, reg, m, cell.Spec.Key(), nil)
		case cell.Seed == 1 && cell.Arm == "untrained":
			commit(t, reg, took(5), cell.Spec.Key(), bench.Result{})
		case cell.Seed == 1 && cell.Arm == "half":
			lease, err := reg.Acquire(t.Context(), run, "somebody", leaseTerm)
			if err != nil {
				t.Fatal(err)
			}
			defer lease.Release(t.Context())
			reach(t, reg, lease, run, 3)
		case cell.Seed == 0 && cell.Arm == "untrained":
			lease, err := reg.Acquire(t.Context(), run, "nobody any more", time.Minute)
			if err == nil {
				err = lease.Release(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := study.Open(t.Context(), observing, options(study.Options{Store: root, Price: 2}))
	if err != nil {
		t.Fatal(err)
	}
	status, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	look, err := s.Watch().Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]*study.Standing{"status": status, "watch": look} {
		if diff := cmp.Diff(map[study.State]int{study.Complete: 3, study.Failed: 1, study.Held: 1, study.Begun: 1, study.Missing: 4}, at.Counts); diff != "" || at.Planned != 10 {
			t.Errorf("%s of %d: %s", name, at.Planned, diff)
		}
		for _, c := range at.Cells {
			switch c.State {
			case study.Held:
				if c.Arm != "half" || c.Seed != 1 || c.Owner != "somebody" || c.Step != 3 || c.Since.IsZero() || c.Silent {
					t.Errorf("%s: held is %+v", name, c)
				}
			case study.Failed:
				if c.Arm != "all" || c.Reason != "diverged in step 3" {
					t.Errorf("%s: failed is %+v", name, c)
				}
			}
		}
		a := at.Analyses
		if a.Needed != 6 || a.Done != 1 || a.Ready != 1 || a.SecondsEach != 10 || a.Seconds != 50 || len(a.Arms) != 2 {
			t.Errorf("%s: analyses are %+v", name, a)
		}
		// 4 cells were finished since 20 minutes and 100 seconds ago. A training takes 100 s, a floor 50 steps of 4: 1,250 s. Left are two of each,
		// a quarter of a training that is held, and the analyses.
		if math.Abs(at.PerHour-4*3600/1300.) > 0.1 {
			t.Errorf("%s: %v an hour", name, at.PerHour)
		}
		want := 2*100 + 2*1250 + 25 + 50.0
		if at.Basis != "mean of 3 stored runs" || math.Abs(at.Left.WallSeconds-want) > 1e-6 || math.Abs(at.Left.Money-2*want/3600) > 1e-9 || at.Done() {
			t.Errorf("%s: left is %+v (%s)", name, at.Left, at.Basis)
		}
	}
	if diff := cmp.Diff(status.Left, look.Left, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
	if n := len(look.Cells); n != 2 {
		t.Errorf("a look lists %d cells, want those held or failed", n)
	}
}

// leaseTerm is short, and long enough for machines with other work.
const leaseTerm = 2 * time.Second

// reach says to others that work has reached a step, which the lease does when it is renewed.
func reach(t *testing.T, reg *registry.Registry, lease *registry.Lease, run string, step int) {
	t.Helper()
	lease.Reached(step)
	for {
		select {
		case <-lease.Lost():
			t.Fatal("the lease is lost")
		case <-time.After(10 * time.Millisecond):
		}
		if h, err := reg.Hold(t.Context(), run); err != nil {
			t.Fatal(err)
		} else if h.Step >= step {
			return
		}
	}
}

// TestWatchPace: before any cell is finished, the steps of those at work say what is left.
func TestWatchPace(t *testing.T) {
	reg, root := open(t)
	s, err := study.Open(t.Context(), small, options(study.Options{Store: root}))
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Status(t.Context())
	if err != nil || at.Basis != "" || at.Left.WallSeconds != 0 {
		t.Fatalf("nothing is known: %+v, %v", at, err)
	}
	run := ""
	for _, c := range at.Cells {
		if c.Arm == "all" {
			run = c.Run
		}
	}
	lease, err := reg.Acquire(t.Context(), run, "somebody", leaseTerm)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(t.Context())
	w := s.Watch()
	for step := 1; ; step++ {
		if at, err = w.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if at.Basis != "" {
			break
		}
		if step > 3 {
			t.Fatalf("after %d steps nothing is known: %+v", step, at)
		}
		reach(t, reg, lease, run, step)
	}
	if at.Left.WallSeconds <= 0 || at.Counts[study.Held] != 1 {
		t.Errorf("left is %+v of %v", at.Left, at.Counts)
	}
}
