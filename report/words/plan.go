package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// KeptTo says whether the runs that confirm came after the registration of their plan.
func KeptTo(r *model.Report) string {
	var early []string
	shown := 0
	for _, c := range r.Claims {
		if c.Role == bench.Exploratory {
			continue
		}
		shown++
		if c.Registration == model.Early {
			early = append(early, c.ID)
		}
	}
	switch {
	case shown == 0:
		return "no claim of the plan is shown here"
	case r.Plan.Registered == nil:
		return "whatever runs are stored, none came after a registration"
	case len(early) > 0:
		return "some began before the registration, so that these claims are exploratory here: " + strings.Join(early, ", ")
	}
	return "every confirmatory run began after the registration"
}

// PlanAlpha says how often a plan lets a verdict be wrong, and how its claims share that.
func PlanAlpha(p *model.Plan) string {
	text := fmt.Sprintf("%s; each of %s has %s of it", Alpha(p.Alpha), Count(len(p.Primary.Claims), "primary claim"), Alpha(p.Primary.Share))
	if n := len(p.Secondary.Claims); n > 0 {
		text += fmt.Sprintf(", and each of %s %s, to count once all primaries are decided", Count(n, "secondary claim"), Alpha(p.Secondary.Share))
	}
	return text
}

// StillOpen names the claims that a further look may decide; empty without any.
func StillOpen(p *model.Plan) string {
	text := next(p)
	if text != "" && p.Stopped != "" {
		text += " (" + p.Stopped + ")"
	}
	return text
}

// Going announces the looks that are about to be run.
func Going(r *model.Report) string { return "next: " + next(r.Plan) }

// next names the open claims by the look that comes next.
func next(p *model.Plan) string {
	var all []string
	for look := range p.Looks {
		var claims []string
		for _, claim := range slices.Sorted(maps.Keys(p.Open)) {
			if p.Open[claim] == look {
				claims = append(claims, claim)
			}
		}
		if len(claims) > 0 {
			all = append(all, fmt.Sprintf("look %d of %d for %s", look+1, len(p.Looks), strings.Join(claims, ", ")))
		}
	}
	return strings.Join(all, "; ")
}

// Method explains how verdicts come about.
func Method(r *model.Report) []string {
	list := []string{
		"Accuracy is that of the linear probe on the test images, in points (percent of images). Differences are paired by seed.",
		fmt.Sprintf("The gain is what training on all negatives adds: the accuracy of %s over that of %s, paired by seed, at the claim's temperature. "+
			"Contrasts of accuracies are decided in shares of the gain, since a point means something else at each scale: the mean difference over the mean gain, with Fieller's interval, as both are measured. "+
			"Differences in points stand beside and decide nothing.", r.Gain.Of, r.Gain.Over),
		"A margin is the smallest effect of interest: a share of the gain, or a value of a statistic. A contrast is supported if its interval lies wholly on the side of the margin that it asks for, and refuted if wholly on the other, " +
			"so either can be shown, even where there is no effect at all. A difference that is not significant supports nothing.",
		"The interval shown is the one that decides: its ends are two one-sided bounds at the level at which its claim was judged. To refute, one of several contrasts is enough, or one of two sides of an equivalence; " +
			"each then has its part of the level, and unless the claim is supported its intervals are that much wider.",
		"Tests are Student's t. Since differences of few seeds may be skewed, and one tail of t is heavier then, a bound on that side is put further out by the skewness that the seeds show (Johnson 1978), so that an interval may be longer on one side.",
		"A claim with several contrasts is supported only if all hold: its p value is the largest (intersection-union). " +
			"It is refuted if one fails: its p value is the smallest times their number (Bonferroni).",
	}
	if r.Plan != nil {
		list = append(list, planMethod(r.Plan)...)
	}
	return append(list,
		fmt.Sprintf("Exploratory claims are judged once, at %s in either direction, and corrected for nothing: of many, some are wrong.", Confidence(model.Alpha)),
		"A claim of no loss has an assay: the same runs must show a loss that is known. Where they do not, they would not have shown a loss of the claim's either, and the claim is not supported.",
		"Some claims that are supported are asked further whether they are specific: whether what supports them is more than a control of as many negatives shows.",
		"A claim is inconclusive, whatever its numbers, if a run is missing or failed, if a metric is not a number, if there are fewer seeds than it asks for, if the better of its arms is not shown to lie above the floors, or if its arms differ in anything but the declared rules or features.",
		"What encoders show is measured on their embeddings of training images, each a negative of each query, at the end of training. A statistic that is compared with chance must exceed it in two ways: "+
			"over seeds, by those tests, and against its permutation null. The seeds share their permutations, so their p values are combined as twice their mean, which holds whatever the dependence; "+
			"the larger of the two p values counts.",
		"Agreement between encoders is a mean over pairs of seeds, which share encoders: it is judged by its jackknife pseudo-values, one for each seed. "+
			"A trend is the rank correlation of dose and fall in accuracy, mean over seeds; Page's test must show it too.",
		"Intervals cover the choice of seed. They do not cover the choice of test images, which all runs share, nor of data set, architecture or implementation.",
		"Losses of arms with different numbers of negatives are not comparable: InfoNCE grows with the logarithm of that number.",
	)
}

// planMethod explains what holds for the claims of a plan.
func planMethod(p *model.Plan) []string {
	return []string{
		"The plan fixes claims, margins, seeds and looks, and is registered before the runs that confirm. A claim whose runs began earlier, or whose plan this registry does not hold, counts as exploratory. " +
			"Whichever command asks, and about whichever claims, a claim of the plan has one verdict.",
		fmt.Sprintf("A wrong verdict among the claims of the plan has a probability of about %s. The primaries share that equally; the secondaries share as much again, and count only once all primaries are decided. "+
			"Each claim may spend its share in both directions, since only one of its two null hypotheses can be true.", Confidence(p.Alpha)),
		fmt.Sprintf("Claims are looked at with %s seeds, by Lan and DeMets' spending function of the O'Brien-Fleming type: next to nothing of the share early, nearly all of it last. A claim keeps the verdict of the first look that decides it; "+
			"its intervals and p values are of that look.", Listed(p.Looks)),
	}
}
