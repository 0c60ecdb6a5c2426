package write_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
	"github.com/cidbench/cidbench/report/write"
)

var update = flag.Bool("update", false, "write the golden files anew")

// stored is one of the reports that the tests of package judge keep.
func stored(t *testing.T, name string) *model.Report {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "judge", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &model.Report{}
	if err := json.Unmarshal(content, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// formats are the writers by the ending of their golden file.
var formats = map[string]func(io.Writer, *model.Report) error{
	"text": func(w io.Writer, r *model.Report) error { return write.Text(w, layout.Report(r), write.TextOptions{}) },
	"md": func(w io.Writer, r *model.Report) error {
		return write.Markdown(w, layout.Report(r), write.Beside{Figures: "figures", Full: "report.html"})
	},
	"csv":  write.CSV,
	"json": func(w io.Writer, r *model.Report) error { return write.JSON(w, r) },
}

func written(t *testing.T, format string, r *model.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := formats[format](&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// atWidth is a report as text of so many columns.
func atWidth(t *testing.T, r *model.Report, width int) string {
	t.Helper()
	var out bytes.Buffer
	if err := write.Text(&out, layout.Report(r), write.TextOptions{Width: width}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Text fits its width, with and without details, and says the same at any.
func TestTextFits(t *testing.T) {
	for _, name := range []string{"report", "targets", "nothing"} {
		r := stored(t, name)
		d := layout.Report(r)
		for _, details := range []bool{false, true} {
			for _, width := range []int{40, 80, 132} {
				var out bytes.Buffer
				if err := write.Text(&out, d, write.TextOptions{Width: width, Details: details}); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(out.String()) {
					if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
						t.Fatalf("%s, details %v: a line of %d columns, where %d fit: %s", name, details, n, width, line)
					}
				}
				for _, c := range r.Claims {
					for _, x := range c.Contrasts {
						if x.N > 0 && !strings.Contains(flat(out.String()), flat(words.Interval(x))) {
							t.Errorf("%s at %d columns does not say %s of %s", name, width, words.Interval(x), c.ID)
						}
					}
				}
			}
		}
	}
}

func TestGolden(t *testing.T) {
	r := stored(t, "report")
	for format := range formats {
		t.Run(format, func(t *testing.T) {
			got := written(t, format, r)
			path := filepath.Join("testdata", "report."+format)
			if format == "json" {
				path = filepath.Join("..", "judge", path)
			} else if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("run the test with -update if this is meant (-want +got):\n%s", diff)
			}
		})
	}
}

// Verdicts of a tier that only exercises the machinery must not be quotable without saying so.
func TestMachineryIsLabelled(t *testing.T) {
	r := stored(t, "report")
	r.Tier.Machinery = true
	for i := range r.Claims {
		r.Claims[i].Machinery = true
	}
	for format, out := range map[string]string{"text": atWidth(t, r, 400), "md": written(t, "md", r)} {
		if top, _, _ := strings.Cut(out, "exploratory claims"); !strings.Contains(top, "mean nothing for science") {
			t.Errorf("%s: no warning at the top", format)
		}
		for _, verdict := range []string{"✓ supported", "✗ refuted", "? inconclusive", "∅ nothing to judge"} {
			for i, rest := range strings.Split(out, verdict)[1:] {
				if !strings.HasPrefix(rest, " (meaningless)") {
					t.Errorf("%s: %q number %d is not labelled: %.60q", format, verdict, i, rest)
				}
			}
		}
	}
}

func TestColour(t *testing.T) {
	var coloured bytes.Buffer
	if err := write.Text(&coloured, layout.Report(stored(t, "report")), write.TextOptions{Width: 120, Colour: true}); err != nil {
		t.Fatal(err)
	}
	if plain := written(t, "text", stored(t, "report")); strings.ContainsRune(plain, '\x1b') || !bytes.Contains(coloured.Bytes(), []byte("\x1b[31m✗ refuted\x1b[0m")) {
		t.Error("escapes where there should be none, or none where there should be")
	}
}

// CSV has every contrast with its verdict and why, every published figure, and every cell.
func TestCSV(t *testing.T) {
	for _, name := range []string{"report", "targets"} {
		r := stored(t, name)
		rows, err := csv.NewReader(strings.NewReader(written(t, "csv", r))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"run": r.Tier.RunsPresent + r.Tier.RunsFailed + r.Tier.RunsMissing, "target": len(r.Targets)}
		for _, c := range r.Claims {
			want["contrast"] += len(c.Contrasts)
		}
		got, weighted := map[string]int{}, 0
		for _, row := range rows[1:] {
			of := map[string]string{}
			for i, head := range rows[0] {
				of[head] = row[i]
			}
			got[of["kind"]]++
			switch of["kind"] {
			case "contrast":
				if of["verdict"] == "" || of["reason"] == "" || of["alpha"] == "" || of["pairs"] == "" || of["pairs"] != "0" && of["low"] != "" && of["high"] == "" {
					t.Errorf("%s: a contrast lacks something: %v", name, of)
				}
			case "target":
				if of["published"] == "" || of["band_low"] == "" || of["held"] == "" || of["source"] == "" {
					t.Errorf("%s: a target lacks something: %v", name, of)
				}
			case "run":
				if of["weighted_points"] != "" && of["weighted_correct"] != "" {
					weighted++
				}
			}
		}
		if len(want) == 0 || got["contrast"] != want["contrast"] || got["target"] != want["target"] || got["run"] != want["run"] {
			t.Errorf("%s has rows %v, want %v", name, got, want)
		}
		if (weighted > 0) != (name == "targets") {
			t.Errorf("%s: %d runs have weighted neighbours", name, weighted)
		}
	}
}

// Markdown is the summary: it shows the figures that are beside it, and leaves the details to the full report.
func TestMarkdownIsASummary(t *testing.T) {
	r := stored(t, "report")
	d := layout.Report(r)
	text := written(t, "md", r)
	drawn := write.Drawn(d)
	if len(drawn) == 0 {
		t.Fatal("no figures")
	}
	for _, f := range drawn {
		if strings.Count(text, `<img src="figures/`+f.ID+`.svg"`) != 1 {
			t.Errorf("%s is not shown once", f.ID)
		}
	}
	if !strings.Contains(text, "[the full report](report.html)") {
		t.Error("no link to the full report")
	}
	for _, s := range d {
		if strings.Contains(text, "\n"+strings.Repeat("#", s.Level)+" "+s.Title+"\n") == s.Detail && s.Level > 1 {
			t.Errorf("section %q: detail %v", s.Title, s.Detail)
		}
	}
	var alone bytes.Buffer
	if err := write.Markdown(&alone, d, write.Beside{}); err != nil || strings.Contains(alone.String(), "<img") || strings.Contains(alone.String(), "](") {
		t.Errorf("with nothing beside it, %v, Markdown links to something", err)
	}
}

// A report without a single run is still a report.
func TestWritersWithoutRuns(t *testing.T) {
	r := stored(t, "nothing")
	for format := range formats {
		if out := written(t, format, r); !strings.Contains(out, "not run") || strings.Contains(out, "NaN") || strings.Contains(out, "Inf ") {
			t.Errorf("%s: %.300s", format, out)
		}
	}
}

// TestTargets: every format says what is published, what was found, and why nothing is decided.
func TestTargets(t *testing.T) {
	r := stored(t, "targets")
	for format, all := range map[string][]string{
		"text": {"Held against what is published", "63.00", "61.80 to 64.20", "60.12", "outside", "inside", "a paper", "SD 0.50 points: of other people", "!! No claim is decided: not the same experiment yet"},
		"md":   {"## Held against what is published", "| 63.00", "61.80 to 64.20", "outside", "a paper", "figures/published.svg", "figures/neighbours-0.2.svg"},
		"json": {`"held": "outside"`, `"published": 63`, `"source": "a paper"`, `"reference": "not the same experiment yet`, `"weighted": 27`},
	} {
		text := written(t, format, r)
		for _, want := range all {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
	}
	for format := range formats {
		if text := written(t, format, stored(t, "report")); strings.Contains(text, "published.svg") || strings.Contains(text, "Held against") || strings.Contains(text, `"targets"`) {
			t.Errorf("%s speaks of targets where there are none", format)
		}
	}
}
