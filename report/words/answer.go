package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Answering is the claim that answers for a thesis: one that the plan confirms, or else the first in the catalogue,
// whatever its verdict is. It is nil if none is in the report.
func Answering(r *model.Report, thesis string) *model.Claim {
	var first *model.Claim
	for i := range r.Claims {
		c := &r.Claims[i]
		switch {
		case c.Thesis != thesis:
		case c.Confirms():
			return c
		case first == nil:
			first = c
		}
	}
	return first
}

// Here is where claims came out as they did, in a report of one tier.
const Here = "here"

// In adds to a text where it holds, unless that is Here.
func In(text, where string) string {
	if where == Here {
		return text
	}
	return text + " " + where
}

// Outcome says in plain words how a claim came out, and where: Here, or with which images.
func Outcome(c *model.Claim, r *model.Report, where string) string {
	lead := map[stats.Verdict]string{
		stats.Supported: c.Plain.Holds + " " + where, stats.Refuted: c.Plain.Fails + " " + where,
		model.NotTestable:    "not testable " + where + ": whether " + c.Plain.Whether,
		model.NothingToJudge: "not measured yet: whether " + c.Plain.Whether, model.NotAsAsked: "not measured yet: whether " + c.Plain.Whether,
	}
	return sentence(cmp.Or(lead[c.Verdict], "not decided "+where+": whether "+c.Plain.Whether) + elsewhere(c, r))
}

// plainly is Outcome where the place is said already.
func plainly(c *model.Claim, r *model.Report) string {
	text := "whether " + c.Plain.Whether + " is not decided"
	switch c.Verdict {
	case stats.Supported:
		text = c.Plain.Holds
	case stats.Refuted:
		text = c.Plain.Fails
	}
	return text + elsewhere(c, r)
}

// elsewhere names the temperature of a claim that is not at its tier's.
func elsewhere(c *model.Claim, r *model.Report) string {
	if c.Temperature == r.Tier.Temperature {
		return ""
	}
	return fmt.Sprintf(", at temperature %g", c.Temperature)
}

// Overall says what came of the primary claims in reports of one catalogue, each where it was measured; nothing where no
// plan confirms any, or some are not shown.
func Overall(all []*model.Report, where []string) string {
	var said []string
	for i, r := range all {
		var primaries []*model.Claim
		for j := range r.Claims {
			if c := &r.Claims[j]; c.Role == bench.Primary && c.Confirms() && c.Plain != (bench.Plain{}) {
				primaries = append(primaries, c)
			}
		}
		if len(primaries) > 0 && len(primaries) == len(r.Plan.Primary.Claims) {
			said = append(said, sentence(fmt.Sprintf("%s %s: %s", where[i], hold(primaries), Joined(primaries, "; ", func(c *model.Claim) string { return plainly(c, r) }))))
		}
	}
	return strings.Join(said, " ")
}

// hold says whether the primary claims do.
func hold(primaries []*model.Claim) string {
	const one, all = "the paper's main claim", "the paper's main claims"
	n, count := len(primaries), map[stats.Verdict]int{}
	for _, c := range primaries {
		count[c.Verdict]++
	}
	switch held, failed := count[stats.Supported], count[stats.Refuted]; {
	case n == 1 && held == n:
		return one + " holds"
	case n == 1 && failed == n:
		return one + " does not hold"
	case n == 1:
		return one + " is not decided"
	case held == n:
		return all + " hold"
	case failed == n:
		return all + " do not hold"
	case failed > 0:
		return "not all of " + all + " hold"
	case held > 0:
		return "not all of " + all + " are decided"
	}
	return all + " are not decided"
}

// Figures are the numbers behind an outcome: both sides, how many seeds, and the bound that decides.
func Figures(c *model.Claim, r *model.Report) string {
	var said []string
	switch {
	case c.Verdict == model.NotTestable:
		return sentence(c.NotTestable)
	case !c.Confirms() && c.Verdict != model.NothingToJudge && c.Verdict != model.NotAsAsked:
		said = append(said, "Exploratory, not confirmed.")
	}
	if x, why := deciding(c); x.N > 0 {
		said = append(said, sentence(why+sides(x, r)+bound(x)))
	}
	if c.Own != "" {
		but := "a secondary claim counts only once all primaries are decided"
		if c.Reference != "" {
			but = "it is " + c.Reference
		}
		said = append(said, fmt.Sprintf("By itself it would be %s, but %s.", c.Own, but))
	}
	if x := c.Specific; x != nil && c.Verdict == stats.Supported {
		control := ArmTitle(r, x.B)
		said = append(said, map[stats.Verdict]string{
			stats.Supported: "And that was more than " + control + " gave.",
			stats.Refuted:   "But that was no more than " + control + " gave.",
		}[x.Alone])
		if x.Alone != stats.Supported && x.Alone != stats.Refuted {
			said[len(said)-1] = "Whether that is more than " + control + " gives is not settled."
		}
	}
	return strings.Join(said, " ")
}

// Brief is Figures in a sentence, for where they stand in full elsewhere.
func Brief(c *model.Claim) string {
	if c.Verdict == model.NotTestable {
		return ""
	}
	said := InBrief(c)
	if !c.Confirms() {
		said += "; exploratory, not confirmed"
	}
	if c.Own != "" && c.Reference == "" {
		said += fmt.Sprintf("; by itself it would be %s, but a primary claim is open", c.Own)
	}
	return sentence(said)
}

// deciding is the contrast that a verdict hangs on: the one that fails most surely, or else holds least surely. Of several
// it is said how many hold, and why it is this one.
func deciding(c *model.Claim) (x model.Contrast, why string) {
	for _, x = range c.Contrasts {
		if x.N > 0 {
			break
		}
	}
	least, why := func(p stats.Evidence) float64 { return -p.Support }, "not settled"
	switch cmp.Or(c.Own, c.Verdict) {
	case stats.Supported:
		why = "the least sure"
	case stats.Refuted:
		least, why = func(p stats.Evidence) float64 { return p.Refute }, "what fails"
	}
	if judged := extreme(c.Contrasts, least); judged.P != nil {
		x = judged
	}
	if len(c.Contrasts) < 2 {
		return x, ""
	}
	return x, partsHeld(c) + "; " + why + ": "
}

// partsHeld says how many of several contrasts hold.
func partsHeld(c *model.Claim) string {
	held := 0
	for _, x := range c.Contrasts {
		if x.Alone == stats.Supported {
			held++
		}
	}
	return fmt.Sprintf("%d of %d parts hold", held, len(c.Contrasts))
}

// sides are what is compared, in words.
func sides(x model.Contrast, r *model.Report) string {
	a, b := Amount(x, x.MeanA), Amount(x, x.MeanB)
	seeds := Count(x.N, "seed")
	if x.Statistic != "" {
		name := cmp.Or(x.Title, x.Statistic)
		if Against(x) == "0" {
			return fmt.Sprintf("%s: %s (%s)", name, a, seeds)
		}
		return fmt.Sprintf("%s: %s against %s of %s (%s)", name, a, b, ArmTitle(r, x.B), seeds)
	}
	points := func(v *float64) string { return Maybe(v, func(v float64) string { return fmt.Sprintf("%.1f%%", v) }) }
	return fmt.Sprintf("accuracy %s (%s) against %s (%s), %s", points(x.MeanA), ArmTitle(r, x.A), points(x.MeanB), ArmTitle(r, x.B), seeds)
}

// bound is the difference with the end of its interval that decides, or both ends where they leave it open.
func bound(x model.Contrast) string {
	f := x.Found
	if f == nil {
		return ", too few to say more"
	}
	level := Confidence(roundLevel(1 - (1-f.Level)/2))
	end := fmt.Sprintf("between %s and %s", Effect(x, f.Low), Effect(x, f.High))
	switch {
	case len(x.Bounds) == 2 || x.Alone != stats.Supported && x.Alone != stats.Refuted:
		level = Confidence(roundLevel(f.Level))
	case x.Alone == stats.Refuted:
		end = "at most " + Effect(x, f.High)
	case f.Low < 0:
		end = "at worst " + Effect(x, f.Low)
	default:
		end = "at least " + Effect(x, f.Low)
	}
	return fmt.Sprintf(": %s%s, %s with %s confidence (asked: %s)", Effect(x, f.Value), unit(x), end, level, Asks(x))
}

// InShort is what was found of a claim, what it asks for, and of how many seeds; empty if nothing was measured.
func InShort(c *model.Claim) string {
	var said []string
	seeds := 0
	for _, x := range c.Contrasts {
		seeds = max(seeds, x.N)
		switch {
		case x.Found == nil:
		case len(c.Contrasts) > 1:
			said = append(said, fmt.Sprintf("%s %s, asks %s", Name(x), Found(x), Asks(x)))
		default:
			said = append(said, fmt.Sprintf("%s, asks %s", Found(x), Asks(x)))
		}
	}
	if seeds > 0 {
		said = append(said, Count(seeds, "seed"))
	}
	return strings.Join(said, "; ")
}

// InBrief is InShort, or how many of several contrasts hold.
func InBrief(c *model.Claim) string {
	seeds := 0
	for _, x := range c.Contrasts {
		seeds = max(seeds, x.N)
	}
	if len(c.Contrasts) == 1 || seeds == 0 {
		return InShort(c)
	}
	return partsHeld(c) + "; " + Count(seeds, "seed")
}

// roundLevel keeps a level below 1 to a tenth of a percent, and never states more confidence than there is.
func roundLevel(level float64) float64 { return float64(int(1000*level)) / 1000 }

// ArmTitle is an arm in words, without what its title explains in brackets.
func ArmTitle(r *model.Report, id string) string {
	i := slices.IndexFunc(r.Arms, func(a model.Arm) bool { return a.ID == id })
	if i < 0 || r.Arms[i].Title == "" {
		return id
	}
	title, _, _ := strings.Cut(r.Arms[i].Title, " (")
	return title
}

// Share explains what differences of accuracy are shares of, in reports of one catalogue with where each was measured;
// empty without runs.
func Share(all []*model.Report, where []string) string {
	var gains []string
	for i, r := range all {
		if gain := gained(r); gain != nil {
			gains = append(gains, In(fmt.Sprintf("%.1f points", *gain), where[i]))
		}
	}
	if len(gains) == 0 {
		return ""
	}
	r := all[0]
	return fmt.Sprintf("The gain is what training with %s adds to the accuracy of %s: %s. Differences are shares of it. A confidence is that of the interval that decides, on the side that decides.",
		ArmTitle(r, r.Gain.Of), ArmTitle(r, r.Gain.Over), strings.Join(gains, ", "))
}

// gained is the gain at the tier's temperature, in points; nil if it was not measured.
func gained(r *model.Report) *float64 {
	for _, c := range r.Claims {
		for _, x := range c.AccuracyContrasts() {
			if x.MeanGain != nil && c.Temperature == r.Tier.Temperature {
				return x.MeanGain
			}
		}
	}
	return nil
}

// Counted says in a sentence how many of the claims of a statement came out how, and how those that were decided.
func Counted(all []*model.Claim, many string, r *model.Report, where string) string {
	var tally model.Tally
	var decided []string
	confirmed := false
	for _, c := range all {
		tally.Count(c.Verdict)
		confirmed = confirmed || c.Confirms()
		if c.Verdict == stats.Supported || c.Verdict == stats.Refuted {
			decided = append(decided, plainly(c, r))
		}
	}
	text := fmt.Sprintf("of %d %s %s", len(all), In(many, where), Tally(tally))
	if !confirmed {
		text += " (exploratory, not confirmed)"
	}
	if len(decided) > 0 {
		text += ": " + strings.Join(decided, "; ")
	}
	return sentence(text)
}
