package words

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Mark is a verdict as a glyph, which says the same without colour.
func Mark(v stats.Verdict) string {
	marks := map[stats.Verdict]string{
		stats.Supported: "✓", stats.Refuted: "✗", model.NothingToJudge: "∅", model.NotAsAsked: "≠", model.NotTestable: "○",
	}
	return cmp.Or(marks[v], "?")
}

// Label is a verdict as it is shown everywhere: never without its mark, nor, if it means nothing,
// without saying so.
func Label(v stats.Verdict, machinery bool) string {
	text := Mark(v) + " " + string(v)
	if machinery {
		text += " (meaningless)"
	}
	return text
}

// Verdict is that on a claim with what qualifies it: whether what supports it is specific, or what it would be if no
// gate held it back.
func Verdict(c model.Claim) string {
	text := Label(c.Verdict, c.Machinery)
	switch {
	case c.Own != "":
		text += fmt.Sprintf(", by itself %s", c.Own)
	case c.Specific != nil:
		text += ", " + specificity(c.Specific)
	}
	return text
}

// Standing is the verdict on a claim, and that it is exploratory if it is.
func Standing(c model.Claim) string {
	if c.Confirms() || c.Verdict == model.NotTestable {
		return Verdict(c)
	}
	return Verdict(c) + " (exploratory)"
}

func specificity(x *model.Contrast) string {
	said := map[stats.Verdict]string{stats.Supported: "and specific", stats.Refuted: "not specific"}
	return cmp.Or(said[x.Alone], "specificity not settled")
}

// Role says in short how a claim stands to the plan.
func Role(c model.Claim) string {
	switch {
	case c.Role == bench.Exploratory:
		return "not in the plan"
	case c.Registration == model.Early:
		return string(c.Role) + ", but runs began before the plan"
	case c.Registration == model.Missing:
		return string(c.Role) + ", but the plan is not registered here"
	}
	return string(c.Role)
}

// RoleInFull says why a claim is confirmatory, or exploratory.
func RoleInFull(c model.Claim, r *model.Report) string {
	switch {
	case c.Verdict == model.NotTestable:
		return "counted apart: no verdict would mean anything here"
	case c.Role == bench.Exploratory:
		return fmt.Sprintf("exploratory, confirmed by no plan: judged once on %[2]s, at %[1]s in either direction, uncorrected", Confidence(c.Alpha), Seeds(c.Seeds))
	case c.Registration == model.Early:
		return fmt.Sprintf("exploratory here: %s claim of the plan, but some of its runs began before the plan was registered", c.Role)
	case c.Registration == model.Missing:
		return fmt.Sprintf("exploratory here: %s claim of the plan, but the plan is not registered in this registry; `%s` does that, before the runs", c.Role, Register(r))
	}
	if len(c.Runs) == 0 {
		return fmt.Sprintf("%s claim of the plan; it has no runs yet", c.Role)
	}
	return fmt.Sprintf("%s claim of the plan; all its runs began after the plan was registered", c.Role)
}

// Register is the command that registers the plan of a report's tier.
func Register(r *model.Report) string {
	program, _, _ := strings.Cut(r.Provenance.Command, " ")
	return fmt.Sprintf("%s plan --register --tier %s", cmp.Or(program, "cidbench"), r.Tier.ID)
}

// Draw is the command that draws the figures of a report again from what is stored, in a page that has other tiers beside
// it if there are some.
func Draw(r *model.Report, beside ...*model.Report) string {
	command := strings.Replace(cmp.Or(r.Provenance.Command, "cidbench verify --tier "+r.Tier.ID), " verify ", " report ", 1)
	for _, other := range beside {
		command += " --beside " + other.Tier.ID
	}
	return command + " --format html --output report.html"
}

// Seeds is "seeds 100 to 107".
func Seeds(s bench.Seeds) string {
	switch s.N {
	case 0:
		return "no seed"
	case 1:
		return fmt.Sprintf("seed %d", s.First)
	}
	return fmt.Sprintf("seeds %d to %d", s.First, s.First+uint64(s.N)-1)
}

// Look is "2 of 3", or nothing for a claim that no plan looks at.
func Look(c model.Claim) string {
	switch {
	case c.Looks == 0:
		return Absent
	case c.Look == 0:
		return fmt.Sprintf("none of %d", c.Looks)
	}
	return fmt.Sprintf("%d of %d", c.Look, c.Looks)
}

// Spent is what a claim of a plan has spent of its share of alpha.
func Spent(c model.Claim) string {
	if c.Looks == 0 {
		return Absent
	}
	return Alpha(c.Spent) + " of " + Alpha(c.Share)
}

// Alpha spells a one-sided level, or what was spent of one, to two digits.
func Alpha(a float64) string {
	if a == 0 {
		return "0"
	}
	text := strconv.FormatFloat(a, 'f', 1-int(math.Floor(math.Log10(a))), 64)
	return strings.TrimRight(text, "0")
}

// Judging says at which level a claim of a plan was judged, and when.
func Judging(c model.Claim) string {
	level := fmt.Sprintf("one-sided level %s in either direction", Alpha(c.Alpha))
	if c.Look == 0 {
		return "no look taken yet; the first will have " + level
	}
	return fmt.Sprintf("look %s, %s; alpha spent: %s", Look(c), level, Spent(c))
}

// Assay says whether the runs of a claim of no loss show the loss that is known.
func Assay(c model.Claim) string {
	x := c.Assay
	switch {
	case len(x.Obstacles) > 0:
		return "not judged: " + obstacles([]model.Contrast{*x})
	case x.Found == nil:
		return "not measured, so these runs are not known to show a loss"
	case x.Alone == stats.Supported:
		return "the same runs show a loss that is known: " + shown(*x)
	}
	return "the same runs do not show a loss that is known, so they support no claim of no loss: " + shown(*x)
}

// Specificity says whether what supports a claim is more than a control shows.
func Specificity(c model.Claim) string {
	x := c.Specific
	said := map[stats.Verdict]string{stats.Supported: "specific", stats.Refuted: "not specific"}
	text := cmp.Or(said[x.Alone], "not settled")
	switch {
	case len(x.Obstacles) > 0:
		return text + ", not judged: " + obstacles([]model.Contrast{*x})
	case x.Found == nil:
		return text + ", as nothing was measured"
	}
	return text + ": " + shown(*x)
}

func shown(x model.Contrast) string {
	text := fmt.Sprintf("%s, asks %s", measured(x), Asks(x))
	if x.P == nil {
		return text
	}
	return fmt.Sprintf("%s; p holds %s, fails %s", text, Holds(*x.P), Fails(*x.P))
}

// Need says what a verdict that was not reached would take.
func Need(c model.Claim) string {
	n := c.Need
	text := fmt.Sprintf("%s power would need %s if the effect is as observed", Confidence(n.Power), Count(n.Seeds, "seed"))
	if n.Seeds == 0 {
		text = "no number of seeds can be named that decides: " + n.Reason
	}
	if n.Bound == 0 {
		return text
	}
	bound := fmt.Sprintf("%.3g%% of the gain", 100*n.Bound)
	if len(c.AccuracyContrasts()) == 0 {
		bound = Fine(n.Bound)
	}
	return text + "; shown so far: the effect is smaller than " + bound + " either way"
}

// Tally counts claims by verdict, but those that are not testable.
func Tally(t model.Tally) string {
	text := fmt.Sprintf("%d supported, %d refuted, %d inconclusive", t.Supported, t.Refuted, t.Inconclusive)
	if t.NothingToJudge > 0 {
		text += fmt.Sprintf(", %d with nothing to judge", t.NothingToJudge)
	}
	if t.NotAsAsked > 0 {
		text += fmt.Sprintf(", %d not run as asked", t.NotAsAsked)
	}
	return text
}

// Tallies counts the claims that a plan confirms, those that are explored, and those that are not testable, each apart.
func Tallies(confirmed, explored model.Tally) (said []string) {
	if n := confirmed.Testable(); n > 0 {
		said = append(said, fmt.Sprintf("%s of the plan: %s.", Count(n, "claim"), Tally(confirmed)))
	}
	if n := explored.Testable(); n > 0 {
		said = append(said, fmt.Sprintf("%s, none of them confirmed: %s.", Count(n, "exploratory claim"), Tally(explored)))
	}
	if n := confirmed.NotTestable + explored.NotTestable; n > 0 {
		said = append(said, fmt.Sprintf("%s not testable here, counted apart.", Count(n, "claim")))
	}
	return said
}
