package report

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/stats"
)

// across brings the variants of a statement together that are tested at different temperatures.
func (b *builder) across() {
	type statement struct{ family, text string }
	var order []statement
	variants := map[statement][]Claim{}
	for _, c := range b.report.Claims {
		s := statement{c.Family, c.Statement}
		if variants[s] == nil {
			order = append(order, s)
		}
		variants[s] = append(variants[s], c)
	}
	for _, s := range order {
		claims := variants[s]
		row := Across{Claim: claims[0].ID, Family: s.family}
		for _, c := range claims {
			row.At = append(row.At, AtTemperature{Temperature: c.Temperature, Claim: c.ID, Verdict: c.Verdict})
			row.Differs = row.Differs || c.Verdict != claims[0].Verdict
		}
		if row.Differs {
			row.Sentence = differs(row)
		}
		b.report.Across = append(b.report.Across, row)
	}
}

// differs says what follows from verdicts that are not the same: only where a claim is shown to hold at one
// temperature and shown to fail at another does it depend on temperature.
func differs(row Across) string {
	var verdicts []string
	found := map[stats.Verdict]bool{}
	for _, at := range row.At {
		verdicts = append(verdicts, fmt.Sprintf("%s at temperature %g", at.Verdict, at.Temperature))
		found[at.Verdict] = true
	}
	text := row.Claim + " is " + strings.Join(verdicts, " and ")
	if found[stats.Supported] && found[stats.Refuted] {
		return text + ": whether it holds depends on temperature."
	}
	return text + ". Where it is not decided nothing is shown, so this is no evidence of a difference."
}
