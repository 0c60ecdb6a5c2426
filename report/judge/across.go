package judge

import (
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// across brings the variants of a statement together that are tested at different temperatures.
func (b *builder) across() {
	type statement struct{ family, text string }
	var order []statement
	variants := map[statement][]model.Claim{}
	for _, c := range b.report.Claims {
		s := statement{c.Family, c.Statement}
		if variants[s] == nil {
			order = append(order, s)
		}
		variants[s] = append(variants[s], c)
	}
	for _, s := range order {
		claims := variants[s]
		row := model.Across{Claim: claims[0].ID, Family: s.family}
		for _, c := range claims {
			row.At = append(row.At, model.AtTemperature{Temperature: c.Temperature, Claim: c.ID, Verdict: c.Verdict})
			row.Differs = row.Differs || c.Verdict != claims[0].Verdict
		}
		if row.Differs {
			row.Sentence = words.Differs(row)
		}
		b.report.Across = append(b.report.Across, row)
	}
}
