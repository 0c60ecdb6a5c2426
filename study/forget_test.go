package study_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

// keep commits a run of a key.
func keep(t *testing.T, reg *registry.Registry, key json.RawMessage, m registry.Manifest) (run string) {
	t.Helper()
	if m.Key = key; m.Status == "" {
		m.Status = registry.Complete
		var err error
		if m.Result, err = json.Marshal(bench.Result{Accuracy: probe.Accuracy{Linear: 7, Ridge: 6, KNN: 5, N: 10}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := reg.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	run, err := registry.RunID(key)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// goEnv is what trains the runs of a tier that nobody has trained.
func goEnv(tier *bench.Tier) bench.Environment {
	return bench.Environment{Backend: "go", Method: tier.Train.ID().Version}
}

// reopened is evidence as it was saved.
func reopened(t *testing.T, write func(io.Writer) error) *registry.Registry {
	t.Helper()
	var file bytes.Buffer
	if err := write(&file); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "evidence.tar.gz")
	if err := os.WriteFile(saved, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	reg, err := registry.OpenExisting(t.Context(), saved)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// TestForget: a run goes that nothing rests on, by name or as a failed one; one that is cited stays, and with it all that
// were to go.
func TestForget(t *testing.T) {
	tier := small.Tier("tiny")
	cells := small.Matrix(tier, small.Claims, bench.Explored(3), goEnv(tier))
	store := filepath.Join(t.TempDir(), "store")
	fill := func(t *testing.T) (*registry.Registry, map[string]string) {
		t.Helper()
		if err := os.RemoveAll(store); err != nil {
			t.Fatal(err)
		}
		reg, err := registry.Open(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		runs := map[string]string{}
		for i, name := range []string{"free", "other", "analysed", "planned", "of a night", "signed", "in evidence"} {
			runs[name] = keep(t, reg, cells[i].Spec.Key(), registry.Manifest{})
		}
		runs["failed"] = keep(t, reg, cells[7].Spec.Key(), registry.Manifest{Status: registry.Failed, Reason: "diverged"})
		analysis := bench.AnalysisSpec{Scheme: bench.KeyScheme, Kind: "analysis", Run: runs["analysed"], Tree: "t", Protocol: "p", Backend: "go"}
		runs["analysis"] = keep(t, reg, analysis.Key(), registry.Manifest{})
		plan := bench.PlanSpec{Scheme: bench.KeyScheme, Kind: "plan", Tier: "tiny", Runs: []string{runs["planned"]}}
		runs["plan"] = keep(t, reg, plan.Key(), registry.Manifest{})
		night := tier.NightSpec(bench.Night{Name: "2026-11-30"}, []string{runs["of a night"]})
		runs["night"] = keep(t, reg, night.Key(), registry.Manifest{})
		if err := reg.Sign(t.Context(), runs["signed"], ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))); err != nil {
			t.Fatal(err)
		}
		if runs["unfinished"], err = registry.RunID(cells[8].Spec.Key()); err == nil {
			_, err = reg.Append(t.Context(), runs["unfinished"], "checkpoint", map[string]int{"step": 1})
		}
		if err != nil {
			t.Fatal(err)
		}
		return reg, runs
	}
	usage, nothing := study.UsageError{}, study.NothingError("")
	for _, tc := range []struct {
		name   string
		chosen []string // by name
		failed bool
		cited  string // by what, of the first that is chosen and cited
		want   any    // the error, as its type
	}{
		{name: "a run", chosen: []string{"free"}},
		{name: "two runs", chosen: []string{"free", "other"}},
		{name: "all that failed", failed: true},
		{name: "a run and what failed", chosen: []string{"free"}, failed: true},
		{name: "one that is not finished", chosen: []string{"unfinished"}},
		{name: "a training without its analysis", chosen: []string{"analysed"}, cited: "analysis ", want: &usage},
		{name: "a training with its analysis", chosen: []string{"analysed", "analysis"}},
		{name: "an analysis", chosen: []string{"analysis"}},
		{name: "a run of a plan", chosen: []string{"planned"}, cited: "plan ", want: &usage},
		{name: "a plan with its run", chosen: []string{"plan", "planned"}},
		{name: "a run of a night", chosen: []string{"of a night"}, cited: "night ", want: &usage},
		{name: "a night with its run", chosen: []string{"night", "of a night"}},
		{name: "a signed run", chosen: []string{"signed"}, cited: "signature by key ", want: &usage},
		{name: "one in evidence", chosen: []string{"in evidence"}, cited: "evidence ", want: &usage},
		{name: "one that is cited among others", chosen: []string{"free", "planned"}, cited: "plan ", want: &usage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reg, runs := fill(t)
			evidence := reopened(t, func(w io.Writer) error {
				return reg.WriteEvidence(t.Context(), w, []string{runs["in evidence"]}, registry.EvidenceOptions{})
			})
			var prefixes, want []string
			for _, name := range tc.chosen {
				prefixes, want = append(prefixes, runs[name]), append(want, runs[name])
			}
			if tc.failed {
				want = append(want, runs["failed"])
			}
			slices.Sort(want)
			for _, remove := range []bool{false, true} {
				got, err := study.Forget(t.Context(), reg, prefixes, tc.failed, []*registry.Registry{evidence}, remove)
				if failed := err != nil; failed != (remove && tc.want != nil) || failed && !errors.As(err, tc.want) {
					t.Errorf("remove %v: %v", remove, err)
				}
				var chosen []string
				cited := ""
				for _, f := range got {
					chosen = append(chosen, f.Run)
					cited += strings.Join(f.CitedBy, ",")
				}
				if slices.Sort(chosen); !slices.Equal(chosen, want) || !strings.HasPrefix(cited, tc.cited) || (cited == "") != (tc.cited == "") {
					t.Errorf("remove %v: chosen are %q, want %q, cited by %q", remove, chosen, want, cited)
				}
			}
			for name, run := range runs {
				_, _, err := reg.Run(t.Context(), run)
				gone := errors.Is(err, registry.ErrNotExist)
				if want := name == "unfinished" || slices.Contains(want, run) && tc.want == nil; gone != want {
					t.Errorf("%s is gone: %v, want %v", name, gone, want)
				}
			}
			for _, err := range reg.Events(t.Context(), runs["unfinished"]) {
				if gone := slices.Contains(tc.chosen, "unfinished"); err != nil || gone {
					t.Errorf("an event of what is not finished is there: %v", err)
				}
			}
		})
	}

	reg, runs := fill(t)
	for _, prefixes := range [][]string{{"00000000"}, nil} {
		if _, err := study.Forget(t.Context(), reg, prefixes, false, nil, true); !errors.As(err, &nothing) {
			t.Errorf("%q: %v", prefixes, err)
		}
	}
	// What a manifest rests on that cannot be read is not known: it may be the plan that all others are of.
	damaged := filepath.Join(store, "runs", runs["plan"], "manifest.json")
	if err := errors.Join(os.Chmod(damaged, 0o600), os.WriteFile(damaged, []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, remove := range []bool{false, true} {
		got, err := study.Forget(t.Context(), reg, []string{runs["planned"]}, false, nil, remove)
		if !errors.Is(err, registry.ErrCorrupt) || !strings.Contains(err.Error(), runs["plan"]) || len(got) != 1 {
			t.Errorf("remove %v, beside a damaged plan: %v, %v", remove, got, err)
		}
	}
	if _, _, err := reg.Run(t.Context(), runs["planned"]); err != nil {
		t.Errorf("a run of a plan that cannot be read: %v", err)
	}
}

// TestEvidenceCountsThePlan: evidence says how many runs of the plan there are, and holds them, of whatever seeds.
func TestEvidenceCountsThePlan(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	o := options(study.Options{Store: store, Access: study.Write})
	o.Tier = "planned"
	s, err := study.Open(t.Context(), small, o)
	if err == nil {
		_, err = s.Register(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	tier, plan := small.Tier("planned"), small.Plans[0]
	spec := small.PlanSpec(plan, goEnv(tier))
	cells := small.Confirming(tier, small.Planned(plan), plan.LastSeeds(), goEnv(tier))
	for finished := range 4 {
		if s, err = study.Open(t.Context(), small, o); err != nil {
			t.Fatal(err)
		}
		r, in, err := s.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		evidence := reopened(t, func(w io.Writer) error { return s.WriteEvidence(t.Context(), w, r, in, nil) })
		list, err := evidence.EvidenceList(t.Context())
		want := registry.EvidencePlan{Plan: spec.ID(), Planned: len(spec.Runs), Finished: finished}
		if err != nil || len(list.Plans) != 1 || list.Plans[0] != want || len(list.Runs) != finished+1 {
			t.Fatalf("%d runs: %+v, %v", finished, list, err)
		}
		keep(t, reg, cells[len(cells)-1-finished].Spec.Key(), registry.Manifest{}) // from the last look backwards
	}
}
