package words

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cidbench/cidbench/report/model"
)

// Closing says what came out, to close a long text with: a line for each claim, and one for all. In a tier that checks
// the machinery that is whether it works.
func Closing(r *model.Report) (lines []string) {
	t := r.Tier
	switch {
	case t.Machinery && r.ExitCode() == model.ExitSupported:
		return []string{
			fmt.Sprintf("PASS: the machinery works: %s trained and probed, %s judged.", Count(t.RunsPresent, "run"), Count(len(r.Claims), "claim")),
			fmt.Sprintf("What the verdicts of tier %s are says nothing about the paper.", t.ID),
		}
	case t.Machinery:
		return []string{fmt.Sprintf("FAIL: tier %s checks the machinery, and of its runs %d are complete, %d failed, %d are missing.", t.ID, t.RunsPresent, t.RunsFailed, t.RunsMissing)}
	}
	verdict, id := 0, 0 // widths
	for _, c := range r.Claims {
		verdict, id = max(verdict, utf8.RuneCountInString(Label(c.Verdict, false))), max(id, len(c.ID))
	}
	for _, c := range r.Claims {
		line := fmt.Sprintf("%-*s  %-*s", verdict, Label(c.Verdict, false), id, c.ID)
		if x := c.Contrasts; len(x) > 0 && x[0].Found != nil {
			line += fmt.Sprintf("  %s, asks %s, %s", Found(x[0]), Asks(x[0]), Count(x[0].N, "seed"))
			if len(x) > 1 {
				line += ", and more"
			}
			if !c.Confirms() {
				line += "; exploratory"
			}
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return append(lines, Tallies(r.Confirmed, r.Explored)...)
}
