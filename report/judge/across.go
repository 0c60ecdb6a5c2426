package judge

import (
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// across brings the variants of a statement together that are tested at different temperatures.
func across(claims []model.Claim) []model.Across {
	all := []model.Across{}
	type statement struct{ family, text string }
	var order []statement
	variants := map[statement][]model.Claim{}
	for _, c := range claims {
		s := statement{c.Family, c.Statement}
		if variants[s] == nil {
			order = append(order, s)
		}
		variants[s] = append(variants[s], c)
	}
	for _, s := range order {
		variant := variants[s]
		row := model.Across{Claim: variant[0].ID, Family: s.family}
		for _, c := range variant {
			row.At = append(row.At, model.AtTemperature{Temperature: c.Temperature, Claim: c.ID, Verdict: c.Verdict})
			row.Differs = row.Differs || c.Verdict != variant[0].Verdict
		}
		if row.Differs {
			row.Sentence = words.Differs(row)
		}
		all = append(all, row)
	}
	return all
}
