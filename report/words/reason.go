package words

import (
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
	family := c.FamilySize
	support := func(p model.PValues) float64 { return -p.Support } // the contrast that holds least surely
	refute := func(p model.PValues) float64 { return p.Refute }    // and the one that fails most surely
	switch c.Verdict {
	case model.NothingToJudge, model.NotAsAsked:
		return sentence("nothing was measured: " + obstacles(c.Contrasts))
	case stats.Supported:
		var holds []string
		for _, x := range c.Contrasts {
			holds = append(holds, measured(x)+", "+side(x))
		}
		return sentence(strings.Join(holds, "; and ") + "; p " + Probability(c.Corrected.Support) + corrections(1, family))
	case stats.Refuted:
		x := extreme(c.Contrasts, refute)
		return sentence(measured(x) + ", " + side(x) + "; p " + Probability(c.Corrected.Refute) + corrections(len(c.Contrasts), family))
	}
	if text := obstacles(c.Contrasts); text != "" {
		return sentence("not judged: " + text)
	}
	// Where a contrast is decided on its own, the reader should know that the correction undid it.
	const undone = ", but not surely enough: p "
	if x := extreme(c.Contrasts, refute); x.Alone == stats.Refuted {
		return sentence(measured(x) + ", " + side(x) + undone + Probability(c.Corrected.Refute) + corrections(len(c.Contrasts), family))
	}
	x := extreme(c.Contrasts, support)
	if x.Alone == stats.Supported {
		return sentence(measured(x) + ", " + side(x) + undone + Probability(c.Corrected.Support) + corrections(1, family))
	}
	if x.Statistic != "" {
		return sentence(measured(x) + ", which does not settle whether it lies above " + margin(x))
	}
	return sentence(measured(x) + ", which does not settle on which side of " + margin(x) + " the difference lies")
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
func extreme(contrasts []model.Contrast, value func(model.PValues) float64) model.Contrast {
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
