package words

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// Term is a word that a report uses in a sense of its own.
type Term struct {
	ID      string // for links
	Name    string
	Heads   []string // of columns, and names of facts, that mean it
	Phrases []string // whole words that mean it in sentences
	Text    string
}

// Glossary explains the terms of a report; those of a plan and of the classes where it has these.
func Glossary(r *model.Report) []Term {
	prior := slices.ContainsFunc(r.Claims, func(c model.Claim) bool { return strings.Contains(c.Statement+c.Plain.Holds, classPrior) })
	return slices.DeleteFunc(terms(r.Gain), func(t Term) bool { return t.ID == "look" && r.Plan == nil || t.ID == "prior" && !prior })
}

const classPrior = "1/C"

func terms(gain bench.Gain) []Term {
	return []Term{
		{"arm", "Arm", []string{"Arm", "Arms", "Contrast"}, []string{"arm", "arms", "Arms"},
			"One way to train: which negatives the loss sees. All arms of a seed begin with the same weights and see the same images; a contrast is the difference between two of them."},
		{"seed", "Seed", []string{"Seed", "Seeds"}, nil,
			"The number from which all chance of a training comes. Arms are compared seed by seed."},
		{"gain", "Gain", []string{"Gain"}, []string{"of the gain", "The gain"},
			fmt.Sprintf("What training on all negatives adds: the accuracy of %s less that of %s. Differences are decided in shares of it, since a point means something else at each scale.", gain.Of, gain.Over)},
		{"asks", "Asks", []string{"Asks"}, []string{"asked", "asks"},
			"What a claim says of a difference, with the smallest effect of interest as its margin: above -5% is a loss of no more than 5% of the gain."},
		{"found", "Found", []string{"Found", "Deciding interval"}, nil,
			"The estimate, and the interval that decides, at the level at which its claim is judged."},
		{"verdict", "Supported, refuted, inconclusive", []string{"Verdict", "On its own"}, nil,
			"The interval lies wholly on the side that the claim asks for; wholly on the other; or on both, so that nothing is shown."},
		{"p", "p holds, p fails", []string{"p holds", "p fails", "p values"}, []string{"p value", "p values"},
			"How probable numbers like these would be if the claim were only just false (p holds), or only just true (p fails). A small p holds supports it, a small p fails refutes it."},
		{"plan", "Plan, exploratory", []string{"Plan", "Standing", "Role"}, []string{"exploratory", "Exploratory", "of the plan"},
			"The plan is claims, margins, seeds and looks that were registered before the runs that confirm. A claim outside it, or whose runs began before it, is exploratory: corrected for nothing, and confirmed by nothing."},
		{"look", "Look, alpha", []string{"Look", "Alpha"}, []string{"alpha"},
			"The claims of the plan are judged at looks, after numbers of seeds that were fixed in advance. Each look spends a part of alpha, the chance of a wrong verdict."},
		{"floor", "Floor", nil, []string{"floor", "floors"}, "An accuracy that takes no learning, such as that of an untrained encoder or of raw pixels."},
		{"tier", "Tier", []string{"Tier"}, []string{"Tier", "tier"}, "A scale at which everything is run: images, encoder, steps, seeds."},
		{"temperature", "Temperature, T", []string{"T"}, []string{"temperature", "temperatures"}, "The divisor of similarities in the loss, InfoNCE. A low one weighs hard negatives more."},
		{"prior", classPrior + ", the class prior", nil, []string{classPrior},
			"One part in C, the number of classes: as many negatives as are of the query's own class. On ImageNet that is 0.1%."},
		{"hard", "Hard, easy", nil, []string{"hardest", "easiest", "hard negatives", "Hard negatives"}, "A negative is the harder the larger its dot product with the query; all are ranked again for every query at every step."},
	}
}
