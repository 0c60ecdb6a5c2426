package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// claims judges each claim on the combined evidence of its contrasts, corrected for all claims of the
// report together.
func (b *builder) claims() error {
	var raw []stats.Evidence
	for _, claim := range b.in.Claims {
		c := b.measure(claim)
		raw = append(raw, combine(c.Contrasts))
		b.report.Claims = append(b.report.Claims, c)
	}
	corrected, err := stats.AdjustFamily(raw)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for i := range b.report.Claims {
		c := &b.report.Claims[i]
		c.Raw, c.Corrected = pValues(raw[i]), pValues(corrected[i])
		c.Verdict = corrected[i].Judge(Alpha)
		if !slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.N > 0 }) {
			c.Verdict = NothingToJudge
		}
		c.Reason = reason(c, b.report.Family)
		b.report.Tally.count(c.Verdict)
	}
	return nil
}

func (t *Tally) count(v stats.Verdict) {
	switch v {
	case stats.Supported:
		t.Supported++
	case stats.Refuted:
		t.Refuted++
	case NothingToJudge:
		t.NothingToJudge++
	default:
		t.Inconclusive++
	}
}

func pValues(e stats.Evidence) PValues { return PValues{Support: e.PSupport, Refute: e.PRefute} }

// combine turns the evidence on contrasts into evidence on the claim that all of them hold.
//
// That claim is false if any contrast fails, so its support must reject every one of these nulls: the
// intersection-union test (Berger, Technometrics 1982), whose p value is the largest, with no
// correction. It is refuted by showing one contrast to fail, and which one is chosen after looking:
// m times the smallest p value (Bonferroni, which is Holm's first step). A contrast that may not be judged
// keeps its place with p values of 1.
func combine(contrasts []Contrast) stats.Evidence {
	e := stats.Evidence{PSupport: 0, PRefute: 1}
	for _, x := range contrasts {
		p := PValues{1, 1}
		if x.P != nil {
			p = *x.P
		}
		e.PSupport = max(e.PSupport, p.Support)
		e.PRefute = min(e.PRefute, p.Refute)
	}
	e.PRefute = min(1, float64(len(contrasts))*e.PRefute)
	return e
}

// measure fills in all of a claim but the verdict.
func (b *builder) measure(claim *bench.Claim) Claim {
	temperature := claim.Temperature
	if temperature == 0 {
		temperature = b.in.Tier.Train.Temperature
	}
	c := Claim{
		ID: claim.ID, Family: claim.Family, Statement: claim.Statement, Target: claim.Target,
		Source:      Source{Where: claim.Source.Where, Verified: claim.Source.Verified, Ours: claim.Source.Ours},
		Temperature: temperature, Probe: claim.Probe, MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: b.in.Tier.Machinery,
		Reproduce: fmt.Sprintf("cidbench verify --claim %s --tier %s --seeds %d", claim.ID, b.in.Tier.ID, b.in.Seeds),
		Runs:      []RunRef{},
	}
	for _, x := range claim.Contrasts {
		contrast, notes := b.contrast(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, contrast)
		for _, n := range notes {
			c.Notes = append(c.Notes, b.note(n))
		}
	}
	slices.Sort(c.Notes)
	c.Notes = slices.Compact(c.Notes)
	seen := map[string]bool{}
	for _, arm := range claim.Arms() {
		for seed := range uint64(b.in.Seeds) {
			cell, ok := b.cell(arm, temperature, seed)
			if run, done := b.in.Runs[cell.Spec.ID()]; ok && done && !seen[run.Manifest.Run+arm] {
				seen[run.Manifest.Run+arm] = true
				c.Runs = append(c.Runs, RunRef{Arm: arm, Seed: cell.Seed, Run: cell.Spec.ID(), Manifest: run.Digest})
			}
		}
	}
	return c
}

// cell finds where an arm's run stands in the matrix, which lists equal runs once: floors at the tier's
// temperature, pixels at seed 0, and an arm that is another by a second name under that name.
func (b *builder) cell(id string, temperature float64, seed uint64) (bench.Cell, bool) {
	arm := b.in.Catalogue.Arm(id)
	if arm.Features != bench.Trained {
		temperature = b.in.Tier.Train.Temperature
	}
	if arm.Features == bench.Pixels {
		seed = 0
	}
	if cell, ok := b.cells[place{id, temperature, seed}]; ok {
		return cell, true
	}
	for _, other := range b.in.Catalogue.Arms {
		if other.Features == arm.Features && slices.Equal(other.Rules, arm.Rules) {
			if cell, ok := b.cells[place{other.ID, temperature, seed}]; ok {
				return cell, true
			}
		}
	}
	return bench.Cell{}, false
}

// contrast pairs the runs of two arms by seed and tests the relation, unless something forbids a
// verdict. The notes qualify a verdict without forbidding it.
func (b *builder) contrast(claim *bench.Claim, temperature float64, declared bench.Contrast) (Contrast, []string) {
	c := Contrast{
		A: declared.A, B: declared.B, Relation: declared.Relation, Margin: declared.Margin,
		Bounds: bounds(declared), Pairs: []Pair{}, Alone: stats.Inconclusive,
	}
	var notes []string
	obstacles := bySeed{}
	var left, right []float64
	for seed := range uint64(b.in.Seeds) {
		a, okA := b.usable(claim, declared.A, temperature, seed, obstacles)
		z, okB := b.usable(claim, declared.B, temperature, seed, obstacles)
		if !okA || !okB {
			continue
		}
		for _, d := range undeclared(a, z) {
			obstacles.add("the arms differ in what the contrast does not declare, "+d, seed)
		}
		notes = append(notes, qualify(a, z)...)
		left, right = append(left, a.linear()), append(right, z.linear())
		c.Pairs = append(c.Pairs, Pair{Seed: seed, A: a.linear(), B: z.linear(), Difference: a.linear() - z.linear()})
	}
	c.N = len(c.Pairs)
	c.Obstacles = obstacles.sentences()
	if c.N < claim.MinSeeds {
		c.Obstacles = append(c.Obstacles, fmt.Sprintf("%s, and the claim asks for %d", count(c.N, "paired seed"), claim.MinSeeds))
	}
	if c.N == 0 {
		c.Alone = NothingToJudge
	}
	if c.N < 2 {
		return c, notes
	}
	result, err := stats.Test(stats.Relation(declared.Relation), left, right, declared.Margin, Alpha)
	if err != nil {
		c.Obstacles = append(c.Obstacles, err.Error())
		return c, notes
	}
	c.Difference = &Difference{
		Estimate: result.Estimate, SE: result.SE, Low: result.Interval.Low, High: result.Interval.High,
	}
	if len(c.Obstacles) > 0 {
		return c, notes
	}
	p := pValues(result.Evidence)
	c.P, c.Alone = &p, result.Verdict
	if result.Warning == stats.ZeroSpread {
		notes = append(notes, fmt.Sprintf("%s: the difference is the same at every seed, so the runs give no estimate of seed noise: "+
			"interval and p values rest on the estimate alone.", against(c)))
	}
	return c, append(notes, b.belowFloors(c, left, right)...)
}

// bounds are the differences that a relation is about.
func bounds(x bench.Contrast) []float64 {
	switch x.Relation {
	case bench.NonInferior:
		return []float64{-x.Margin}
	case bench.Equivalent:
		return []float64{-x.Margin, x.Margin}
	}
	return []float64{x.Margin}
}

// usable finds the observation of an arm at a seed, and adds what is wrong with it; without a number it
// is of no use.
func (b *builder) usable(claim *bench.Claim, arm string, temperature float64, seed uint64, obstacles bySeed) (observation, bool) {
	cell, ok := b.cell(arm, temperature, seed)
	if !ok {
		obstacles.add(arm+" is not part of the matrix", seed)
		return observation{}, false
	}
	o := b.observe(cell)
	switch o.status {
	case Complete:
	case NotRun:
		obstacles.add(arm+" was not run", seed)
		return o, false
	default:
		obstacles.add(fmt.Sprintf("%s: %s: %s", arm, o.status, o.reason), seed)
		return o, false
	}
	for _, wrong := range b.misdeclared(claim, b.in.Catalogue.Arm(arm), o) {
		obstacles.add(arm+" is not what the catalogue declares, "+wrong, seed)
	}
	return o, true
}

// bySeed collects the seeds at which something holds.
type bySeed map[string][]uint64

func (s bySeed) add(what string, seed uint64) { s[what] = append(s[what], seed) }

func (s bySeed) sentences() (out []string) {
	for _, what := range slices.Sorted(maps.Keys(s)) {
		var seeds []string
		for _, seed := range s[what] {
			seeds = append(seeds, fmt.Sprint(seed))
		}
		plural := "s"
		if len(seeds) == 1 {
			plural = ""
		}
		out = append(out, fmt.Sprintf("%s (seed%s %s)", what, plural, strings.Join(seeds, ", ")))
	}
	return out
}
