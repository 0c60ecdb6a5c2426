package report

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// reason says why a claim got its verdict, with the numbers, and at which look if there are several.
func reason(c *Claim, r *Report) string {
	switch {
	case r.Looks == nil:
		return because(c)
	case r.Looks.Taken == 0 && obstacles(c.Contrasts) == "": // its runs are there, those of other claims are not
		return lookedAt(c, r)
	}
	return because(c) + " " + lookedAt(c, r)
}

// because is the reason in one sentence.
func because(c *Claim) string {
	family := c.FamilySize
	support := func(p PValues) float64 { return -p.Support } // the contrast that holds least surely
	refute := func(p PValues) float64 { return p.Refute }    // and the one that fails most surely
	switch c.Verdict {
	case NothingToJudge:
		return sentence("nothing was measured: " + obstacles(c.Contrasts))
	case stats.Supported:
		var holds []string
		for _, x := range c.Contrasts {
			holds = append(holds, measured(x)+", "+side(x))
		}
		return sentence(strings.Join(holds, "; and ") + "; p " + probability(c.Corrected.Support) + corrections(1, family))
	case stats.Refuted:
		x := extreme(c.Contrasts, refute)
		return sentence(measured(x) + ", " + side(x) + "; p " + probability(c.Corrected.Refute) + corrections(len(c.Contrasts), family))
	}
	if text := obstacles(c.Contrasts); text != "" {
		return sentence("not judged: " + text)
	}
	// Where a contrast is decided on its own, the reader should know that the correction undid it.
	const undone = ", but not surely enough: p "
	if x := extreme(c.Contrasts, refute); x.Alone == stats.Refuted {
		return sentence(measured(x) + ", " + side(x) + undone + probability(c.Corrected.Refute) + corrections(len(c.Contrasts), family))
	}
	x := extreme(c.Contrasts, support)
	if x.Alone == stats.Supported {
		return sentence(measured(x) + ", " + side(x) + undone + probability(c.Corrected.Support) + corrections(1, family))
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
		all = append(all, count(contrasts, "contrast"))
	}
	if family > 1 {
		all = append(all, count(family, "claim"))
	}
	if len(all) == 0 {
		return ""
	}
	return ", corrected for " + strings.Join(all, " and ")
}

// extreme is the judged contrast with the least value.
func extreme(contrasts []Contrast, value func(PValues) float64) Contrast {
	var best Contrast
	for _, x := range contrasts {
		if x.P != nil && (best.P == nil || value(*x.P) < value(*best.P)) {
			best = x
		}
	}
	return best
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// obstacles says what forbids a verdict, once for all contrasts that it forbids.
func obstacles(contrasts []Contrast) string {
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
		names[text] = append(names[text], against(x))
	}
	for i, text := range all {
		all[i] = strings.Join(names[text], " and ") + ": " + text
	}
	return strings.Join(all, "; ")
}

// against names a contrast, or an observation by its statistic.
func against(x Contrast) string {
	if x.Statistic != "" {
		return x.Statistic + " of " + x.A
	}
	return x.A + " - " + x.B
}

func measured(x Contrast) string {
	spread := interval(x)
	if x.Difference.SE == 0 {
		spread = "no spread"
	}
	estimate := difference(x, x.Difference.Estimate)
	if x.Statistic != "" {
		from := "chance"
		if !x.HasNull {
			from = "0"
		}
		return fmt.Sprintf("%s differs from %s by %s (%s over %s)", against(x), from, estimate, spread, count(x.N, "seed"))
	}
	return fmt.Sprintf("accuracy of %s is %s points (%s over %s)", against(x), estimate, spread, count(x.N, "seed"))
}

// side says where the difference is shown to lie.
func side(x Contrast) string {
	switch {
	case x.Relation == bench.Equivalent && x.Alone == stats.Supported:
		return "within " + margin(x)
	case x.Relation == bench.Equivalent && x.Alone == stats.Refuted:
		return "outside " + margin(x)
	case x.Alone == stats.Supported:
		return "above " + margin(x)
	case x.Alone == stats.Refuted:
		return "below " + margin(x)
	}
	return "on no side of " + margin(x)
}

func margin(x Contrast) string {
	switch {
	case len(x.Bounds) == 2:
		return signed(x.Bounds[0]) + " to " + signed(x.Bounds[1])
	case x.Statistic == "":
		return signed(x.Bounds[0])
	case !x.HasNull:
		return fine(x.Bounds[0])
	case x.Bounds[0] == 0:
		return "chance"
	}
	return "chance by " + fine(x.Bounds[0])
}
