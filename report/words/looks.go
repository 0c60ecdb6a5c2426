package words

import (
	"cmp"
	"fmt"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

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
