package figure

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// InTier is a claim as one tier judged it.
type InTier struct {
	Tier  string
	Claim *model.Claim
}

const agreementRow = 62.0 // two lines of text, and the interval

// Agreement draws what claims found in several tiers, one below the other: the interval that decides, of the first contrast
// of accuracies, in percent of each tier's gain. It is nil if no claim has one in two tiers.
func Agreement(id, title string, claims [][]InTier) *Figure {
	var shown [][]InTier
	var all []model.Claim
	bottom := 6.0
	for _, row := range claims {
		var drawn []InTier
		for _, x := range row {
			if c := x.Claim.AccuracyContrasts(); len(c) > 0 && c[0].Found != nil {
				drawn = append(drawn, x)
			}
		}
		if len(drawn) < 2 {
			continue
		}
		shown = append(shown, drawn)
		bottom += titleLine*float64(len(titleOf(drawn[0].Claim))) + agreementRow*float64(len(drawn)) + titleLine
		for _, x := range drawn {
			one := *x.Claim
			one.Contrasts = one.AccuracyContrasts()[:1]
			all = append(all, one)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	f, s := shares(id, title, bottom, all)
	said := []string{"Claims with the interval that decides each, by tier, in percent of the tier's gain; the shaded region is where the contrast holds."}
	top := 6.0
	for _, row := range shown {
		for _, line := range titleOf(row[0].Claim) {
			f.Texts = append(f.Texts, text{"start plate strong", plotLeft, coord(top + 14), line})
			top += titleLine
		}
		for _, x := range row {
			contrast := x.Claim.AccuracyContrasts()[0]
			standing, found := words.Standing(*x.Claim), words.Found(contrast)
			f.Texts = append(f.Texts,
				text{"start plate", plotLeft, coord(top + 15), x.Tier + ": " + standing},
				text{"start plate small", plotLeft, coord(top + 29), found})
			f.interval(s, coord(top+46), 11, x.Claim.Verdict, contrast)
			said = append(said, fmt.Sprintf("%s, tier %s: %s, %s.", x.Claim.ID, x.Tier, standing, found))
			top += agreementRow
		}
		top += titleLine
	}
	f.Description = strings.Join(said, " ")
	return f
}
