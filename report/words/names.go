package words

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Difference spells one of a contrast, in points, or of an observation, in its unit.
func Difference(x model.Contrast, v float64) string {
	if x.Statistic != "" {
		return fineSigned(v)
	}
	return Signed(v)
}

// Amount spells what the two sides of a contrast or an observation are.
func Amount(x model.Contrast, v *float64) string {
	if x.Statistic != "" {
		return Maybe(v, Fine)
	}
	return Maybe(v, Plain)
}

// Chance spells what a statistic is compared with, if that is chance.
func Chance(x model.Contrast) string {
	if !x.HasNull {
		return Absent
	}
	return Null(x.MeanB)
}

// Estimate is the difference that was measured.
func Estimate(x model.Contrast) string {
	if x.Difference == nil {
		return Absent
	}
	return Difference(x, x.Difference.Estimate)
}

// Interval is "low to high".
func Interval(x model.Contrast) string {
	if x.Difference == nil {
		return Absent
	}
	return Difference(x, x.Difference.Low) + " to " + Difference(x, x.Difference.High)
}

// Holds is the p value of the claim's holding.
func Holds(p stats.Evidence) string { return Probability(p.Support) }

// Fails is the p value of the claim's failing.
func Fails(p stats.Evidence) string { return Probability(p.Refute) }

// Asks is what a contrast says of its difference.
func Asks(x model.Contrast) string {
	if len(x.Bounds) == 2 {
		return "within " + Plain(x.Margin)
	}
	return "above " + margin(x)
}

// Found is the estimate with its interval.
func Found(x model.Contrast) string {
	if x.Difference == nil {
		return "no interval"
	}
	return fmt.Sprintf("%s (%s)", Estimate(x), Interval(x))
}

// Name names a contrast, or an observation by its statistic.
func Name(x model.Contrast) string {
	if x.Statistic != "" {
		return x.Statistic + " of " + x.A
	}
	return x.A + " - " + x.B
}

func measured(x model.Contrast) string {
	spread := fmt.Sprintf("%s interval %s", Confidence(x.Difference.Level), Interval(x))
	if x.Difference.SE == 0 {
		spread = "no spread"
	}
	if x.Statistic != "" {
		from := "chance"
		if !x.HasNull {
			from = "0"
		}
		return fmt.Sprintf("%s differs from %s by %s (%s over %s)", Name(x), from, Estimate(x), spread, Count(x.N, "seed"))
	}
	return fmt.Sprintf("accuracy of %s is %s points (%s over %s)", Name(x), Estimate(x), spread, Count(x.N, "seed"))
}

// side says where the difference is shown to lie.
func side(x model.Contrast) string {
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

func margin(x model.Contrast) string {
	switch {
	case len(x.Bounds) == 2:
		return Signed(x.Bounds[0]) + " to " + Signed(x.Bounds[1])
	case x.Statistic == "":
		return Signed(x.Bounds[0])
	case !x.HasNull:
		return Fine(x.Bounds[0])
	case x.Bounds[0] == 0:
		return "chance"
	}
	return "chance by " + Fine(x.Bounds[0])
}

// Mark is a verdict as a glyph, which says the same without colour.
func Mark(v stats.Verdict) string {
	switch v {
	case stats.Supported:
		return "✓"
	case stats.Refuted:
		return "✗"
	case model.NothingToJudge:
		return "∅"
	case model.NotAsAsked:
		return "≠"
	}
	return "?"
}

// Label is a verdict as it is shown everywhere: never without its mark, nor, if it means nothing,
// without saying so.
func Label(v stats.Verdict, machinery bool) string {
	text := Mark(v) + " " + string(v)
	if machinery {
		text += " (meaningless)"
	}
	return text
}

// MachineryOnly warns of a tier whose verdicts mean nothing.
const MachineryOnly = "This only shows that the machinery works: its verdicts mean nothing for science. "

// Rules says which negatives an arm sees.
func Rules(arm *bench.Arm) string {
	switch {
	case arm.Features == bench.Untrained:
		return "no training"
	case arm.Features == bench.Pixels:
		return "no encoder"
	case len(arm.Rules) == 0:
		return "all negatives"
	}
	var said []string
	for _, r := range arm.Rules {
		said = append(said, r.String())
	}
	return strings.Join(said, " and ")
}

// Temperature means something only for trained arms.
func Temperature(a model.Arm) string {
	if a.Features != bench.Trained {
		return Absent
	}
	return fmt.Sprintf("%g", a.Temperature)
}
