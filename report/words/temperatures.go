package words

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Differs says what follows from verdicts that are not the same: only where a claim is shown to hold at one
// temperature and shown to fail at another does it depend on temperature.
func Differs(row model.Across) string {
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
