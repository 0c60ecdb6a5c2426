package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/stats"
)

// Looks is the plan of a report whose claims were judged on more and more seeds until they were decided, and
// how far it got. A claim has the verdict of the first look that decided it.
type Looks struct {
	Method string `json:"method"`
	// Seeds are the paired seeds of each look, planned before the first.
	Seeds []int `json:"seeds"`
	// Alpha is the level over all looks; the report's is that of each.
	Alpha float64 `json:"alpha"`
	// Taken counts the looks of which every run was there.
	Taken int `json:"taken"`
	// Open are the claims that a further look may decide.
	Open []string `json:"open"`
	// Stopped says why looks were left out while claims were open.
	Stopped string `json:"stopped,omitempty"`
}

// lookMethod is how looking more than once is corrected for; stats.LookAlpha has the argument.
const lookMethod = "looks planned up front, each judged at an equal share of the level (Bonferroni); a claim keeps the verdict of the first look that decides it"

// Next is the number of seeds that the next look asks for, 0 if there is none to take.
func (l *Looks) Next() int {
	if len(l.Open) == 0 || l.Taken == len(l.Seeds) {
		return 0
	}
	return l.Seeds[l.Taken]
}

// planLooks sets the level of each look; a fixed number of seeds is a plan of one.
func (b *builder) planLooks() {
	b.looks = &Looks{Method: lookMethod, Seeds: []int{b.in.Seeds}, Alpha: TotalAlpha, Open: []string{}, Stopped: b.in.Stopped}
	if b.in.Looks != nil {
		b.looks.Seeds, b.report.Looks = b.in.Looks, b.looks
	}
	b.report.Alpha = stats.LookAlpha(TotalAlpha, len(b.looks.Seeds))
	b.report.Level = 1 - 2*b.report.Alpha
}

// judge measures the claims at each look, those that are still open, and decides what it can.
func (b *builder) judge() (notes [][]string, err error) {
	family := len(b.in.Claims)
	b.report.Claims, notes = make([]Claim, family), make([][]string, family)
	raw, open := make([]stats.Evidence, family), make([]int, family)
	for i := range open {
		open[i] = i
	}
	for look, seeds := range b.looks.Seeds {
		whole := b.in.Looks == nil || b.finished(open, seeds) // missing runs stand in a report of one look
		if !whole && look > 0 {
			break
		}
		b.in.Seeds = seeds
		for _, i := range open {
			b.report.Claims[i], notes[i] = b.measure(b.in.Claims[i])
			if raw[i] = combine(b.report.Claims[i].Contrasts); !whole {
				raw[i] = stats.Settled(stats.Inconclusive) // half a look decides nothing
			}
		}
		corrected, err := b.correct(raw)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			c := &b.report.Claims[i]
			c.Raw, c.Corrected = pValues(raw[i]), pValues(corrected[i])
			c.Verdict = corrected[i].Judge(b.report.Alpha)
			if !slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.N > 0 }) {
				c.Verdict = NothingToJudge
			}
			raw[i] = stats.Settled(c.Verdict)
		}
		if !whole {
			break
		}
		b.looks.Taken = look + 1
		for _, i := range open {
			b.report.Claims[i].Look = b.looks.Taken
		}
		open = slices.DeleteFunc(open, func(i int) bool { return !b.report.Claims[i].undecided() })
		if len(open) == 0 {
			break
		}
	}
	for _, i := range open {
		b.looks.Open = append(b.looks.Open, b.report.Claims[i].ID)
	}
	return notes, nil
}

// undecided says that more seeds may decide the claim: it is open, and not for a run that failed.
func (c *Claim) undecided() bool {
	return c.Verdict == stats.Inconclusive && slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.P != nil })
}

// finished says whether every run of the claims is there, with its analyses, for so many seeds.
func (b *builder) finished(claims []int, seeds int) bool {
	for _, i := range claims {
		claim := b.in.Claims[i]
		for _, arm := range claim.Arms() {
			for seed := range uint64(seeds) {
				cell, ok := b.cell(arm, b.temperature(claim), seed)
				if _, done := b.in.Runs[cell.Spec.ID()]; !ok || !done {
					return false
				}
			}
		}
		for _, x := range claim.Observations {
			for seed := range uint64(seeds) {
				cell, _ := b.cell(x.Arm, b.temperature(claim), seed)
				complete := b.in.Runs[cell.Spec.ID()].Manifest.Status == registry.Complete
				if complete && b.analysisOf(x.Arm, b.temperature(claim), seed) == nil {
					return false
				}
			}
		}
	}
	return true
}

// temperature is that at which a claim is tested.
func (b *builder) temperature(claim *bench.Claim) float64 {
	if claim.Temperature != 0 {
		return claim.Temperature
	}
	return b.in.Tier.Train.Temperature
}

// lookedAt says in one sentence at which look a claim got its verdict.
func lookedAt(c *Claim, r *Report) string {
	l := r.Looks
	if l.Taken == 0 {
		return sentence(fmt.Sprintf("%s before the first of %s was complete, so nothing is decided", cmp.Or(l.Stopped, "runs are missing"), count(len(l.Seeds), "planned look")))
	}
	text := fmt.Sprintf("look %d of %d (%s), each judged at level %.4g", c.Look, len(l.Seeds), count(l.Seeds[c.Look-1], "seed"), r.Alpha)
	switch {
	case c.undecided() && l.Stopped != "":
		return sentence(l.Stopped + " after " + text)
	case c.undecided():
		return sentence("open after " + text)
	case c.Verdict == stats.Supported || c.Verdict == stats.Refuted:
		return sentence("decided at " + text)
	}
	return sentence("given up at " + text + ": more seeds cannot change that")
}

// looksInWords is the plan and how far it got.
func looksInWords(r *Report) string {
	l := r.Looks
	return fmt.Sprintf("%d of %s taken, planned at %s seeds, each judged at level %.4g", l.Taken, count(len(l.Seeds), "look"), listed(l.Seeds), r.Alpha)
}

// looksMethod explains the correction to readers of a report.
func looksMethod(r *Report) string {
	return fmt.Sprintf("Seeds were added until the claims were decided: %s. Any wrong verdict at any of the %s, each judged at level %.4g, has a probability of at most %s. "+
		"Intervals have the level of a look; they and the p values are of the look named with the verdict.",
		lookMethod, count(len(r.Looks.Seeds), "look"), r.Alpha, confidence(r.Looks.Alpha))
}

// listed is "3, 5, 8 and 12".
func listed(seeds []int) string {
	text := fmt.Sprint(seeds[0])
	for i, n := range seeds[1:] {
		if i == len(seeds)-2 {
			text += " and"
		} else {
			text += ","
		}
		text += fmt.Sprintf(" %d", n)
	}
	return text
}
