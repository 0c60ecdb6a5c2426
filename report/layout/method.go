package layout

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

func methodSection(r *model.Report) Section {
	list := List{
		"Accuracy is that of the linear probe on the test images, in points (percent of images). Differences are paired by seed, " +
			"and their intervals are Student's t over seeds.",
		fmt.Sprintf("The ends of a %s interval are two one-sided %s bounds. On its own, a contrast is supported if its interval lies wholly on the side it asks for, "+
			"and refuted if wholly on the other; an equivalence is refuted only if its %s interval lies wholly outside. A difference that is not significant supports nothing.", words.Confidence(r.Level), words.Confidence(1-r.Alpha), words.Confidence(1-r.Alpha)),
		"A claim with several contrasts is supported only if all hold: its p value is the largest (intersection-union). " +
			"It is refuted if one fails: its p value is the smallest times their number (Bonferroni).",
		fmt.Sprintf("p values are corrected so that any wrong verdict among the claims of this report at one temperature has a probability of at most %s; "+
			"the tier's temperature is the paper's setting, and asking whether claims hold at another does not make it harder to show them there. "+
			"Judged alone, by the command given with it, a claim is not corrected for the others, so its verdict may be surer than here.", words.Confidence(model.TotalAlpha)),
		"A claim is inconclusive, whatever its numbers, if a run is missing or failed, if a metric is not a number, if there are fewer seeds than it asks for, " +
			"or if its arms differ in anything but the declared rules or features.",
		"What encoders show is measured on their embeddings of training images, each a negative of each query, at the end of training. A statistic must exceed chance in two ways: " +
			"over seeds, as above, and against its permutation null. The seeds share their permutations, so their p values are combined as twice their mean, which holds whatever the dependence; " +
			"the larger of the two p values counts.",
		"Intervals cover the choice of seed. They do not cover the choice of test images, which all runs share, nor of data set, architecture or implementation.",
		"Losses of arms with different numbers of negatives are not comparable: InfoNCE grows with the logarithm of that number.",
	}
	if r.Looks != nil {
		list = append(list, words.LooksMethod(r))
	}
	return Section{ID: "method", Level: 2, Title: "How to read this", Blocks: []Block{list}}
}
