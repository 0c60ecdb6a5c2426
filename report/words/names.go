// Package words spells what a report says: numbers, names and sentences, in every format but JSON and CSV. The minus
// is ASCII: it can be copied.
package words

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Absent stands for a number that does not exist.
const Absent = "-"

// Maybe spells what may not exist.
func Maybe[T any](x *T, spell func(T) string) string {
	if x == nil {
		return Absent
	}
	return spell(*x)
}

// Signed spells a difference in points.
func Signed(points float64) string { return UnsignZero(fmt.Sprintf("%+.2f", points)) }

// Plain spells points.
func Plain(points float64) string { return UnsignZero(fmt.Sprintf("%.2f", points)) }

// Fine spells statistics, whose differences show in the third digit: to four digits, and no more decimals.
func Fine(x float64) string { return UnsignZero(strconv.FormatFloat(x, 'f', decimals(x), 64)) }

func fineSigned(x float64) string { return UnsignZero(fmt.Sprintf("%+.*f", decimals(x), x)) }

func decimals(x float64) int {
	n := 4
	for limit := 1.0; n > 0 && math.Abs(x) >= limit; limit *= 10 {
		n--
	}
	return n
}

// Fraction spells a fraction of the queue.
func Fraction(f float64) string { return fmt.Sprintf("%.3g%%", 100*f) }

// Percent spells a share.
func Percent(share float64) string { return UnsignZero(fmt.Sprintf("%.2f%%", 100*share)) }

// Null spells what chance gives: a round number.
func Null(v *float64) string { return Maybe(v, Round) }

// Round spells a round number, without the last bits of a multiple of a step.
func Round(v float64) string { return fmt.Sprintf("%g", math.Round(v*1e6)/1e6) }

// UnsignZero drops the sign of what rounds to zero.
func UnsignZero(s string) string {
	if strings.Trim(s, "+-0.") == "" {
		return strings.TrimLeft(s, "+-")
	}
	return s
}

// Probability spells a p value.
func Probability(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// Confidence spells the level of an interval or a test.
func Confidence(level float64) string { return fmt.Sprintf("%.4g%%", 100*level) }

// Band is a stretch of the queue, in percent from the hardest.
func Band(from, to float64) string { return fmt.Sprintf("%.4g-%.4g%%", 100*from, 100*to) }

// Count is "1 seed" or "3 seeds".
func Count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// Joined spells each of the elements, with something in between.
func Joined[T any](all []T, between string, spell func(T) string) string {
	said := make([]string, len(all))
	for i, x := range all {
		said[i] = spell(x)
	}
	return strings.Join(said, between)
}

// OneLine makes text from elsewhere safe to print: no line breaks, no control characters.
func OneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(clean), " ")
}

// OrNone says where there is nothing to name.
func OrNone(value string) string { return cmp.Or(value, "none") }

// Commit names a state of the source.
func Commit(c model.Commit) string {
	if c.Dirty {
		return OrNone(c.Commit) + ", source changed since"
	}
	return OrNone(c.Commit)
}

// Machine names what computed runs.
func Machine(m model.Machine) string {
	return fmt.Sprintf("%s, %s, %s/%s", cmp.Or(m.CPU, "unknown processor"), Count(m.Cores, "core"), m.OS, m.Arch)
}

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
	return Maybe(x.Difference, func(d stats.MeanDifference) string { return Difference(x, d.Estimate) })
}

// Interval is "low to high".
func Interval(x model.Contrast) string {
	return Maybe(x.Difference, func(d stats.MeanDifference) string { return Difference(x, d.Low) + " to " + Difference(x, d.High) })
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
	where := map[stats.Verdict]string{stats.Supported: "above ", stats.Refuted: "below "}
	if x.Relation == bench.Equivalent {
		where = map[stats.Verdict]string{stats.Supported: "within ", stats.Refuted: "outside "}
	}
	return cmp.Or(where[x.Alone], "on no side of ") + margin(x)
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
	marks := map[stats.Verdict]string{stats.Supported: "✓", stats.Refuted: "✗", model.NothingToJudge: "∅", model.NotAsAsked: "≠"}
	return cmp.Or(marks[v], "?")
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

// Caveat says what a tier is good for.
func Caveat(t model.Tier) string {
	text := fmt.Sprintf("Tier %s (%s): %s", t.ID, t.Title, t.Caveat)
	if t.Machinery {
		return "This only shows that the machinery works: its verdicts mean nothing for science. " + text
	}
	return text
}

// Tally counts claims by verdict.
func Tally(t model.Tally) string {
	return fmt.Sprintf("%d supported, %d refuted, %d inconclusive, %d with nothing to judge", t.Supported, t.Refuted, t.Inconclusive, t.NothingToJudge)
}

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
	return Joined(arm.Rules, " and ", negatives.Rule.String)
}

// Temperature means something only for trained arms.
func Temperature(a model.Arm) string {
	if a.Features != bench.Trained {
		return Absent
	}
	return fmt.Sprintf("%g", a.Temperature)
}
