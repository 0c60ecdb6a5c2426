// Package judge makes a report of runs: it judges claims by the runs in an input, and computes all that a report
// says. It is made of pure functions; what it says in sentences comes from package words.
package judge

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Input is what a report is built from.
type Input struct {
	Catalogue *bench.Catalogue
	Tier      *bench.Tier
	Claims    []*bench.Claim // those to judge; the p values are corrected for their number
	Seeds     int            // each claim is judged on seeds 0 to Seeds-1, unless there are Looks
	// Looks, if not nil, are the rising numbers of seeds at which claims are judged until they are decided.
	// The levels follow from their number, so all that were planned must be here. Stopped says why the caller
	// goes no further than the runs do.
	Looks    []int
	Stopped  string
	Cells    []bench.Cell    // the matrix of the claims
	Runs     map[string]Run  // by run id; what is absent was not run
	Near     map[string]Near // by the id of a run that is absent, the stored one that comes nearest
	Sweeps   []SweepInput
	Analyses []AnalysisRun
	Classes  []string               // of the data set, for the line of chance and for pictures
	Picture  func(index int) []byte // of the data set that was analysed, as PNG; nil leaves pictures out
	Command  string                 // that made the report
	Program  string                 // its name in the commands that the report gives
	Notes    []string               // footnotes about what was read
}

func (in Input) program() string { return cmp.Or(in.Program, "cidbench") }

// Near is a stored run that differs from one that was asked for: A are its values, B those asked for.
type Near struct {
	Run         string
	Differences []bench.Difference
}

// String reads like "run 1a2b differs in training.config.steps (400 stored, 800 asked)".
func (n Near) String() string { return fmt.Sprintf("run %s differs in %s", n.Run, n.fields()) }

// fields names the members that differ, the first of them with their values.
func (n Near) fields() string {
	const most = 3
	text := words.Joined(n.Differences[:min(most, len(n.Differences))], ", ", func(d bench.Difference) string {
		return fmt.Sprintf("%s (%s stored, %s asked)", d.Path, words.OrNone(d.A), words.OrNone(d.B))
	})
	if more := len(n.Differences) - most; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// Run is a finished run, complete or failed.
type Run struct {
	Manifest registry.Manifest
	Digest   registry.Digest // of the stored manifest
	Result   bench.Result    // empty if the run failed without one
}

// AnalysisRun is a finished analysis.
type AnalysisRun struct {
	bench.Analysis
	Manifest registry.Manifest
	Digest   registry.Digest // of the stored manifest
	Measures analysis.Measures
}

// SweepInput is a sweep with its cells, for seeds 0 to Seeds-1; their runs are among those of the input.
type SweepInput struct {
	*bench.Sweep
	Seeds int
	Cells []bench.Cell
}

// Build judges the claims. It is a pure function. An error means that the input contradicts itself, and
// wraps registry.ErrCorrupt if a run is not what its id says; missing and failed runs are no error.
func Build(in Input) (*model.Report, error) {
	m, err := newMatrix(in)
	if err != nil {
		return nil, err
	}
	looks := &model.Looks{Method: words.LookMethod, Seeds: in.Looks, Alpha: model.TotalAlpha, Open: []string{}, Stopped: in.Stopped}
	if in.Looks == nil {
		looks.Seeds = []int{in.Seeds} // a plan of one
	}
	l := look{matrix: m, seeds: in.Seeds, alpha: stats.LookAlpha(model.TotalAlpha, len(looks.Seeds))}
	r := &model.Report{
		Schema: model.Schema, Version: model.Version, Paper: in.Catalogue.Paper, Alpha: l.alpha, Level: l.level(),
		Tier: model.Tier{
			ID: in.Tier.ID, Title: in.Tier.Title, Caveat: in.Tier.Caveat, Machinery: in.Tier.Machinery,
			Dataset: in.Tier.Dataset, Probe: in.Tier.Probe.ID(), Analysis: in.Tier.Analysis.ID(), Temperature: in.Tier.Train.Scale().Temperature,
			Steps: in.Tier.Train.Scale().Steps, Batch: in.Tier.Train.Scale().Batch, Negatives: in.Tier.Train.Scale().Negatives, Method: in.Tier.Train.ID().String(),
			SeedsUsual: in.Tier.Seeds,
		},
		Arms: m.arms(), Sweeps: m.sweeps(), Analyses: m.analyses(), Notes: []string{},
	}
	for _, text := range in.Notes {
		note(r, text)
	}
	if in.Looks != nil {
		r.Looks = looks
	} else if in.Seeds < in.Tier.Seeds {
		note(r, fmt.Sprintf("%s here; the tier %q is meant for %d.", words.Count(in.Seeds, "seed"), in.Tier.ID, in.Tier.Seeds))
	}
	countRuns(r)
	r.Floors = m.floors(r.Arms)
	if len(in.Classes) > 0 {
		r.Chance = points(1, len(in.Classes))
	}
	r.Provenance = m.provenance(r.Sweeps)
	l.floors = r.Floors
	last, err := l.take(looks)
	if err != nil {
		return nil, err
	}
	r.Claims, r.Tier.Seeds = last.claims, last.look.seeds
	for i := range r.Claims {
		c := &r.Claims[i]
		for _, n := range last.notes[i] {
			c.Notes = append(c.Notes, note(r, n))
		}
		slices.Sort(c.Notes)
		c.Notes = slices.Compact(c.Notes)
		c.Reason = words.Reason(c, r)
		r.Tally.Count(c.Verdict)
		last.look.explain(c, in.Claims[i], r.Sweeps)
	}
	r.Across = across(r.Claims)
	return r, nil
}

// note adds a footnote, once, and returns its number.
func note(r *model.Report, text string) int {
	if i := slices.Index(r.Notes, text); i >= 0 {
		return i + 1
	}
	r.Notes = append(r.Notes, text)
	return len(r.Notes)
}

// outcome is the claims at the last look taken, with what qualifies each, and that look.
type outcome struct {
	claims []model.Claim
	notes  [][]string
	look   look
}

// take measures the claims at each of the looks, those that are still open, and decides what it can: on the
// combined evidence of a claim's contrasts, corrected for all claims of the report at the same temperature, and
// for all looks.
func (l look) take(looks *model.Looks) (*outcome, error) {
	n := len(l.Claims)
	out := &outcome{make([]model.Claim, n), make([][]string, n), l}
	raw, open := make([]stats.Evidence, n), make([]int, n)
	for i := range open {
		open[i] = i
	}
	for taken, seeds := range looks.Seeds {
		whole := l.Looks == nil || l.finished(open, seeds) // missing runs stand in a report of one look
		if !whole && taken > 0 {
			break
		}
		out.look.seeds = seeds
		for _, i := range open {
			out.claims[i], out.notes[i] = out.look.measure(l.Claims[i])
			if raw[i] = combine(out.claims[i].Contrasts); !whole {
				raw[i] = stats.Settled(stats.Inconclusive) // half a look decides nothing
			}
		}
		corrected, err := correct(out.claims, raw)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			c := &out.claims[i]
			c.Raw, c.Corrected = raw[i], corrected[i]
			c.Verdict = corrected[i].Judge(l.alpha)
			if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.N > 0 }) {
				c.Verdict = out.look.nothing(l.Claims[i])
			}
			raw[i] = stats.Settled(c.Verdict)
		}
		if !whole {
			break
		}
		looks.Taken = taken + 1
		for _, i := range open {
			out.claims[i].Look = looks.Taken
		}
		open = slices.DeleteFunc(open, func(i int) bool { return !out.claims[i].Open() })
		if len(open) == 0 {
			break
		}
	}
	for _, i := range open {
		looks.Open = append(looks.Open, out.claims[i].ID)
	}
	return out, nil
}

// finished says whether every run of the claims is there, with its analyses, for so many seeds.
func (m *matrix) finished(claims []int, seeds int) bool {
	for _, i := range claims {
		claim := m.Claims[i]
		for seed := range uint64(seeds) {
			for _, arm := range claim.Arms() {
				cell, ok := m.cell(arm, m.temperature(claim), seed)
				if _, done := m.Runs[cell.Spec.ID()]; !ok || !done {
					return false
				}
			}
			for _, x := range claim.Observations {
				cell, _ := m.cell(x.Arm, m.temperature(claim), seed)
				complete := m.Runs[cell.Spec.ID()].Manifest.Status == registry.Complete
				if complete && m.analysisOf(x.Arm, m.temperature(claim), seed) == nil {
					return false
				}
			}
		}
	}
	return true
}

// measure fills in all of a claim but the verdict, and says what qualifies it.
func (l look) measure(claim *bench.Claim) (c model.Claim, notes []string) {
	temperature := l.temperature(claim)
	seeds := fmt.Sprintf("--seeds %d", l.seeds)
	if looks := l.Looks; looks != nil {
		seeds = fmt.Sprintf("--seeds auto --max-seeds %d", looks[len(looks)-1])
	}
	c = model.Claim{
		ID: claim.ID, Thesis: claim.Thesis, Statement: claim.Statement, Target: claim.Target,
		Source:      claim.Source,
		Temperature: temperature, Probe: claim.Probe, MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: l.Tier.Machinery, Exploratory: claim.Exploratory,
		Reproduce: fmt.Sprintf("%s verify --claim %s --tier %s %s", l.program(), claim.ID, l.Tier.ID, seeds),
		Runs:      []model.RunRef{},
	}
	for _, x := range claim.Contrasts {
		contrast, qualifying := l.contrast(claim, temperature, x)
		c.Contrasts, notes = append(c.Contrasts, contrast), append(notes, qualifying...)
	}
	refer := func(run model.RunRef) {
		if !slices.Contains(c.Runs, run) {
			c.Runs = append(c.Runs, run)
		}
	}
	for _, x := range claim.Observations {
		contrast, runs := l.observation(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, contrast)
		for _, run := range runs {
			refer(run)
		}
	}
	for _, arm := range claim.Arms() {
		for seed := range uint64(l.seeds) {
			cell, ok := l.cell(arm, temperature, seed)
			if run, done := l.Runs[cell.Spec.ID()]; ok && done {
				refer(model.RunRef{Arm: arm, Seed: cell.Seed, Run: cell.Spec.ID(), Manifest: run.Digest})
			}
		}
	}
	return c, append(notes, l.near(claim)...)
}

// correct adjusts the evidence of all claims of a look for the number of those at the same temperature.
// Temperatures are families of their own: the tier's is the paper's setting, and testing whether a claim also
// holds at another must not make that verdict harder. An exploratory claim is adjusted as if it were one more of
// its family, and the family knows nothing of it: whoever adds one moves no other verdict.
func correct(claims []model.Claim, raw []stats.Evidence) ([]stats.Evidence, error) {
	families := map[float64][]int{}
	for i, c := range claims {
		if !c.Exploratory {
			families[c.Temperature] = append(families[c.Temperature], i)
		}
	}
	corrected := make([]stats.Evidence, len(raw))
	for i, c := range claims {
		family := families[c.Temperature]
		if c.Exploratory {
			family = append(slices.Clone(family), i)
		}
		var evidence []stats.Evidence
		for _, j := range family {
			evidence = append(evidence, raw[j])
		}
		adjusted, err := stats.AdjustFamily(evidence)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		corrected[i], claims[i].FamilySize = adjusted[slices.Index(family, i)], len(family)
	}
	return corrected, nil
}

// combine turns the evidence on contrasts into evidence on the claim that all of them hold.
//
// That claim is false if any contrast fails, so its support must reject every one of these nulls: the
// intersection-union test (Berger, Technometrics 1982), whose p value is the largest, with no correction. It is
// refuted by showing one contrast to fail, and which one is chosen after looking: m times the smallest p value
// (Bonferroni, which is Holm's first step). A contrast that may not be judged keeps its place with p values of 1.
func combine(contrasts []model.Contrast) stats.Evidence {
	e := stats.Evidence{Support: 0, Refute: 1}
	for _, x := range contrasts {
		p := stats.Evidence{Support: 1, Refute: 1}
		if x.P != nil {
			p = *x.P
		}
		e.Support = max(e.Support, p.Support)
		e.Refute = min(e.Refute, p.Refute)
	}
	e.Refute = min(1, float64(len(contrasts))*e.Refute)
	return e
}
