package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/cli"
	"github.com/cidbench/cidbench/experiments"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/study"
)

// results is what RESULTS.md rests on; `make extend` writes both.
const results = "testdata/results.tar.gz"

// icons is what it says of icons.
const icons = "testdata/icons.tar.gz"

// published is the catalogue of the claims that the published report shows: one that was added since is no reason to
// fail, and `make results` shows it too.
func published(t *testing.T) *bench.Catalogue {
	t.Helper()
	text, err := os.ReadFile("../../docs/report.html")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(claim *bench.Claim) bool { return bytes.Contains(text, []byte(`id="claim-`+claim.ID+`"`)) }
	all := *experiments.All
	all.Claims, all.Paper.Statements = nil, nil
	found := 0
	for _, claim := range experiments.All.Claims {
		switch {
		case !claim.In("default"):
			all.Claims = append(all.Claims, claim)
		case shown(claim):
			all.Claims = append(all.Claims, claim)
			found++
		default:
			t.Logf("docs/report.html does not show %s: `make results` makes it", claim.ID)
		}
	}
	if sections := bytes.Count(text, []byte(`id="claim-`)); found == 0 || sections < found {
		t.Fatalf("%d claims in %d sections of docs/report.html", found, sections)
	}
	for _, statement := range experiments.All.Paper.Statements {
		statement.Theses = slices.DeleteFunc(slices.Clone(statement.Theses), func(thesis string) bool {
			return !slices.ContainsFunc(all.Claims, func(claim *bench.Claim) bool { return claim.Thesis == thesis })
		})
		all.Paper.Statements = append(all.Paper.Statements, statement)
	}
	return &all
}

// TestTextFits: what commands print of the shipped evidence, and of what is here, has 80 columns where there is no terminal,
// but for paths and the like, which are one word. (That reports fit any width, comparisons too, is tested where they are
// written.)
func TestTextFits(t *testing.T) {
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	for _, command := range []string{
		"report --store " + results, "verify --no-run --store " + results, "show hardest5 --store " + results, "list", "status --store " + results,
		"plan --claim hardest5 --step-time 100ms --price 2 --store " + results, "plan --tier paper --step-time 100ms --store " + results,
		"registry ls --store " + results, "registry check --store " + results, "data ls --data-dir " + t.TempDir(), "doctor --store " + t.TempDir(),
		"help", "help exit-codes",
	} {
		var out, errs bytes.Buffer
		c := &cli.Console{Catalogue: experiments.All, Stdout: &out, Stderr: &errs, Args: strings.Fields(command)}
		if code := c.Run(t.Context()); out.Len() == 0 {
			t.Fatalf("%s: exit %d: %s", command, code, &errs)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && len(strings.Fields(line)) > 1 {
				t.Errorf("%s prints a line of %d columns: %s", command, n, line)
			}
		}
	}
}

// TestResultsComeFromEvidence makes RESULTS.md again from the stored evidence, with its figures and the full report,
// byte for byte.
func TestResultsComeFromEvidence(t *testing.T) {
	dir := t.TempDir()
	var errs bytes.Buffer
	c := &cli.Console{
		Catalogue: published(t), Stdout: &errs, Stderr: &errs,
		Args: []string{"report", "--tier", "default", "--store", results, "--beside", "icons=" + icons, "--data-dir", filepath.Join(dir, "no-pictures"),
			"--format", "md", "--output", filepath.Join(dir, "RESULTS.md"), "--details", filepath.Join(dir, "docs")},
	}
	if code := c.Run(t.Context()); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	files := []string{"RESULTS.md", filepath.Join("docs", "report.html"), filepath.Join("docs", "report-icons.html")}
	for _, root := range []string{dir, "../.."} { // none is missing on either side
		figures, err := filepath.Glob(filepath.Join(root, "docs", "figures", "*"))
		if err != nil || len(figures) == 0 {
			t.Fatalf("no figures in %s: %v", root, err)
		}
		for _, figure := range figures {
			if name := filepath.Join("docs", "figures", filepath.Base(figure)); !slices.Contains(files, name) {
				files = append(files, name)
			}
		}
	}
	for _, file := range files {
		got, errGot := os.ReadFile(filepath.Join(dir, file))
		want, errWant := os.ReadFile(filepath.Join("../..", file))
		if err := errors.Join(errGot, errWant); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from what its evidence gives (%v); `make results` writes it again\n%s", file, err, firstDifference(string(got), string(want)))
		}
		// What is read on a page of its host, or sent by mail, stays small.
		if limit := map[string]int{"RESULTS.md": 30 << 10, files[1]: 2_000_000, files[2]: 2_000_000}[file]; limit > 0 && len(want) > limit {
			t.Errorf("%s has %d bytes, %d are allowed", file, len(want), limit)
		}
		if strings.HasSuffix(file, ".svg") && !bytes.Contains(want, []byte("prefers-color-scheme: dark")) {
			t.Errorf("%s has no colours for a dark screen", file)
		}
	}
}

// TestReproduceLines has each claim judged again by the command that its section gives: the verdict is the one that
// stands there, and so it is in every format.
func TestReproduceLines(t *testing.T) {
	shown := published(t)
	judged := func(args ...string) (r model.Report) {
		t.Helper()
		var out, errs bytes.Buffer
		c := &cli.Console{Catalogue: shown, Stdout: &out, Stderr: &errs, Args: append(args, "--store", results)}
		if code := c.Run(t.Context()); code == 1 || code == 2 || code > 5 {
			t.Fatalf("%v: exit %d: %s", args, code, &errs)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return r
	}
	all := judged("report", "--tier", "default", "--format", "json")
	for _, want := range all.Claims {
		command, ok := strings.CutPrefix(want.Reproduce, "cidbench ")
		if !ok {
			t.Fatalf("%s: %q", want.ID, want.Reproduce)
		}
		r := judged(append(strings.Fields(command), "--no-run", "--json")...)
		i := slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == want.ID })
		if i < 0 {
			t.Errorf("%s: %q does not judge it", want.ID, want.Reproduce)
			continue
		}
		got := r.Claims[i]
		got.Notes, want.Notes = nil, nil   // they are numbered by report
		got.Places, want.Places = nil, nil // in the sweeps that a report shows
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %q gives another verdict, or the same for another reason: %s", want.ID, want.Reproduce, diff)
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d:\n%s\npublished is\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(a), len(b))
}

// TestMistakesOnResults makes the mistakes of report/mutation on the stored runs of the default tier: no claim
// that is supported may stay so.
func TestMistakesOnResults(t *testing.T) {
	shown := published(t)
	s, err := study.Open(t.Context(), shown, study.Options{
		Store: results, Selection: study.Selection{Tier: "default", Backend: "go"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, in, err := s.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in.Picture = nil
	supported := map[string]bool{}
	for _, c := range built(t, in).Claims {
		if c.Verdict == stats.Supported {
			supported[c.ID] = true
		}
	}
	if len(supported) == 0 {
		t.Skip("no claim is supported by the published runs, so that no mistake could show on them; report/mutation has runs of its own")
	}
	// Arms without rules are the baseline, be it at another temperature: of these nothing can be ignored, and what befalls
	// the baseline befalls both.
	ruled := func(x bench.Contrast) bool {
		return len(in.Catalogue.Arm(x.A).Rules)+len(in.Catalogue.Arm(x.B).Rules) > 0
	}
	swapped := map[string]string{"hardest5": "easiest95", "easiest95": "hardest5"}
	for name, tc := range map[string]struct {
		// mistake says which cell's result stands in the place of a cell's.
		mistake func(bench.Cell) coordinates
		// edit changes what was measured; nil: nothing.
		edit func(bench.Cell, *judge.Run)
		// touches says whether a claim rests on what is wrong.
		touches func(*bench.Claim) bool
	}{
		"hardest and easiest swapped": {
			mistake: func(c bench.Cell) coordinates {
				if other, ok := swapped[c.Arm]; ok {
					return coordinates{other, c.Temperature, c.Seed}
				}
				return coordinatesOf(c)
			},
			touches: func(c *bench.Claim) bool {
				return slices.ContainsFunc(c.Contrasts, func(x bench.Contrast) bool { return swapped[x.A] != "" || swapped[x.B] != "" })
			},
		},
		"rules ignored": {
			mistake: func(c bench.Cell) coordinates {
				if c.Spec.Training.Features == bench.Trained {
					return coordinates{"all", c.Temperature, c.Seed}
				}
				return coordinatesOf(c)
			},
			touches: func(c *bench.Claim) bool { return slices.ContainsFunc(c.Contrasts, ruled) },
		},
		"nothing trained, as without a queue": {
			mistake: func(c bench.Cell) coordinates {
				if c.Spec.Training.Features == bench.Trained {
					return coordinates{"untrained", in.Tier.Train.Scale().Temperature, c.Seed}
				}
				return coordinatesOf(c)
			},
			touches: everything,
		},
		"seeds of the baseline shuffled": {
			mistake: func(c bench.Cell) coordinates {
				if c.Arm == "all" {
					next := coordinates{c.Arm, c.Temperature, c.Seed + 1}
					if !exists(in, next) {
						next.seed -= next.seed % 100 // the plan's seeds begin at 100, the others at 0
					}
					return next
				}
				return coordinatesOf(c)
			},
			touches: func(c *bench.Claim) bool {
				return len(c.Observations) > 0 || slices.ContainsFunc(c.Contrasts, func(x bench.Contrast) bool { return ruled(x) && (x.A == "all" || x.B == "all") })
			},
		},
		"labels leaked": {
			mistake: coordinatesOf,
			edit: func(c bench.Cell, run *judge.Run) {
				run.Result.Accuracy.Linear = run.Result.Accuracy.N - int(c.Seed)
			},
			touches: everything,
		},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := mistaken(t, in, tc.mistake, tc.edit)
			for i, c := range built(t, wrong).Claims {
				if tc.touches(in.Claims[i]) && supported[c.ID] && c.Verdict == stats.Supported {
					t.Errorf("%s is still supported: %s", c.ID, c.Reason)
				}
				if name == "hardest and easiest swapped" && c.ID == "without-hardest5" && supported[c.ID] && c.Verdict != stats.Refuted {
					t.Errorf("%s is %s: %s", c.ID, c.Verdict, c.Reason)
				}
			}
		})
	}
}

// exists says whether there is such a cell.
func exists(in judge.Input, at coordinates) bool {
	return slices.ContainsFunc(in.Cells, func(c bench.Cell) bool {
		_, done := in.Runs[c.Spec.ID()]
		return done && coordinatesOf(c) == at
	})
}

func everything(*bench.Claim) bool { return true }

func built(t *testing.T, in judge.Input) *model.Report {
	t.Helper()
	r, err := judge.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// coordinates are where a cell stands in the matrix.
type coordinates struct {
	arm         string
	temperature float64
	seed        uint64
}

func coordinatesOf(c bench.Cell) coordinates { return coordinates{c.Arm, c.Temperature, c.Seed} }

// mistaken files under the key of each cell what belongs to another. An analysis goes with the run that it was
// made of, and one whose run is filed elsewhere is not found, as in a registry.
func mistaken(t *testing.T, in judge.Input, mistake func(bench.Cell) coordinates, edit func(bench.Cell, *judge.Run)) judge.Input {
	t.Helper()
	at := map[coordinates]bench.Cell{}
	for _, cell := range in.Cells {
		at[coordinatesOf(cell)] = cell
	}
	out := in
	out.Runs = maps.Clone(in.Runs)
	moved := map[string]bool{}
	for _, cell := range in.Cells {
		from := at[mistake(cell)]
		run, done := in.Runs[from.Spec.ID()]
		if !done { // a look that is not whole yet
			delete(out.Runs, cell.Spec.ID())
			continue
		}
		run.Manifest.Key = cell.Spec.Key()
		if edit != nil {
			edit(cell, &run)
		}
		out.Runs[cell.Spec.ID()] = run
		moved[cell.Spec.ID()] = from.Spec.ID() != cell.Spec.ID()
	}
	out.Analyses = slices.DeleteFunc(slices.Clone(in.Analyses), func(a judge.AnalysisRun) bool { return moved[a.Spec.Run] })
	return out
}

// The README gives the answers of RESULTS.md, decided or not, and what all comes to, in its words.
func TestReadmeGivesTheAnswers(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("../../RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	answers := func(text []byte) (lines []string) {
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "- ✓ ") || strings.HasPrefix(line, "- ✗ ") || strings.HasPrefix(line, "- ? ") || strings.Contains(line, "the paper's main claim") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if got, want := answers(readme), answers(published); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("README.md has %d answers, RESULTS.md %d:\n%s", len(got), len(want), strings.Join(want, ""))
	}
}
