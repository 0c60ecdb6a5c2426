package stats

import (
	"cmp"
	"fmt"
	"slices"
)

// Holm returns the step-down adjusted p values of S. Holm, A simple sequentially rejective multiple test procedure
// (Scand. J. Statist. 1979), in the order given: the j-th smallest of k is max over i <= j of min(1, (k-i+1) *
// p_i). Rejecting those below alpha makes any false rejection with probability at most alpha, whatever the
// dependence between tests.
func Holm(p []float64) ([]float64, error) {
	return stepDown(p, func(left int) float64 { return float64(left) })
}

// AdjustFamily adjusts the evidence of all k claims of one report so that judging each at alpha makes any wrong
// decision, a true claim refuted or a false one supported, with probability at most alpha, however the claims
// depend on each other (they share arms and seeds, so they do).
//
// Support and refutation each go through Holm's procedure at alpha/2, the factor for the smallest p value capped at
// 2*(k-1); a single claim is left as it is. Why this controls the error: let F of the claims be false. Up to the
// first wrong support every support is right, so at least F claims are left and the threshold is at most
// alpha/(2F), which F p values pass with probability alpha/2 at most. The k-F true claims and refutation are alike;
// the two add up to alpha. If all claims are false nothing can be wrongly refuted, all of alpha is left for
// support, and k p values pass alpha/(2(k-1)) with no more than alpha: hence the cap. Statements are strict: a
// claim on its boundary is false.
//
// Holm once over the p value of the decisive direction would be more powerful and is not valid: a claim decided
// rightly still has a true hypothesis on its other side, so k hypotheses are true to the end, and thresholds that
// start at alpha/k may not grow with the decisions made. The tests simulate the excess; on the problem see J. P.
// Shaffer, Control of directional errors with stagewise multiple test procedures, Ann. Statist. 1980.
//
// A claim that could not be measured stays in the family with both p values 1:
// missing runs must not make the others easier to decide.
func AdjustFamily(family []Evidence) ([]Evidence, error) {
	k := len(family)
	support, refute := make([]float64, k), make([]float64, k)
	for i, e := range family {
		support[i], refute[i] = e.Support, e.Refute
	}
	factor := func(left int) float64 { return familyFactor(k, left) }
	support, err := stepDown(support, factor)
	if err != nil {
		return nil, fmt.Errorf("support: %w", err)
	}
	refute, err = stepDown(refute, factor)
	if err != nil {
		return nil, fmt.Errorf("refutation: %w", err)
	}
	adjusted := make([]Evidence, k)
	for i := range adjusted {
		adjusted[i] = Evidence{Support: support[i], Refute: refute[i]}
	}
	return adjusted, nil
}

// FamilyAlpha is the level at which AdjustFamily takes its first decision among k claims: alpha/(2(k-1)), or alpha
// for a single claim. What is planned for it is decided whatever the other claims show.
func FamilyAlpha(alpha float64, k int) float64 { return alpha / familyFactor(k, k) }

func familyFactor(k, left int) float64 {
	if k == 1 {
		return 1
	}
	return 2 * float64(min(left, k-1))
}

// stepDown multiplies p values in rising order by factor(hypotheses left), keeping them monotone and at most 1.
func stepDown(p []float64, factor func(left int) float64) ([]float64, error) {
	order := make([]int, len(p))
	for i, v := range p {
		if !(0 <= v && v <= 1) {
			return nil, fmt.Errorf("%w: p value %d is %v", ErrRange, i, v)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	adjusted := make([]float64, len(p))
	floor := 0.0
	for rank, i := range order {
		floor = max(floor, min(1, factor(len(p)-rank)*p[i]))
		adjusted[i] = floor
	}
	return adjusted, nil
}

// PlanLooks lists the numbers of seeds at which claims are judged when seeds are added until the verdict is
// conclusive: first, then half as many again each time, and last. The plan is made before the first look:
// LookAlpha is valid for no other.
func PlanLooks(first, last int) []int {
	var seeds []int
	for n := first; n < last; n += (n + 1) / 2 {
		seeds = append(seeds, n)
	}
	return append(seeds, last)
}

// LookAlpha is the level at which each of the planned looks is judged so that a wrong verdict at any of them has
// probability at most alpha: alpha/looks (Bonferroni). Looks share their seeds, so they depend on each other in a
// way that differs between relations and families; this bound needs no model of it, and every look having the same
// level, one level holds for all intervals of a report. Looks that are not taken keep their share.
//
// Boundaries of group sequential trials (Pocock, Biometrika 1977; O'Brien and Fleming, Biometrics 1979) are
// less strict, but they assume normal increments of known variance, which three seeds do not give.
func LookAlpha(alpha float64, looks int) float64 { return alpha / float64(looks) }

// Settled is the evidence with which a claim that an earlier look decided stays in its family at later
// looks: rejected already in its direction, silent in the other. It need not be measured again, and
// AdjustFamily spends nothing more on it.
//
// The argument for AdjustFamily carries over (group sequential Holm: Ye, Li, Liu and Yao, Statist. Med.
// 2013): until the first wrong support, whatever the look, all F false claims are left, so the look's
// thresholds are at most its alpha/(2F), and so on; the sum over looks is LookAlpha's.
func Settled(v Verdict) Evidence {
	e := Evidence{Support: 1, Refute: 1}
	switch v {
	case Supported:
		e.Support = 0
	case Refuted:
		e.Refute = 0
	}
	return e
}
