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
// report at the same temperature together, and for all looks. Temperatures are families of their own: the
// tier's is the paper's setting, and testing whether a claim also holds at another must not make that
// verdict harder.
func (b *builder) claims() error {
	notes, err := b.judge()
	if err != nil {
		return err
	}
	for i := range b.report.Claims {
		c := &b.report.Claims[i]
		for _, n := range notes[i] {
			c.Notes = append(c.Notes, b.note(n))
		}
		slices.Sort(c.Notes)
		c.Notes = slices.Compact(c.Notes)
		c.Reason = reason(c, b.report)
		b.report.Tally.count(c.Verdict)
	}
	return nil
}

// correct adjusts the evidence of all claims of a look for the number of those at the same temperature.
func (b *builder) correct(raw []stats.Evidence) ([]stats.Evidence, error) {
	families := map[float64][]int{}
	for i, claim := range b.in.Claims {
		families[b.temperature(claim)] = append(families[b.temperature(claim)], i)
	}
	corrected := make([]stats.Evidence, len(raw))
	for _, members := range families {
		var family []stats.Evidence
		for _, i := range members {
			family = append(family, raw[i])
		}
		adjusted, err := stats.AdjustFamily(family)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		for j, i := range members {
			corrected[i] = adjusted[j]
			b.report.Claims[i].FamilySize = len(members)
		}
	}
	return corrected, nil
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

// measure fills in all of a claim but the verdict, and says what qualifies it.
func (b *builder) measure(claim *bench.Claim) (c Claim, notes []string) {
	temperature := b.temperature(claim)
	seeds := fmt.Sprintf("--seeds %d", b.in.Seeds)
	if looks := b.in.Looks; looks != nil {
		seeds = fmt.Sprintf("--seeds auto --max-seeds %d", looks[len(looks)-1])
	}
	c = Claim{
		ID: claim.ID, Family: claim.Family, Statement: claim.Statement, Target: claim.Target,
		Source:      Source{Where: claim.Source.Where, Verified: claim.Source.Verified, Ours: claim.Source.Ours},
		Temperature: temperature, Probe: claim.Probe, MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: b.in.Tier.Machinery,
		Reproduce: fmt.Sprintf("cidbench verify --claim %s --tier %s %s", claim.ID, b.in.Tier.ID, seeds),
		Runs:      []RunRef{},
	}
	for _, x := range claim.Contrasts {
		contrast, qualifying := b.contrast(claim, temperature, x)
		c.Contrasts, notes = append(c.Contrasts, contrast), append(notes, qualifying...)
	}
	for _, x := range claim.Observations {
		contrast, runs := b.observation(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, contrast)
		for _, run := range runs {
			if !slices.Contains(c.Runs, run) {
				c.Runs = append(c.Runs, run)
			}
		}
	}
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
	return c, notes
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
	alike := 0
	for seed := range uint64(b.in.Seeds) {
		a, okA := b.usable(claim, declared.A, temperature, seed, obstacles)
		z, okB := b.usable(claim, declared.B, temperature, seed, obstacles)
		if !okA || !okB {
			continue
		}
		for _, d := range undeclared(a, z) {
			obstacles.add("the arms differ in what the contrast does not declare, "+d, seed)
		}
		if !sameStart(a, z) {
			obstacles.add("the arms do not begin alike, so they are not pairs of one seed", seed)
		}
		if sameCourse(a, z) {
			alike++
		}
		notes = append(notes, qualify(a, z)...)
		left, right = append(left, a.linear()), append(right, z.linear())
		c.Pairs = append(c.Pairs, Pair{Seed: seed, A: a.linear(), B: z.linear(), Difference: a.linear() - z.linear()})
	}
	result, judged := b.test(&c, claim, slices.Concat(obstacles.sentences(), inert(alike, len(c.Pairs)), b.uninformative(better(c, left, right))))
	if !judged {
		return c, notes
	}
	p := pValues(result.Evidence)
	c.P, c.Alone = &p, result.Verdict
	if result.Warning == stats.ZeroSpread {
		notes = append(notes, fmt.Sprintf("%s: the difference is the same at every seed, so the runs give no estimate of seed noise: "+
			"interval and p values rest on the estimate alone.", against(c)))
	}
	return c, notes
}

// test applies the relation of a contrast to its pairs. It may not be judged if there are obstacles, or too few
// pairs; what can be said of the difference is said nevertheless.
func (b *builder) test(c *Contrast, claim *bench.Claim, obstacles []string) (result stats.Result, judged bool) {
	c.N, c.Obstacles = len(c.Pairs), obstacles
	if c.N < claim.MinSeeds {
		c.Obstacles = append(c.Obstacles, fmt.Sprintf("%s, and the claim asks for %d", count(c.N, "paired seed"), claim.MinSeeds))
	}
	if c.N == 0 {
		c.Alone = NothingToJudge
	}
	if c.N < 2 {
		return result, false
	}
	var left, right []float64
	for _, p := range c.Pairs {
		left, right = append(left, p.A), append(right, p.B)
	}
	result, err := stats.Test(stats.Relation(c.Relation), left, right, c.Margin, b.report.Alpha)
	if err != nil {
		c.Obstacles = append(c.Obstacles, err.Error())
		return result, false
	}
	c.Difference = differenceOf(result.Difference)
	return result, len(c.Obstacles) == 0
}

func differenceOf(d stats.Difference) *Difference {
	return &Difference{Estimate: d.Estimate, SE: d.SE, Low: d.Interval.Low, High: d.Interval.High, Level: d.Interval.Level}
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
