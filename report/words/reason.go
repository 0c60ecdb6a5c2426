package words

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Reason says why a claim got its verdict, with the numbers, what holds it back, and at which look of a plan.
func Reason(c *model.Claim, r *model.Report) string {
	said := []string{because(c)}
	if c.Reference != "" {
		said = append(said, sentence(c.Reference))
	}
	if len(c.Gate) > 0 {
		said = append(said, sentence("a secondary claim counts only once all primaries are decided; open: "+strings.Join(c.Gate, ", ")))
	}
	if c.Looks > 0 {
		said = append(said, lookedAt(c, r))
	}
	return strings.Join(said, " ")
}

// because is the reason in one sentence.
func because(c *model.Claim) string {
	told := func(x model.Contrast) string { return measured(x) + ", " + side(x) }
	holds, fails := "p "+Holds(c.P), "p "+Fails(c.P)
	if n := len(c.Contrasts); n > 1 {
		fails += fmt.Sprintf(", corrected for %d contrasts", n)
	}
	// The contrast that holds least surely, and the one that fails most surely.
	weakest := extreme(c.Contrasts, func(p stats.Evidence) float64 { return -p.Support })
	failing := extreme(c.Contrasts, func(p stats.Evidence) float64 { return p.Refute })
	own := cmp.Or(c.Own, c.Verdict)
	switch why := obstacles(c.Contrasts); {
	case own == model.NotTestable:
		return notTestable(c)
	case own == model.NothingToJudge || own == model.NotAsAsked:
		return sentence("nothing was measured: " + why)
	case own == stats.Supported:
		return sentence(Joined(c.Contrasts, "; and ", told) + "; " + holds)
	case own == stats.Refuted:
		return sentence(told(failing) + "; " + fails)
	case why != "":
		return sentence("not judged: " + why)
	case failing.Alone == stats.Refuted:
		return sentence(told(failing) + ", but not surely enough: " + fails) // the correction undid it
	case weakest.Alone == stats.Supported && c.Assay != nil && c.Assay.Alone != stats.Supported:
		return sentence(told(weakest) + ", but " + Assay(*c))
	case weakest.Statistic != "":
		return sentence(measured(weakest) + ", which does not settle whether it lies above " + margin(weakest))
	}
	return sentence(measured(weakest) + ", which does not settle on which side of " + margin(weakest) + " it lies")
}

// notTestable gives the reason that the tier declares, and what was measured all the same.
func notTestable(c *model.Claim) string {
	text := sentence("not testable here: " + c.NotTestable)
	var measurements []string
	for _, x := range c.Contrasts {
		if x.Found != nil {
			measurements = append(measurements, measured(x))
		}
	}
	if len(measurements) == 0 {
		return text
	}
	return text + " " + sentence("as an illustration, "+strings.Join(measurements, "; and "))
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

// lookedAt says in one sentence at which look of the plan a claim got its verdict.
func lookedAt(c *model.Claim, r *model.Report) string {
	stopped := ""
	if r.Plan != nil {
		stopped = r.Plan.Stopped
	}
	if c.Look == 0 {
		return sentence(fmt.Sprintf("%s before the first of %s was complete (%s), so nothing is decided", cmp.Or(stopped, "runs are missing"), Count(c.Looks, "look"), Seeds(c.Seeds)))
	}
	text := fmt.Sprintf("look %s (%s), at one-sided level %s", Look(*c), Seeds(c.Seeds), Alpha(c.Alpha))
	switch own := cmp.Or(c.Own, c.Verdict); {
	case own == stats.Supported || own == stats.Refuted:
		return sentence("decided at " + text)
	case !c.Open():
		return sentence("given up at " + text + ": more seeds cannot change that")
	case c.Look == c.Looks:
		return sentence("not decided at " + text + ", the last")
	}
	return sentence(cmp.Or(stopped, "open") + " after " + text)
}

// Listed is "3, 5, 8 and 12".
func Listed(all []int) string {
	last := len(all) - 1
	if last == 0 {
		return strconv.Itoa(all[0])
	}
	return Joined(all[:last], ", ", strconv.Itoa) + " and " + strconv.Itoa(all[last])
}

// Differs says what follows from verdicts that are not the same: only where a claim is shown to hold at one
// temperature and shown to fail at another does it depend on temperature. Of verdicts that decide nothing there is
// nothing to say.
func Differs(row model.Across) string {
	found := map[stats.Verdict]bool{}
	text := row.Claim + " is " + Joined(row.At, " and ", func(at model.AtTemperature) string {
		found[at.Verdict] = true
		return fmt.Sprintf("%s at temperature %g", at.Verdict, at.Temperature)
	})
	switch {
	case found[stats.Supported] && found[stats.Refuted]:
		return text + ": whether it holds depends on temperature."
	case !found[stats.Supported] && !found[stats.Refuted]:
		return ""
	}
	return text + ". Where it is not decided nothing is shown, so this is no evidence of a difference."
}
