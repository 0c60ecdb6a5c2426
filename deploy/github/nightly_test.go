package github_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/deploy/enginetest"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/drift"
	"github.com/cidbench/cidbench/report/model"
)

// Two nights and a control are trained, judged and set one after another, and a night that is run again computes nothing;
// a night fails by its verdicts where it is asked to, one that is cancelled is gone on with, and an alarm starts a control.
func TestNightly(t *testing.T) {
	enginetest.Asked(t)
	e := start(t)
	e.succeeds(t, night("2026-11-29"), "No alarm in 1 night, 2026-11-29 to 2026-11-29", "These are the runs of the night 2026-11-29",
		"[nightly/worker-1] 🏁  Job succeeded", "[nightly/worker-2] 🏁  Job succeeded")
	first := e.tally(t)
	if first.nights != 1 || first.trainings == 0 || first.analyses == 0 {
		t.Fatalf("the registry holds %+v", first)
	}
	e.succeeds(t, night("2026-11-29"), "No alarm in 1 night")
	if again := e.tally(t); again != first {
		t.Errorf("run again, the night has made %+v of %+v", again, first)
	}
	e.fails(t, append(night("2026-11-29"), "--var", "NIGHTLY_ACCEPT=0"), "::error::the claims ended with 4", "] exit status 4", "[nightly/report] 🏁  Job failed")
	e.succeeds(t, night("2026-11-30"), "No alarm in 2 nights, 2026-11-29 to 2026-11-30")
	e.succeeds(t, append(night("2026-11-30"), "--input", "control=true"), "2026-11-30, control")
	if all := e.tally(t); all.nights != 3 || all.trainings != 3*first.trainings {
		t.Errorf("after two nights and a control the registry holds %+v, after one %+v", all, first)
	}
	t.Run("cancelled", e.cancelled)
	t.Run("alarm", func(t *testing.T) { e.on("alarm").alarm(t, e.night(t, bench.Night{Name: "2026-11-29"})) })
}

// night are the arguments of act for one.
func night(name string) []string { return []string{"--input", "night=" + name} }

// Cancelled as GitHub does it, workers end with their code before they are killed, and what they have done is not done again.
func (e *engine) cancelled(t *testing.T) {
	before, cancelled := e.tally(t), false
	first, failed := e.run(t, func(line string) {
		if !cancelled && strings.Contains(line, " done in ") {
			cancelled = true
			e.cancel(t)
		}
	}, night("2026-12-01"))
	if !failed || !strings.Contains(first, "] exit status 130") {
		t.Fatalf("no worker ended with 130:\n%s", first)
	}
	second := e.succeeds(t, night("2026-12-01"), "No alarm in 3 nights, 2026-11-29 to 2026-12-01")
	times := map[string]int{}
	for line := range strings.Lines(first + second) {
		if line, _, done := strings.Cut(line, " done in "); done {
			_, cell, _ := strings.Cut(line, "| ")
			times[cell]++
		}
	}
	for cell, n := range times {
		if n != 1 {
			t.Errorf("%s was finished %d times", cell, n)
		}
	}
	after := e.tally(t)
	if after.trainings-before.trainings != before.trainings/before.nights || after.nights-before.nights != 1 || !strings.Contains(second, " done in ") {
		t.Errorf("of %+v the cancelled night has made %+v:\n%s", before, after, second)
	}
	if t.Failed() {
		t.Log(first)
	}
}

// A night of another level than those before raises an alarm: the run fails with the code of drift, and the control is
// trained at the commit of before. Nights like a real one stand for those before.
func (e *engine) alarm(t *testing.T, like drift.Night) {
	const old = 12
	all := func(shifted int) (nights []drift.Night) {
		for at := range old + shifted {
			n := drift.Night{Night: bench.Night{Name: fmt.Sprintf("2026-10-%02d", at+1)}, Tier: like.Tier, Seeds: like.Seeds, Dataset: like.Dataset, Claims: []drift.Judged{}}
			v, level, commit := drift.Values{Key: like.Series[0].Key, Statistic: like.Series[0].Statistic}, 1000.0, e.before
			if at >= old {
				level, commit = 0, e.now
			}
			for i := range like.Seeds.N {
				v.Values = append(v.Values, level+float64((7*at+3*i)%11)/10)
			}
			n.Series, n.Provenance = []drift.Values{v}, like.Provenance
			n.Provenance.Sources = []model.Commit{{Tool: like.Provenance.Sources[0].Tool, Commit: commit}}
			nights = append(nights, n)
		}
		return nights
	}
	// So many nights of the new level that the alarm is that of the next one.
	shifted := 0
	for ; ; shifted++ {
		d, err := drift.Follow(like.Tier, append(all(shifted), like))
		if err != nil {
			t.Fatal(err)
		}
		if d.Latest() {
			break
		}
		if shifted == 10 {
			t.Fatal("no alarm in ten nights")
		}
	}
	e.keep(t, all(shifted))
	log := e.fails(t, night(like.Name), "::error::the last night raised an alarm", "] exit status 8", "[nightly/report] 🏁  Job failed", "[nightly/control] 🏁  Job succeeded")
	control := e.night(t, bench.Night{Name: like.Name, Control: true})
	if got := control.Provenance.Sources; len(got) != 1 || got[0].Commit != e.before || got[0].Dirty {
		t.Errorf("the control is of %v, want commit %s, that of the nights before:\n%s", got, e.before, log)
	}
	if real := e.night(t, like.Night).Provenance.Sources; len(real) != 1 || real[0].Commit != e.now {
		t.Errorf("the night is of %v, want commit %s", real, e.now)
	}
}

// keep puts nights into the registry.
func (e *engine) keep(t *testing.T, nights []drift.Night) {
	t.Helper()
	reg, err := registry.Open(t.Context(), e.store)
	if err != nil {
		t.Fatal(err)
	}
	tier := &bench.Tier{ID: nights[0].Tier}
	for _, n := range nights {
		result, err := json.Marshal(n)
		if err == nil {
			_, err = reg.Commit(t.Context(), registry.Manifest{Status: registry.Complete, Key: tier.NightSpec(n.Night, nil).Key(), Result: result})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// all shows the manifests of the registry, with what their keys say.
func (e *engine) all(t *testing.T, show func(registry.Manifest, bench.Stored)) {
	t.Helper()
	reg, err := registry.OpenExisting(t.Context(), e.store)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range reg.Manifests(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stored, err := bench.ReadKey(m.Key)
		if err != nil {
			t.Fatal(err)
		}
		show(m, stored)
	}
}

// A tally counts what a registry holds.
type tally struct{ nights, trainings, analyses int }

func (e *engine) tally(t *testing.T) (n tally) {
	t.Helper()
	e.all(t, func(_ registry.Manifest, of bench.Stored) {
		switch {
		case of.IsNight():
			n.nights++
		case of.IsAnalysis():
			n.analyses++
		case of.Training.Features == bench.Trained: // others are floors, some of which nights share
			n.trainings++
		}
	})
	return n
}

// night is what the registry keeps of one.
func (e *engine) night(t *testing.T, named bench.Night) drift.Night {
	t.Helper()
	var found *drift.Night
	e.all(t, func(m registry.Manifest, of bench.Stored) {
		var n drift.Night
		if !of.IsNight() {
			return
		} else if err := json.Unmarshal(m.Result, &n); err != nil {
			t.Fatal(err)
		}
		if n.Night == named {
			found = &n
		}
	})
	if found == nil {
		t.Fatalf("the registry keeps no night %s", named)
	}
	return *found
}
