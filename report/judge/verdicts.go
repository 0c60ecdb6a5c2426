package judge

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// judged is a claim with its verdict, what qualifies it, and the look that it was taken at.
type judged struct {
	model.Claim
	notes []string
	look  look
}

// verdicts judges claims, each by itself, and then lets the gate speak. The primaries of a plan that were not asked
// for are judged too, for a secondary claim counts only once all of them are decided.
//
// A plan's claims have fixed parts of its alpha, in both directions: of a claim's two nulls only one is true, so that
// it goes wrong with at most its part, and all primaries together with at most alpha; so do all secondaries. That the
// secondaries are let through only where every primary is decided keeps the sum of both near alpha: where a primary
// may go wrong at all, on its margin, it is hardly ever decided (docs/error-rates.md has both simulated).
//
// gate are the primaries that were judged for that alone.
func (m *matrix) verdicts() (asked, gate []judged, err error) {
	for _, claim := range m.Claims {
		j, err := m.judge(claim)
		if err != nil {
			return nil, nil, err
		}
		asked = append(asked, j)
	}
	secondary := func(j judged) bool { return j.Role == bench.Secondary }
	if !slices.ContainsFunc(asked, secondary) {
		return asked, nil, nil
	}
	var undecided []string
	for _, id := range m.Plan.Primary {
		i := slices.IndexFunc(asked, func(j judged) bool { return j.ID == id })
		if i < 0 {
			j, err := m.judge(m.Catalogue.Claim(id))
			if err != nil {
				return nil, nil, err
			}
			gate = append(gate, j)
			if !j.decided() {
				undecided = append(undecided, id)
			}
		} else if !asked[i].decided() {
			undecided = append(undecided, id)
		}
	}
	for i := range asked {
		if j := &asked[i]; secondary(*j) && len(undecided) > 0 && j.decided() {
			j.Own, j.Verdict, j.Gate = j.Verdict, stats.Inconclusive, undecided
		}
	}
	return asked, gate, nil
}

func (j *judged) decided() bool { return j.Verdict == stats.Supported || j.Verdict == stats.Refuted }

// judge judges a claim by itself, unless the tier's runs are another experiment than what they are to repeat.
func (m *matrix) judge(claim *bench.Claim) (j judged, err error) {
	if m.Plan.Role(claim.ID) == bench.Exploratory {
		j = m.explore(claim)
	} else if j, err = m.confirm(claim); err != nil {
		return j, fmt.Errorf("report: claim %s: %w", claim.ID, err)
	}
	j.repeats(m.held)
	return j, nil
}

// explore judges a claim on the seeds from 0 on, once and uncorrected.
func (m *matrix) explore(claim *bench.Claim) judged {
	l := look{matrix: m, seeds: m.explored(), alpha: model.Alpha}
	j := l.measure(claim)
	j.Role, j.Alpha, j.Spent, j.Share = bench.Exploratory, l.alpha, l.alpha, l.alpha
	j.decide(true)
	if j.NotTestable = m.Tier.NotTestable[claim.Thesis]; j.NotTestable != "" {
		j.Verdict = model.NotTestable
	}
	return j
}

// confirm judges a claim of the plan at each look of which every run is there, until one decides it. Missing runs of
// the first look stand in the claim.
func (m *matrix) confirm(claim *bench.Claim) (j judged, err error) {
	share := m.Plan.Share(claim.ID)
	levels, err := stats.OBrienFleming(share, m.Plan.Looks)
	if err != nil {
		return j, err
	}
	for i, alpha := range levels {
		l := look{matrix: m, seeds: m.Plan.SeedsAt(i), alpha: alpha}
		whole := l.finished(claim)
		if !whole && i > 0 {
			break
		}
		j = l.measure(claim)
		if whole {
			j.Look = i + 1
			j.Spent = stats.Spent(share, float64(l.seeds.N)/float64(m.Plan.LastSeeds().N))
		}
		j.Alpha = alpha
		j.decide(whole)
		if !whole || !j.Open() {
			break
		}
	}
	j.Role, j.Share, j.Looks = m.Plan.Role(claim.ID), share, len(levels)
	j.Registration = m.registration(j.Runs)
	if j.Look == len(levels) && j.Open() {
		j.Need = need(&j.Claim)
	}
	return j, nil
}

// registration says whether runs began after their plan was registered.
func (m *matrix) registration(runs []model.RunRef) model.Registration {
	if m.Registered == nil {
		return model.Missing
	}
	for _, ref := range runs {
		run, training := m.Runs[ref.Run]
		if training && run.Manifest.Provenance.Started.Before(m.Registered.At) {
			return model.Early
		}
	}
	return model.Registered
}

// decide gives the claim the verdict that its contrasts and level allow; half a look decides nothing.
func (j *judged) decide(whole bool) {
	c := &j.Claim
	c.P = combine(c.Contrasts, c.Assay)
	if c.Verdict = stats.Inconclusive; whole {
		c.Verdict = c.P.Judge(j.look.alpha)
	}
	if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.N > 0 }) {
		c.Verdict = j.look.nothing(j.look.Catalogue.Claim(c.ID))
	}
	for i := range c.Contrasts {
		j.look.widen(&c.Contrasts[i], c.Verdict, len(c.Contrasts))
	}
	if c.Verdict != stats.Supported {
		c.Specific = nil // what supports nothing is not specific either
	}
}

// combine turns the evidence on contrasts into evidence on the claim that all of them hold.
//
// That claim is false if any contrast fails, so its support must reject every one of these nulls: the
// intersection-union test (Berger, Technometrics 1982), whose p value is the largest, with no correction; the assay,
// if there is one, is among them. It is refuted by showing one contrast to fail, and which one is chosen after
// looking: m times the smallest p value (Bonferroni). A contrast that may not be judged keeps its place with p values
// of 1.
func combine(contrasts []model.Contrast, assay *model.Contrast) stats.Evidence {
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
	if assay != nil {
		support := 1.
		if assay.P != nil {
			support = assay.P.Support
		}
		e.Support = max(e.Support, support)
	}
	return e
}

// finished says whether every run that a verdict on the claim rests on is there, with its analyses.
func (l look) finished(claim *bench.Claim) bool {
	temperature := l.Tier.Temperature(claim)
	observed := map[string]bool{}
	for _, x := range claim.Observations {
		observed[x.Arm], observed[x.Beyond] = true, true
	}
	for _, seed := range l.seeds.All() {
		for _, arm := range l.restsOn(claim) {
			o, _ := l.cell(arm, temperature, seed)
			if !o.done || observed[arm] && o.run.Manifest.Status == registry.Complete && l.analysisOf(arm, temperature, seed) == nil {
				return false
			}
		}
	}
	return true
}

// measure fills in all of a claim but what depends on its role, and says what qualifies it.
func (l look) measure(claim *bench.Claim) judged {
	temperature := l.Tier.Temperature(claim)
	j := judged{look: l}
	c := &j.Claim
	*c = model.Claim{
		ID: claim.ID, Thesis: claim.Thesis, Statement: claim.Statement, Plain: claim.Plain, Target: claim.Target,
		Source:      claim.Source,
		Temperature: temperature, Probe: l.Tier.ProbeOf(claim), MinSeeds: claim.MinSeeds, Controls: claim.Controls,
		Machinery: l.Tier.Machinery, Seeds: l.seeds, Reproduce: l.reproduce(claim), Runs: []model.RunRef{},
	}
	refer := func(run model.RunRef) {
		if !slices.Contains(c.Runs, run) {
			c.Runs = append(c.Runs, run)
		}
	}
	contrast := func(x bench.Contrast) model.Contrast {
		out, notes := l.contrast(claim, temperature, x)
		j.notes = append(j.notes, notes...)
		return out
	}
	for _, x := range claim.Contrasts {
		c.Contrasts = append(c.Contrasts, contrast(x))
	}
	for _, x := range claim.Observations {
		if byPath, same := l.repeated(claim, x); same {
			j.notes = append(j.notes, fmt.Sprintf("In this class tree path and Wu-Palmer similarity are the same at two scales, so that %s says no more than %s, and is left out.", x.Statistic, byPath))
			continue
		}
		observed, runs := l.observation(claim, temperature, x)
		c.Contrasts = append(c.Contrasts, observed)
		for _, run := range runs {
			refer(run)
		}
	}
	for _, x := range claim.Trends {
		c.Seeds = bench.Explored(l.Catalogue.Sweep(x.Sweep).Seeds)
		trend, runs := l.trend(claim, x)
		c.Contrasts = append(c.Contrasts, trend)
		for _, run := range runs {
			refer(run)
		}
	}
	if claim.Assay != nil {
		assay := contrast(*claim.Assay)
		c.Assay = &assay
	}
	if claim.Specific != nil {
		specific := contrast(*claim.Specific)
		c.Specific = &specific
	}
	for _, arm := range l.restsOn(claim) {
		for _, seed := range l.seeds.All() {
			if o, _ := l.cell(arm, temperature, seed); o.done {
				refer(o.ref())
			}
		}
	}
	j.notes = append(j.notes, l.near(claim)...)
	return j
}

// reproduce is the command that gives the claim's verdict.
func (l look) reproduce(claim *bench.Claim) string {
	command := fmt.Sprintf("%s verify --claim %s --tier %s", l.program(), claim.ID, l.Tier.ID)
	switch {
	case l.Night != (bench.Night{}):
		command += fmt.Sprintf("%s --seeds %d", l.Night.Flags(), l.Seeds)
	case l.Plan == nil && l.Catalogue.Plan(l.Tier.ID) != nil:
		command += " --explore"
		fallthrough
	case l.Plan.Role(claim.ID) == bench.Exploratory:
		command += fmt.Sprintf(" --seeds %d", l.Seeds)
	}
	return command
}

// need plans what was not decided from what was seen.
func need(c *model.Claim) *model.Need {
	n := &model.Need{Power: Power}
	for _, x := range c.Contrasts {
		if x.Found != nil {
			n.Bound = max(n.Bound, max(-x.Found.Low, x.Found.High))
		}
	}
	needs := PlanSeeds(c).Needs(c.Alpha)
	if len(needs) == 0 {
		n.Reason = "there are too few pairs to plan from"
		return n
	}
	n.Seeds, n.Reason = needs[0].Seeds, needs[0].Reason
	return n
}

// planned is what the report says of the plan, with the claims that a further look may decide.
func (m *matrix) planned(all []judged) (*model.Plan, error) {
	if m.Plan == nil {
		return nil, nil
	}
	p := &model.Plan{
		ID: m.PlanID, Basis: m.Plan.Basis, Alpha: m.Plan.Alpha, FirstSeed: m.Plan.FirstSeed, Looks: m.Plan.Looks,
		Stopped: m.Stopped,
	}
	if m.Registered != nil {
		p.Registered, p.Manifest = &m.Registered.At, m.Registered.Manifest
	}
	for _, levels := range []struct {
		claims []string
		out    *model.Levels
	}{{m.Plan.Primary, &p.Primary}, {m.Plan.Secondary, &p.Secondary}} {
		if len(levels.claims) == 0 {
			continue
		}
		levels.out.Claims, levels.out.Share = levels.claims, m.Plan.Share(levels.claims[0])
		var err error
		if levels.out.Looks, err = stats.OBrienFleming(levels.out.Share, m.Plan.Looks); err != nil {
			return nil, fmt.Errorf("report: plan: %w", err)
		}
	}
	open := map[string]int{}
	for _, j := range all {
		if j.Role != bench.Exploratory && (j.Open() || j.Look == 0) && j.Look < len(m.Plan.Looks) {
			open[j.ID] = j.Look
		}
	}
	if len(open) > 0 {
		p.Open = open
	}
	return p, nil
}

// complete adds to a claim its reason and what stands beside it.
func (m *matrix) complete(r *model.Report, j judged) model.Claim {
	c := j.Claim
	for _, n := range j.notes {
		c.Notes = append(c.Notes, note(r, n))
	}
	slices.Sort(c.Notes)
	c.Notes = slices.Compact(c.Notes)
	beside := look{matrix: m, seeds: m.explored(), alpha: model.Alpha} // controls are explored
	beside.explain(&c, m.Catalogue.Claim(c.ID), r.Sweeps)
	c.Reason = words.Reason(&c, r)
	return c
}
