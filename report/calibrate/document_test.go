package calibrate

import (
	"fmt"
	"strings"
)

// The targets of the family-wise error.
const (
	leastNormal = 0.035
	mostNormal  = 0.05
	mostOther   = 0.06
)

// worst is the highest family-wise error of some laws.
type worst struct {
	rate, half float64
	where      string
}

func (w *worst) meet(rate, half float64, where string) {
	if rate > w.rate {
		*w = worst{rate, half, where}
	}
}

func (w *worst) String() string {
	return fmt.Sprintf("%.1f%% (95%% interval %.1f to %.1f; %s)", 100*w.rate, 100*(w.rate-w.half), 100*(w.rate+w.half), w.where)
}

// against compares the rate with its target.
func (w *worst) against(least, most float64) string {
	low, high := w.rate-w.half, w.rate+w.half
	switch {
	case low > most:
		return "**not met**, it is above"
	case high < least:
		return "**not met**, it is below, and power is given away"
	case low >= least && high <= most:
		return "met"
	case w.rate >= least && w.rate <= most:
		return "met as far as these replications tell"
	}
	return "missed, by no more than chance would in these replications"
}

// document is docs/error-rates.md.
func (s *study) document(replications int) (string, error) {
	var out strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	say("# Error rates of the verdicts\n")
	say("`make calibrate` writes this file. It simulates worlds whose truth is known, has the runs that they would leave")
	say("judged by package `judge` under the catalogue's own plan, look by look, and counts verdicts that are wrong: a false")
	say("claim supported, or a true one refuted.\n")
	say("%s\n", s.planned())
	say("The worlds in bold type have %d replications with each distribution of errors, the others %d. Accuracies are %d points for", replications, replications/4, int(floor))
	say("the untrained encoder and %d more for all negatives; their standard deviation is %g points shared by the arms of a seed, and", int(gain), seedSD)
	say("%g to %g of each arm's own, as in seeds 0 to 4. They are whole numbers of %d test images. Correlated arms share %g of the", spread["all"], spread["hardest5"], testImages, laws[1].shared)
	say("variance of their own errors. Counts of hard and easy negatives come from images whose difficulty all encoders see through noise,")
	say("more or less of it as the distribution has it. Replications in which no claim comes within twice its level of a wrong")
	say("verdict are judged one time in %d, and count as many times.\n", far)

	say("## Any wrong verdict among the plan's claims, in percent\n")
	say("In parentheses the 95%% Monte Carlo interval.\n")
	row := []string{"World"}
	for _, l := range laws {
		row = append(row, l.name)
	}
	say("| %s |\n|:--%s|", strings.Join(row, " | "), strings.Repeat("|--:", len(laws)))
	normal, other := &worst{}, &worst{}
	for _, w := range worlds {
		row, n := []string{w.name}, replications/4
		if w.decisive {
			row, n = []string{"**" + w.name + "**"}, replications
		}
		for _, l := range laws {
			r, err := s.simulate(w, l, n, true)
			if err != nil {
				return "", err
			}
			rate, half := r.rate()
			row = append(row, fmt.Sprintf("%.1f (%.1f to %.1f)", 100*rate, 100*max(0, rate-half), 100*(rate+half)))
			switch where := w.name + "; " + l.name; {
			case !w.decisive:
			case strings.HasPrefix(l.name, "normal"):
				normal.meet(rate, half, where)
			default:
				other.meet(rate, half, where)
			}
		}
		say("| %s |", strings.Join(row, " | "))
	}

	say("\n## How often claims are decided, in percent\n")
	say("Normal errors. Seeds are those of the look that decides, or of the last; mean.\n")
	row = []string{"World", "Claim", "Truth", "Right", "Wrong", "Open", "Seeds"}
	for _, n := range s.plan.Looks {
		row = append(row, fmt.Sprintf("Decided at %d", n))
	}
	say("| %s |\n|:--|:--|:--%s|", strings.Join(row, " | "), strings.Repeat("|--:", len(row)-3))
	for _, w := range hopes {
		r, err := s.simulate(w, laws[0], replications/8, false)
		if err != nil {
			return "", err
		}
		for _, claim := range s.claims {
			o, truth := r.claims[claim.ID], "false"
			if s.holds(w, claim) {
				truth = "true"
			}
			percent := func(n int) string { return fmt.Sprintf("%.0f", 100*float64(n)/float64(r.n)) }
			row = []string{w.name, claim.ID, truth, percent(o.right), percent(o.wrong), percent(o.open), fmt.Sprintf("%.1f", float64(o.seeds)/float64(r.n))}
			for _, n := range o.at {
				row = append(row, percent(n))
			}
			say("| %s |", strings.Join(row, " | "))
		}
	}

	say("\n## What follows\n")
	say("Of the worlds in bold type, since among many worlds with few replications some rate is always high:\n")
	say("- Normal errors: at most %s. Target %g to %g%%: %s.", normal, 100*leastNormal, 100*mostNormal, normal.against(leastNormal, mostNormal))
	say("- Other errors: at most %s. Target %g%% or less: %s.", other, 100*mostOther, other.against(0, mostOther))
	say("- Levels of the looks add up to a claim's share, and shares of the primaries, and of the secondaries, to alpha. So")
	say("  neither looks nor correlated arms nor missing runs take the rate above alpha where t tests keep their levels. With")
	say("  skewed errors they do not: of %d seeds or fewer, one tail of t is heavier than its level. So a verdict has to hold", s.seeds())
	say("  after Hall's transformation of t, too (verdicts.md), which takes back as much as few seeds show of their skewness.")
	say("- A claim whose truth lies near its margin stays open, and then no wrong verdict is to be feared of it. How often the")
	say("  claim on agreement is decided depends on how much encoders differ, for which there was nothing to go by.")
	return out.String(), nil
}
