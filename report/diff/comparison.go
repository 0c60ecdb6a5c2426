// Package diff sets two reports side by side.
package diff

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// ComparisonSchema and ComparisonVersion identify the JSON of a Comparison, as Schema and Version do that of a Report.
const (
	ComparisonSchema  = "cidbench-comparison"
	ComparisonVersion = 2
)

// Comparison sets two reports on the same claims side by side, A and B: two registries, or what two versions
// of the code computed.
type Comparison struct {
	Schema  string     `json:"schema"`
	Version int        `json:"version"`
	Alpha   float64    `json:"alpha"` // at which a change counts as beyond noise, over all contrasts (or arms) together
	Level   float64    `json:"level"` // of the intervals of changes
	Tier    model.Tier `json:"tier"`  // as of A; the runs counted in it are A's
	A       Side       `json:"a"`
	B       Side       `json:"b"`
	// Shared is the number of runs that are the same on both sides, Equal that of cells, shared or not, whose
	// accuracies are; Both is that of the cells complete on both.
	Shared int `json:"shared"`
	Equal  int `json:"equal"`
	Both   int `json:"both"`
	// Verdicts counts the claims that are judged differently, Moved and Compared contrasts, each once.
	Verdicts   int              `json:"verdictsChanged"`
	Moved      int              `json:"contrastsMoved"`
	Compared   int              `json:"contrastsCompared"`
	Claims     []ClaimChange    `json:"claims"`
	Arms       []ArmChange      `json:"arms"`
	Provenance []ProvenancePair `json:"provenance"`
	// OnlyA and OnlyB say what is complete on one side alone.
	OnlyA []string `json:"onlyA"`
	OnlyB []string `json:"onlyB"`
}

// Side is one of the two.
type Side struct {
	Name        string      `json:"name"`
	Confirmed   model.Tally `json:"confirmed"`
	Explored    model.Tally `json:"explored"`
	RunsPresent int         `json:"runsComplete"`
	RunsFailed  int         `json:"runsFailed"`
	RunsMissing int         `json:"runsMissing"`
}

// ClaimChange is one claim on both sides.
type ClaimChange struct {
	ID          string           `json:"id"`
	Temperature float64          `json:"temperature"`
	A           Judged           `json:"a"`
	B           Judged           `json:"b"`
	Contrasts   []ContrastChange `json:"contrasts"`
}

// Judged is the verdict on a claim, and whether it is that of a plan that was registered before the runs.
type Judged struct {
	Verdict  stats.Verdict `json:"verdict"`
	Confirms bool          `json:"confirms"`
}

// ContrastChange is one contrast on both sides, or one observation. A and B are what decided, shares of the gain or in
// the statistic's unit; Change is in points, or in that unit.
type ContrastChange struct {
	Contrast  string          `json:"contrast"`
	Statistic string          `json:"statistic,omitempty"` // of an observation
	A         *model.Estimate `json:"a,omitempty"`
	B         *model.Estimate `json:"b,omitempty"`
	NA        int             `json:"nA"` // pairs
	NB        int             `json:"nB"`
	Change    *Change         `json:"change,omitempty"`
}

// ArmChange is the mean accuracy of an arm on both sides, in points.
type ArmChange struct {
	ID          string   `json:"id"`
	Temperature float64  `json:"temperature"`
	Trained     bool     `json:"trained"`
	A           *float64 `json:"a,omitempty"`
	B           *float64 `json:"b,omitempty"`
	NA          int      `json:"nA"` // runs
	NB          int      `json:"nB"`
	Change      *Change  `json:"change,omitempty"`
}

// Change is B - A, the sides taken as independent.
type Change struct {
	stats.Change
	Noise bool `json:"withinNoise"` // its p value, times the number of changes, is no less than alpha
}

// ProvenancePair is a fact about where the runs come from.
type ProvenancePair struct {
	Name string   `json:"name"`
	A    []string `json:"a"`
	B    []string `json:"b"`
	Same bool     `json:"same"`
}

// Document lays out a comparison.
func Document(c *Comparison) layout.Document {
	return layout.Document{
		{ID: "top", Level: 1, Title: "Two sets of runs, side by side", Blocks: []layout.Block{
			layout.Alert(words.Caveat(c.Tier)),
			layout.Facts{{Name: "A", Text: sideInWords(c.A)}, {Name: "B", Text: sideInWords(c.B)}},
			layout.Paragraph(fmt.Sprintf("Of %s, %d have another verdict in B than in A. Of %s measured on both sides, %d moved beyond noise. "+
				"%s complete on both sides: %d are the same run, %d have equal accuracies.",
				words.Count(len(c.Claims), "claim"), c.Verdicts, words.Count(c.Compared, "contrast"), c.Moved, words.Count(c.Both, "cell"), c.Shared, c.Equal)),
			claimChanges(c)}},
		{ID: "arms", Level: 2, Title: "Arms", Blocks: []layout.Block{armChanges(c)}},
		{ID: "provenance", Level: 2, Title: "Where the runs come from", Blocks: []layout.Block{provenanceTable(c)}},
		{ID: "only", Level: 2, Title: "On one side only", Blocks: []layout.Block{oneSided(c)}},
		{ID: "method", Level: 2, Title: "How to read this", Blocks: []layout.Block{layout.List{
			"Both sides are judged by the same definitions, those of the program that writes this, as in a report: claims of a plan at its looks, exploratory ones uncorrected.",
			fmt.Sprintf("A change is B - A of two estimates that are taken as independent, with a %.0f%% interval (Welch). Sides that share runs, or seeds, vary together: "+
				"then the interval is wider than it need be, and a change harder to show.", 100*c.Level),
			fmt.Sprintf("Beyond noise: p times the number of contrasts, or arms, in the table is below %g (Bonferroni). "+
				"A verdict may change within noise, since it depends on which side of a margin an interval lies.", c.Alpha),
		}}},
	}
}

func sideInWords(s Side) string {
	return fmt.Sprintf("%s: %s %s complete, %d failed or unusable, %d not run",
		s.Name, strings.Join(words.Tallies(s.Confirmed, s.Explored), " "), words.Count(s.RunsPresent, "run"), s.RunsFailed, s.RunsMissing)
}

type changeOf = layout.Member[ClaimChange, ContrastChange]

func claimChanges(c *Comparison) *layout.Table {
	all := layout.Members(c.Claims, func(claim *ClaimChange) []ContrastChange { return claim.Contrasts })
	once := layout.Once[ClaimChange, ContrastChange]
	verdict := func(j Judged) string {
		text := words.Label(j.Verdict, c.Tier.Machinery)
		if !j.Confirms && j.Verdict != model.NotTestable {
			text += " (exploratory)"
		}
		return text
	}
	return layout.Tabulate(fmt.Sprintf("Claims. A and B: shares of the gain, or a statistic in its own unit, with the intervals that decided. Change: in points, or in that unit, with %.0f%% intervals.", 100*c.Level), all,
		layout.Text("Claim", once(func(claim ClaimChange) string { return claim.ID })),
		layout.Text("Verdict of A", once(func(claim ClaimChange) string { return verdict(claim.A) })),
		layout.Text("Verdict of B", once(func(claim ClaimChange) string { return verdict(claim.B) })),
		layout.Text("Contrast", func(x changeOf) string { return x.Of.Contrast }),
		layout.Text("A", func(x changeOf) string { return found(x.Of.Statistic, x.Of.A) }),
		layout.Text("B", func(x changeOf) string { return found(x.Of.Statistic, x.Of.B) }),
		layout.Text("Change", func(x changeOf) string { return spellChange(x.Of.Statistic, x.Of.Change) }),
		layout.Text("Noise", func(x changeOf) string { return noise(x.Of.Change) }))
}

func armChanges(c *Comparison) *layout.Table {
	return layout.Tabulate("Mean accuracy by arm, in points. T is the temperature.", c.Arms,
		layout.Text("Arm", func(a ArmChange) string { return a.ID }),
		layout.Number("T", func(a ArmChange) string {
			if !a.Trained {
				return words.Absent
			}
			return fmt.Sprintf("%g", a.Temperature)
		}),
		layout.Number("Runs of A", func(a ArmChange) string { return fmt.Sprint(a.NA) }),
		layout.Number("Runs of B", func(a ArmChange) string { return fmt.Sprint(a.NB) }),
		layout.Number("A", func(a ArmChange) string { return words.Maybe(a.A, words.Plain) }),
		layout.Number("B", func(a ArmChange) string { return words.Maybe(a.B, words.Plain) }),
		layout.Text("Change", func(a ArmChange) string { return spellChange("", a.Change) }),
		layout.Text("Noise", func(a ArmChange) string { return noise(a.Change) }))
}

func provenanceTable(c *Comparison) *layout.Table {
	return layout.Tabulate("Provenance of the runs of both sides.", c.Provenance,
		layout.Text("What", func(p ProvenancePair) string { return p.Name }),
		layout.Text("A", func(p ProvenancePair) string { return words.OrNone(strings.Join(p.A, "; ")) }),
		layout.Text("B", func(p ProvenancePair) string { return words.OrNone(strings.Join(p.B, "; ")) }),
		layout.Text("", func(p ProvenancePair) string {
			if p.Same {
				return "same"
			}
			return "differs"
		}))
}

// oneSided lists what is complete on one side alone.
func oneSided(c *Comparison) layout.Block {
	var all [][2]string
	for _, what := range c.OnlyA {
		all = append(all, [2]string{"A", what})
	}
	for _, what := range c.OnlyB {
		all = append(all, [2]string{"B", what})
	}
	if len(all) == 0 {
		return layout.Paragraph("Nothing: both sides have the same cells.")
	}
	return layout.Tabulate("What is complete on one side and not on the other.", all,
		layout.Text("Side", func(x [2]string) string { return x[0] }),
		layout.Text("What", func(x [2]string) string { return x[1] }))
}

// found spells an estimate as a report does.
func found(statistic string, e *model.Estimate) string {
	return words.Found(model.Contrast{Statistic: statistic, Found: e})
}

func spellChange(statistic string, c *Change) string {
	return words.Maybe(c, func(c Change) string {
		spell := func(v float64) string { return words.Difference(model.Contrast{Statistic: statistic}, v) }
		return fmt.Sprintf("%s (%s to %s)", spell(c.Estimate), spell(c.Low), spell(c.High))
	})
}

func noise(c *Change) string {
	switch {
	case c == nil:
		return words.Absent
	case c.Noise:
		return "within"
	}
	return "beyond"
}
