package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/drift"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Nights are trained, kept and set one after another; their runs are nobody else's.
func TestNights(t *testing.T) {
	store, data := t.TempDir()+"/store", t.TempDir()
	catalogue, dots := *other, *other.Datasets[0]
	dots.Read, dots.Digest = trainedDots()
	catalogue.Datasets = []*dataset.Source{&dots}
	want := func(code int, says string, command string, args ...any) string {
		t.Helper()
		command = fmt.Sprintf(command, args...)
		got, out, errs := tryOn(t.Context(), &catalogue, append(strings.Fields(command), "--store", store)...)
		if got != code || !strings.Contains(out+errs, says) {
			t.Fatalf("%s: exit %d, want %d and %q: %s%s", command, got, code, says, out, errs)
		}
		return out
	}
	want(exitSupported, "", "run --tier small --seeds 1 --backend go --data-dir %s", data)
	want(exitNothing, "the registry holds no night of tier small", "drift")
	want(exitNothing, "the night 2026-11-29 is not whole", "drift --night 2026-11-29 --seeds 1")
	for _, date := range []string{"2026-11-30", "2026-11-29"} {
		want(exitSupported, "", "run --night %s --seeds 1 --backend go", date)
		want(exitSupported, "", "drift --night %s --seeds 1", date)
	}
	want(exitSupported, "", "run --night 2026-11-30 --control --seeds 1 --backend go")
	want(exitSupported, "2026-11-30, control", "drift --night 2026-11-30 --control --seeds 1")
	want(exitSupported, "No alarm in 2 nights, 2026-11-29 to 2026-11-30", "drift --night 2026-11-30 --seeds 1") // once more
	want(exitSupported, "night 2026-11-30 of small", "registry ls")

	want(exitSupported, "", "run --night 2026-11-30 --seeds 2 --backend go")
	want(exitUsage, "is kept already, with other runs than these: name this one 2026-11-30.2", "drift --night 2026-11-30 --seeds 2")

	var cells struct {
		Items []struct {
			Seed  uint64
			State string
		}
	}
	for _, tc := range []struct {
		of    string
		first uint64
	}{{"", 0}, {"--night 2026-11-29", bench.Night{Name: "2026-11-29"}.Seeds(1).First}} {
		text := want(exitSupported, "", "status --seeds 1 --json %s", tc.of)
		if err := json.Unmarshal([]byte(text), &cells); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells.Items {
			if c.State != "complete" || c.Seed != tc.first && c.Seed != 0 {
				t.Errorf("status %s has seed %d, %s", tc.of, c.Seed, c.State)
			}
		}
	}
	valid(t, "drift", want(exitSupported, "", "drift --json"), "")
	want(model.ExitInconclusive, "These are the runs of the night 2026-11-29", "verify --no-run --night 2026-11-29 --seeds 1")
	verdict := want(exitSupported, "roundness", "report --night 2026-11-29 --seeds 1")
	if !strings.Contains(verdict, fmt.Sprint("seed ", bench.Night{Name: "2026-11-29"}.Seeds(1).First)) {
		t.Errorf("the verdict does not say its seed: %s", verdict)
	}
	want(exitSupported, "", "plan --claim roundness --seeds 1 --data-dir %s", data) // what nights used is not what was explored
}

// An alarm of the last night ends with a code of its own, in every format.
func TestDriftAlarm(t *testing.T) {
	store := t.TempDir() + "/store"
	reg, err := registry.Open(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	tier := other.Tiers[0]
	keep := func(at int, mean float64) {
		n := drift.Night{Night: bench.Night{Name: fmt.Sprintf("2026-11-%02d", at)}, Tier: tier.ID, Claims: []drift.Judged{{Claim: "roundness", Verdict: stats.Inconclusive}}}
		v := drift.Values{Key: "series"}
		for i := range 5 {
			v.Values = append(v.Values, mean+float64((7*at+3*i)%11)/10)
		}
		n.Series, n.Provenance.Evidence = []drift.Values{v}, registry.DigestOf(nil)
		result, err := json.Marshal(n)
		if err == nil {
			_, err = reg.Commit(t.Context(), registry.Manifest{Status: registry.Complete, Key: tier.NightSpec(n.Night, nil).Key(), Result: result})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for at := range 10 {
		keep(at+1, 0)
	}
	at, code, errs := 10, exitSupported, ""
	for ; code == exitSupported && at < 20; code, _, errs = try(t.Context(), "drift", "--store", store) {
		at++
		keep(at, 5)
	}
	if code != exitDrift || at < 12 || at > 15 {
		t.Fatalf("a clear shift of night 11 ends with %d in night %d: %s", code, at, errs)
	}
	for _, format := range []string{"--format=text", "--format=md", "--format=html", "--json"} {
		code, out, errs := try(t.Context(), "drift", "--store", store, format)
		if code != exitDrift || !strings.Contains(out, "2026-11-11") {
			t.Errorf("%s: exit %d: %.300s %s", format, code, out, errs)
		}
	}
	keep(at+1, 5)
	if code, out, errs := try(t.Context(), "drift", "--store", store); code != exitSupported || !strings.Contains(out, "1 alarm in") {
		t.Errorf("the night after the alarm: exit %d: %s %s", code, out, errs)
	}
}

func TestDriftUsage(t *testing.T) {
	for command, says := range map[string]string{
		"drift --night tonight":                          "is no name of a night",
		"run --night 2026-02-30":                         "is no name of a night",
		"run --control":                                  "name it with --night",
		"drift --control":                                "use it with --night",
		"drift --seeds 3":                                "use it with --night",
		"drift --format pdf":                             "text, md, html",
		"drift --tier none":                              "unknown tier",
		"run --night 2026-11-30 --explore":               "night",
		"report --night 2026-11-30 --compare A B":        "night",
		"run --night 2026-11-30 --look 1":                "night",
		"drift --night 2026-11-30 --json --output x.txt": "output",
	} {
		if code, _, errs := try(t.Context(), append(strings.Fields(command), "--store", t.TempDir())...); code != exitUsage || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d, want %q: %s", command, code, says, errs)
		}
	}
}
