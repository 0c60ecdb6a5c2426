// Package words spells what a report says: numbers, names and sentences, in every format but JSON and CSV. The minus
// is ASCII: it can be copied.
package words

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

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

// OneLine makes text from elsewhere safe to print: no line breaks, no control characters, none that turn the direction.
func OneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r) {
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

// Amount spells what the two sides of a contrast or an observation are.
func Amount(x model.Contrast, v *float64) string {
	if x.Statistic != "" {
		return Maybe(v, Fine)
	}
	return Maybe(v, Plain)
}

// Difference spells that of the two sides at a seed, in points or in the statistic's unit.
func Difference(x model.Contrast, v float64) string {
	if x.Statistic != "" {
		return fineSigned(v)
	}
	return Signed(v)
}

// Against is what a contrast sets its first side against: an arm, chance, or for a statistic with neither 0.
func Against(x model.Contrast) string {
	switch {
	case x.Statistic == "", x.B != model.Chance && x.B != "":
		return x.B
	case x.HasNull:
		return x.B
	}
	return "0"
}

// ofGain spells a share of the gain.
func ofGain(share float64) string { return UnsignZero(fmt.Sprintf("%+.1f", 100*share)) + "%" }

// Effect spells what decides a contrast: a share of the gain, or a difference in the statistic's unit.
func Effect(x model.Contrast, v float64) string {
	if x.Statistic != "" {
		return fineSigned(v)
	}
	return ofGain(v)
}

// Estimate is what was measured, in the unit that decides.
func Estimate(x model.Contrast) string {
	return Maybe(x.Found, func(f model.Estimate) string { return Effect(x, f.Value) })
}

// Interval is the one that decides, "low to high".
func Interval(x model.Contrast) string {
	return Maybe(x.Found, func(f model.Estimate) string { return Effect(x, f.Low) + " to " + Effect(x, f.High) })
}

// Level is that of the interval that decides.
func Level(x model.Contrast) string {
	return Maybe(x.Found, func(f model.Estimate) string { return Confidence(f.Level) })
}

// Found is the estimate with the interval that decides.
func Found(x model.Contrast) string {
	if x.Found == nil {
		return "no interval"
	}
	return fmt.Sprintf("%s (%s)%s", Estimate(x), Interval(x), unit(x))
}

// FoundAt is Found with the level of the interval.
func FoundAt(x model.Contrast) string {
	if x.Found == nil {
		return Found(x)
	}
	return Found(x) + ", level " + Level(x)
}

// unit follows what Effect spells.
func unit(x model.Contrast) string {
	switch from := Against(x); {
	case x.Statistic == "":
		return " of the gain"
	case from == "0":
		return ""
	default:
		return " from " + from
	}
}

// Points is the difference of accuracies in points, which decides nothing.
func Points(x model.Contrast) string {
	if x.Statistic != "" {
		return Absent
	}
	return Maybe(x.Difference, func(d stats.MeanDifference) string { return Signed(d.Estimate) })
}

// PointsInterval is the interval of Points, with its level.
func PointsInterval(x model.Contrast) string {
	if x.Statistic != "" {
		return Absent
	}
	return Maybe(x.Difference, Spread)
}

// Spread is an interval in points, with its level.
func Spread(d stats.MeanDifference) string {
	return fmt.Sprintf("%s to %s (%s)", Signed(d.Low), Signed(d.High), Confidence(d.Level))
}

// Recovered says how much of the gain the arm recovers that is set against the one that has all of it; empty for other
// contrasts, and without an interval.
func Recovered(x model.Contrast, gain bench.Gain) string {
	if x.Statistic != "" || x.Found == nil {
		return ""
	}
	percent := func(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }
	say := func(arm string, value, low, high float64) string {
		return fmt.Sprintf("%s recovers %s (%s to %s) of the gain", arm, percent(value), percent(low), percent(high))
	}
	switch gain.Of {
	case x.B:
		return say(x.A, 1+x.Found.Value, 1+x.Found.Low, 1+x.Found.High)
	case x.A:
		return say(x.B, 1-x.Found.Value, 1-x.Found.High, 1-x.Found.Low)
	}
	return ""
}

// Holds is the p value of the claim's holding.
func Holds(p stats.Evidence) string { return Probability(p.Support) }

// Fails is the p value of the claim's failing.
func Fails(p stats.Evidence) string { return Probability(p.Refute) }

// Asks is what a contrast says of its difference.
func Asks(x model.Contrast) string {
	if len(x.Bounds) == 2 {
		return fmt.Sprintf("within %.3g%%", 100*x.Margin)
	}
	return "above " + margin(x)
}

// Name names a contrast, or an observation by its statistic.
func Name(x model.Contrast) string {
	if x.Statistic != "" {
		return x.Statistic + " of " + x.A
	}
	return x.A + " - " + x.B
}

func measured(x model.Contrast) string {
	spread := fmt.Sprintf("%s interval %s", Level(x), Interval(x))
	if x.Difference != nil && x.Difference.SE == 0 {
		spread = "no spread"
	}
	spread += " over " + Count(x.N, "seed")
	switch from := Against(x); {
	case x.Statistic == "":
		return fmt.Sprintf("accuracy of %s is %s of the gain (%s; %s points)", Name(x), Estimate(x), spread, Points(x))
	case from == "0":
		return fmt.Sprintf("%s is %s (%s)", Name(x), Estimate(x), spread)
	default:
		return fmt.Sprintf("%s differs from %s by %s (%s)", Name(x), from, Estimate(x), spread)
	}
}

// side says where the difference is shown to lie.
func side(x model.Contrast) string {
	where := map[stats.Verdict]string{stats.Supported: "above ", stats.Refuted: "below "}
	if x.Relation == bench.Equivalent {
		where = map[stats.Verdict]string{stats.Supported: "within ", stats.Refuted: "outside "}
	}
	return cmp.Or(where[x.Alone], "on no side of ") + margin(x)
}

// margin is what a relation is about: a share of the gain, or a value of the statistic.
func margin(x model.Contrast) string {
	share := func(v float64) string { return UnsignZero(fmt.Sprintf("%+.3g", 100*v)) + "%" }
	from := Against(x)
	switch {
	case len(x.Bounds) == 2:
		return share(x.Bounds[0]) + " to " + share(x.Bounds[1])
	case x.Statistic == "":
		return share(x.Bounds[0])
	case from == "0":
		return Round(x.Bounds[0])
	case x.Bounds[0] == 0:
		return from
	}
	return from + " by " + Round(x.Bounds[0])
}

// Caveat says what a tier is good for.
func Caveat(t model.Tier) string {
	text := fmt.Sprintf("Tier %s (%s): %s", t.ID, t.Title, t.Caveat)
	if t.Machinery {
		return "This only shows that the machinery works: its verdicts mean nothing for science. " + text
	}
	return text
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
