package words

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Reason says why a claim got its verdict, with the numbers, and at which look if there are several.
func Reason(c *model.Claim, r *model.Report) string {
	switch {
	case r.Looks == nil:
		return because(c)
	case r.Looks.Taken == 0 && obstacles(c.Contrasts) == "": // its runs are there, those of other claims are not
		return lookedAt(c, r)
	}
	return because(c) + " " + lookedAt(c, r)
}

// because is the reason in one sentence.
func because(c *model.Claim) string {
	told := func(x model.Contrast) string { return measured(x) + ", " + side(x) }
	holds := "p " + Probability(c.Corrected.Support) + corrections(1, c.FamilySize)
	fails := "p " + Probability(c.Corrected.Refute) + corrections(len(c.Contrasts), c.FamilySize)
	// The contrast that holds least surely, and the one that fails most surely.
	weakest := extreme(c.Contrasts, func(p stats.Evidence) float64 { return -p.Support })
	failing := extreme(c.Contrasts, func(p stats.Evidence) float64 { return p.Refute })
	const undone = ", but not surely enough: " // decided on its own, but the correction undid it
	switch why := obstacles(c.Contrasts); {
	case c.Verdict == model.NothingToJudge || c.Verdict == model.NotAsAsked:
		return sentence("nothing was measured: " + why)
	case c.Verdict == stats.Supported:
		return sentence(Joined(c.Contrasts, "; and ", told) + "; " + holds)
	case c.Verdict == stats.Refuted:
		return sentence(told(failing) + "; " + fails)
	case why != "":
		return sentence("not judged: " + why)
	case failing.Alone == stats.Refuted:
		return sentence(told(failing) + undone + fails)
	case weakest.Alone == stats.Supported:
		return sentence(told(weakest) + undone + holds)
	case weakest.Statistic != "":
		return sentence(measured(weakest) + ", which does not settle whether it lies above " + margin(weakest))
	}
	return sentence(measured(weakest) + ", which does not settle on which side of " + margin(weakest) + " the difference lies")
}

// corrections says what a p value was corrected for.
func corrections(contrasts, family int) string {
	var all []string
	if contrasts > 1 {
		all = append(all, Count(contrasts, "contrast"))
	}
	if family > 1 {
		all = append(all, Count(family, "claim"))
	}
	if len(all) == 0 {
		return ""
	}
	return ", corrected for " + strings.Join(all, " and ")
}

// extreme is the judged contrast with the least value.
func extreme(contrasts []model.Contrast, value func(stats.Evidence) float64) model.Contrast {
	var best model.Contrast
	for _, x := range contrasts {
		if x.P != nil && (best.P == nil || value(*x.P) < value(*best.P)) {
			best = x
		}
	}
	return best
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// obstacles says what forbids a verdict, once for all contrasts that it forbids.
func obstacles(contrasts []model.Contrast) string {
	var all []string
	names := map[string][]string{}
	for _, x := range contrasts {
		if len(x.Obstacles) == 0 {
			continue
		}
		text := strings.Join(x.Obstacles, ", ")
		if names[text] == nil {
			all = append(all, text)
		}
		names[text] = append(names[text], Name(x))
	}
	for i, text := range all {
		all[i] = strings.Join(names[text], " and ") + ": " + text
	}
	return strings.Join(all, "; ")
}

// LookMethod is how looking more than once is corrected for; stats.LookAlpha has the argument.
const LookMethod = "looks planned up front, each judged at an equal share of the level (Bonferroni); a claim keeps the verdict of the first look that decides it"

// lookedAt says in one sentence at which look a claim got its verdict.
func lookedAt(c *model.Claim, r *model.Report) string {
	l := r.Looks
	if l.Taken == 0 {
		return sentence(fmt.Sprintf("%s before the first of %s was complete, so nothing is decided", cmp.Or(l.Stopped, "runs are missing"), Count(len(l.Seeds), "planned look")))
	}
	text := fmt.Sprintf("look %d of %d (%s), each judged at level %.4g", c.Look, len(l.Seeds), Count(l.Seeds[c.Look-1], "seed"), r.Alpha)
	switch {
	case c.Open() && l.Stopped != "":
		return sentence(l.Stopped + " after " + text)
	case c.Open():
		return sentence("open after " + text)
	case c.Verdict == stats.Supported || c.Verdict == stats.Refuted:
		return sentence("decided at " + text)
	}
	return sentence("given up at " + text + ": more seeds cannot change that")
}

// Looks is the plan and how far it got.
func Looks(r *model.Report) string {
	l := r.Looks
	return fmt.Sprintf("%d of %s taken, planned at %s seeds, each judged at level %.4g", l.Taken, Count(len(l.Seeds), "look"), listed(l.Seeds), r.Alpha)
}

// LooksMethod explains the correction to readers of a report.
func LooksMethod(r *model.Report) string {
	return fmt.Sprintf("Seeds were added until the claims were decided: %s. Any wrong verdict at any of the %s, each judged at level %.4g, has a probability of at most %s. "+
		"Intervals have the level of a look; they and the p values are of the look named with the verdict.",
		LookMethod, Count(len(r.Looks.Seeds), "look"), r.Alpha, Confidence(r.Looks.Alpha))
}

// listed is "3, 5, 8 and 12".
func listed(seeds []int) string {
	last := len(seeds) - 1
	if last == 0 {
		return strconv.Itoa(seeds[0])
	}
	return Joined(seeds[:last], ", ", strconv.Itoa) + " and " + strconv.Itoa(seeds[last])
}

// Differs says what follows from verdicts that are not the same: only where a claim is shown to hold at one
// temperature and shown to fail at another does it depend on temperature.
func Differs(row model.Across) string {
	found := map[stats.Verdict]bool{}
	text := row.Claim + " is " + Joined(row.At, " and ", func(at model.AtTemperature) string {
		found[at.Verdict] = true
		return fmt.Sprintf("%s at temperature %g", at.Verdict, at.Temperature)
	})
	if found[stats.Supported] && found[stats.Refuted] {
		return text + ": whether it holds depends on temperature."
	}
	return text + ". Where it is not decided nothing is shown, so this is no evidence of a difference."
}
