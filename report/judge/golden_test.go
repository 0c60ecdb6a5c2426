package judge_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden are the reports in testdata. What lays them out, writes them or compares them is tested on these
// files: it needs no more than a report.
var golden = map[string]func(*testing.T) judge.Input{
	"report": showcase,
	"targets": func(t *testing.T) judge.Input { // one is outside
		return targeted(t, learned, []bench.Target{atQuarter(27.2), watchedAtEnd(54.5), atEnd(63)}, "easiest95", "detrimental")
	},
	"nothing": func(t *testing.T) judge.Input { return input(t, nil, "easiest95", "semantic") },
	"looks": func(t *testing.T) judge.Input { // one is decided at the first look, another waits for the second, which holds a third back
		in := planned(t, scores{"baseline": base[:3], "easiest95": lost[:3], "hardest5": around(-60, 20, -20, 10, -10, 0)[:3], "random5": around(-300)[:3], "without-hardest": around(5)[:3]},
			"hardest5", "easiest95", "unnecessary")
		in.Stopped = "budget of 1h spent"
		return in
	},
}

func encode(t *testing.T, r *model.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for name, in := range golden {
		t.Run(name, func(t *testing.T) {
			got := encode(t, build(t, in(t)))
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("run the test with -update if this is meant (-want +got):\n%s", diff)
			}
		})
	}
}

// Maps have no order, so neither may a report take one from them.
func TestSameInputSameReport(t *testing.T) {
	first := encode(t, build(t, showcase(t)))
	for range 5 {
		if !bytes.Equal(first, encode(t, build(t, showcase(t)))) {
			t.Fatal("two reports on equal runs differ")
		}
	}
}

func TestReportReadsBack(t *testing.T) {
	want := build(t, showcase(t))
	var got model.Report
	decoder := json.NewDecoder(bytes.NewReader(encode(t, want)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got, cmpopts.IgnoreFields(model.Picture{}, "PNG")); diff != "" {
		t.Error(diff)
	}
}
