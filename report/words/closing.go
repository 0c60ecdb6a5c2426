package words

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
)

// Closing says what came out, to close a text with: a line for each claim, which says why where nothing was judged. In a
// tier that checks the machinery it is whether that works, and what is missing if it does not.
func Closing(r *model.Report) (lines []string) {
	t := r.Tier
	if t.Machinery && r.ExitCode() == model.ExitSupported {
		return []string{
			fmt.Sprintf("PASS: the machinery works: %s trained and probed, %s judged.", Count(t.RunsPresent, "run"), Count(len(r.Claims), "claim")),
			fmt.Sprintf("What the verdicts of tier %s are says nothing about the paper.", t.ID),
		}
	}
	for _, c := range r.Claims {
		line := Label(c.Verdict, false) + " " + c.ID
		switch x := c.Contrasts; {
		case c.Verdict == model.NothingToJudge || c.Verdict == model.NotAsAsked:
			line += ": " + c.Reason
		case t.Machinery: // that it was judged is all there is to say
			continue
		case len(x) > 0 && x[0].Found != nil:
			line += fmt.Sprintf(" %s, asks %s, %s", Found(x[0]), Asks(x[0]), Count(x[0].N, "seed"))
			if len(x) > 1 {
				line += ", and more"
			}
			if !c.Confirms() {
				line += "; exploratory"
			}
		}
		lines = append(lines, line)
	}
	if t.Night != "" {
		lines = append(lines, fmt.Sprintf("These are the runs of the night %s, which is judged by itself and confirms nothing.", t.Night))
	}
	if t.Machinery {
		lines = append(lines, fmt.Sprintf("FAIL: tier %s checks the machinery, and of its runs %d are complete, %d failed, %d are missing.", t.ID, t.RunsPresent, t.RunsFailed, t.RunsMissing))
	}
	return lines
}
