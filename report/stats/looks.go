package stats

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

// LookAlpha is the level at which each of the planned looks is judged so that a wrong verdict at any of them
// has probability at most alpha: alpha/looks (Bonferroni). Looks share their seeds, so they depend on each
// other in a way that differs between relations and families; this bound needs no model of it, and every
// look having the same level, one level holds for all intervals of a report. Looks that are not taken keep
// their share.
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
