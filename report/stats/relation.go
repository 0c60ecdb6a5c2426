package stats

import (
	"fmt"
	"math"
)

// Verdict is what the data say about a claim. An insignificant difference is
// never support: it is Inconclusive.
type Verdict string

// The three verdicts; there is no bare pass.
const (
	Supported    Verdict = "supported"
	Refuted      Verdict = "refuted"
	Inconclusive Verdict = "inconclusive"
)

// Relation is the kind of statement a claim makes. Below, d is the true mean of
// a - b and m the margin.
type Relation string

const (
	// NonInferior states d > -m: a loses less than the margin.
	NonInferior Relation = "non-inferior"
	// Greater states d > m: a gains more than the margin, which may be zero.
	Greater Relation = "greater"
	// Equivalent states -m < d < m.
	Equivalent Relation = "equivalent"
	// Equals states that a number reproduces a published one; see TestTarget.
	Equals Relation = "equals"
)

// Evidence holds two p values: PSupport is small when the data show the claim
// true, PRefute when they show it false. Both may be large, never both small.
type Evidence struct{ PSupport, PRefute float64 }

// Judge decides at level alpha. The comparison is strict, so that for a one-sided
// relation it agrees with the bounds of the 1-2*alpha interval.
func (e Evidence) Judge(alpha float64) Verdict {
	support, refute := e.PSupport < alpha, e.PRefute < alpha
	switch {
	case support && !refute:
		return Supported
	case refute && !support:
		return Refuted
	}
	return Inconclusive
}

// Result is one claim judged on its own. The interval has level 1-2*alpha: its
// ends are the two one-sided 1-alpha bounds.
type Result struct {
	Difference
	Evidence
	Verdict Verdict
}

// Test judges a relation between samples paired by seed, each decision wrong with
// probability at most alpha, which must lie between 0 and 0.5.
//
//   - NonInferior: supported if the lower one-sided bound of a - b exceeds -margin,
//     refuted if the upper one lies below it.
//   - Greater: the same about +margin.
//   - Equivalent: supported if two one-sided tests (TOST, Schuirmann 1987) put the
//     difference above -margin and below +margin, that is, if the 1-2*alpha
//     interval lies inside; PSupport is the larger p value. Refuted if one side
//     is passed at alpha/2, that is, if the 1-alpha interval lies wholly outside;
//     PRefute is twice the smaller p value. Halving is needed because a noisy
//     difference may fall off either side: asking only that the 1-2*alpha interval
//     lies outside would be wrong up to 2*alpha of the time.
func Test(rel Relation, a, b []float64, margin, alpha float64) (Result, error) {
	if err := checkMargin(margin); err != nil {
		return Result{}, err
	}
	var weigh func(Difference) Evidence
	switch rel {
	case NonInferior:
		weigh = func(d Difference) Evidence { return exceeds(d, -margin) }
	case Greater:
		weigh = func(d Difference) Evidence { return exceeds(d, margin) }
	case Equivalent:
		if margin == 0 {
			return Result{}, fmt.Errorf("%w: no finite sample shows equivalence within margin 0", ErrRange)
		}
		weigh = func(d Difference) Evidence { return within(d, margin, margin) }
	case Equals:
		return Result{}, fmt.Errorf("%w: %q compares one sample with a published number, use TestTarget", ErrRelation, rel)
	default:
		return Result{}, fmt.Errorf("%w: unknown relation %q", ErrRelation, rel)
	}
	if err := checkOpen("alpha", alpha, 0, 0.5); err != nil {
		return Result{}, err
	}
	d, err := PairedT(a, b, 1-2*alpha)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", rel, err)
	}
	return conclude(d, weigh(d), alpha), nil
}

// Band is how far a reproduction may lie from a published number. The two parts
// are not interchangeable: the first says how well the published number is known,
// the second how near is near enough.
type Band struct {
	Seed           float64 // uncertainty of the published number over its own seeds
	Implementation float64 // difference between faithful implementations, tolerated
}

// TestTarget judges Equals: does the mean of x reproduce a published target?
// The true published mean may lie anywhere in target +- Seed, and a decision must
// hold wherever it lies. So with d = mean(x) - target the claim is supported if
// |d| < Implementation - Seed by two one-sided tests, and refuted if
// |d| > Implementation + Seed at alpha/2 a side, as for Equivalent. Estimate and
// Interval of the result are those of d. Implementation must exceed Seed.
func TestTarget(x []float64, target float64, band Band, alpha float64) (Result, error) {
	for _, m := range []float64{band.Seed, band.Implementation} {
		if err := checkMargin(m); err != nil {
			return Result{}, err
		}
	}
	inner, outer := band.Implementation-band.Seed, band.Implementation+band.Seed
	if inner <= 0 {
		return Result{}, fmt.Errorf("%w: implementation band %v within seed band %v, nothing could support the claim",
			ErrRange, band.Implementation, band.Seed)
	}
	if err := checkOpen("alpha", alpha, 0, 0.5); err != nil {
		return Result{}, err
	}
	published := make([]float64, len(x))
	for i := range published {
		published[i] = target
	}
	d, err := PairedT(x, published, 1-2*alpha)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", Equals, err)
	}
	return conclude(d, within(d, inner, outer), alpha), nil
}

// exceeds weighs "difference > bound".
func exceeds(d Difference, bound float64) Evidence {
	return Evidence{PSupport: d.PAbove(bound), PRefute: d.PBelow(bound)}
}

// within weighs "|difference| < inner" against "|difference| > outer".
func within(d Difference, inner, outer float64) Evidence {
	return Evidence{
		PSupport: max(d.PAbove(-inner), d.PBelow(inner)),
		PRefute:  min(1, 2*min(d.PAbove(outer), d.PBelow(-outer))),
	}
}

func conclude(d Difference, e Evidence, alpha float64) Result {
	return Result{Difference: d, Evidence: e, Verdict: e.Judge(alpha)}
}

func checkMargin(m float64) error {
	if !(m >= 0) || math.IsInf(m, 1) {
		return fmt.Errorf("%w: margin %v, must be finite and not negative", ErrRange, m)
	}
	return nil
}
