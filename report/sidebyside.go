package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// ComparisonSchema identifies the JSON of a Comparison, as Schema does that of a Report.
const ComparisonSchema = "cidbench-comparison"

// Comparison sets two reports on the same claims side by side, A and B: two registries, or what two versions
// of the code computed.
type Comparison struct {
	Schema  string  `json:"schema"`
	Version int     `json:"version"`
	Alpha   float64 `json:"alpha"` // at which a change counts as beyond noise, over all contrasts (or arms) together
	Level   float64 `json:"level"` // of the intervals of changes
	// EstimateLevel is that of the intervals of estimates, as in a report.
	EstimateLevel float64 `json:"estimateLevel"`
	Tier          Tier    `json:"tier"` // as of A; the runs counted in it are A's
	A             Side    `json:"a"`
	B             Side    `json:"b"`
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
	Name        string `json:"name"`
	Tally       Tally  `json:"tally"`
	RunsPresent int    `json:"runsComplete"`
	RunsFailed  int    `json:"runsFailed"`
	RunsMissing int    `json:"runsMissing"`
}

// ClaimChange is one claim on both sides.
type ClaimChange struct {
	ID          string           `json:"id"`
	Temperature float64          `json:"temperature"`
	A           stats.Verdict    `json:"a"`
	B           stats.Verdict    `json:"b"`
	Contrasts   []ContrastChange `json:"contrasts"`
}

// ContrastChange is one contrast on both sides, or one observation.
type ContrastChange struct {
	Contrast  string      `json:"contrast"`
	Statistic string      `json:"statistic,omitempty"` // of an observation
	A         *Difference `json:"a,omitempty"`
	B         *Difference `json:"b,omitempty"`
	NA        int         `json:"nA"` // pairs
	NB        int         `json:"nB"`
	Change    *Change     `json:"change,omitempty"`
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

// Change is B - A with its interval, the sides taken as independent.
type Change struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	// P is two-sided; Noise says that after Holm's correction it is no less than alpha.
	P     float64 `json:"p"`
	Noise bool    `json:"withinNoise"`
}

// ProvenancePair is a fact about where the runs come from.
type ProvenancePair struct {
	Name string   `json:"name"`
	A    []string `json:"a"`
	B    []string `json:"b"`
	Same bool     `json:"same"`
}

// Compare sets two reports side by side; each has a name for its reader. They must be on the same tier and
// claims, so that what differs is the runs.
func Compare(nameA string, a *Report, nameB string, b *Report) (*Comparison, error) {
	if a.Tier.ID != b.Tier.ID || len(a.Claims) != len(b.Claims) || a.Tier.Seeds != b.Tier.Seeds {
		return nil, fmt.Errorf("report: tier %s with %d claims is not compared with tier %s with %d", a.Tier.ID, len(a.Claims), b.Tier.ID, len(b.Claims))
	}
	c := &Comparison{
		Schema: ComparisonSchema, Version: Version, Alpha: TotalAlpha, Level: 1 - TotalAlpha, EstimateLevel: a.Level, Tier: a.Tier,
		A: newSide(nameA, a), B: newSide(nameB, b), Provenance: provenancePairs(a, b), OnlyA: onlyIn(a, b), OnlyB: onlyIn(b, a),
		Claims: []ClaimChange{}, Arms: []ArmChange{},
	}
	c.count(a, b)
	if err := c.claims(a, b); err != nil {
		return nil, err
	}
	return c, c.arms(a, b)
}

func newSide(name string, r *Report) Side {
	return Side{Name: name, Tally: r.Tally, RunsPresent: r.Tier.RunsPresent, RunsFailed: r.Tier.RunsFailed, RunsMissing: r.Tier.RunsMissing}
}

// rows yields the complete cells of a report by their place in the matrix.
func rows(r *Report) map[place]RunRow {
	all := map[place]RunRow{}
	for _, arm := range r.Arms {
		for _, row := range arm.Runs {
			if row.Status == Complete {
				all[place{arm.ID, arm.Temperature, row.Seed}] = row
			}
		}
	}
	return all
}

func (c *Comparison) count(a, b *Report) {
	other := rows(b)
	for at, row := range rows(a) {
		match, ok := other[at]
		if !ok {
			continue
		}
		c.Both++
		if row.Run == match.Run && row.Result == match.Result {
			c.Shared++
		}
		if *row.Correct == *match.Correct {
			c.Equal++
		}
	}
}

func (c *Comparison) claims(a, b *Report) error {
	var changes []*Change
	seen := map[string]*Change{} // claims share contrasts: each is one test
	for i, left := range a.Claims {
		right := b.Claims[i]
		if left.ID != right.ID || len(left.Contrasts) != len(right.Contrasts) {
			return fmt.Errorf("report: claim %s is not compared with %s", left.ID, right.ID)
		}
		claim := ClaimChange{ID: left.ID, Temperature: left.Temperature, A: left.Verdict, B: right.Verdict}
		if left.Verdict != right.Verdict {
			c.Verdicts++
		}
		for j, x := range left.Contrasts {
			y := right.Contrasts[j]
			out := ContrastChange{Contrast: against(x), Statistic: x.Statistic, A: x.Difference, B: y.Difference, NA: x.N, NB: y.N}
			key := fmt.Sprint(out.Contrast, left.Temperature)
			if out.Change = seen[key]; out.Change == nil && x.Difference != nil && y.Difference != nil {
				change, err := newChange(sample(x), sample(y))
				if err != nil {
					return fmt.Errorf("report: %s of %s: %w", out.Contrast, left.ID, err)
				}
				out.Change, seen[key] = change, change
				changes = append(changes, change)
			}
			claim.Contrasts = append(claim.Contrasts, out)
		}
		c.Claims = append(c.Claims, claim)
	}
	if err := tellNoise(changes); err != nil {
		return err
	}
	c.Compared = len(changes)
	for _, change := range changes {
		if !change.Noise {
			c.Moved++
		}
	}
	return nil
}

func sample(x Contrast) stats.Difference {
	return stats.Difference{N: x.N, Estimate: x.Difference.Estimate, SE: x.Difference.SE, DF: float64(x.N - 1)}
}

func (c *Comparison) arms(a, b *Report) error {
	var changes []*Change
	for _, left := range a.Arms {
		i := slices.IndexFunc(b.Arms, func(x Arm) bool { return x.ID == left.ID && x.Temperature == left.Temperature })
		if i < 0 {
			return fmt.Errorf("report: arm %s is on one side only", left.ID)
		}
		right := b.Arms[i]
		out := ArmChange{
			ID: left.ID, Temperature: left.Temperature, Trained: left.Features == bench.Trained,
			A: left.Mean, B: right.Mean, NA: left.N, NB: right.N,
		}
		if left.SD != nil && right.SD != nil {
			change, err := newChange(armSample(left), armSample(right))
			if err != nil {
				return fmt.Errorf("report: arm %s: %w", left.ID, err)
			}
			out.Change = change
			changes = append(changes, change)
		}
		c.Arms = append(c.Arms, out)
	}
	return tellNoise(changes)
}

func armSample(a Arm) stats.Difference {
	return stats.Difference{N: a.N, Estimate: *a.Mean, SE: *a.SD / math.Sqrt(float64(a.N)), DF: float64(a.N - 1)}
}

func newChange(before, after stats.Difference) (*Change, error) {
	d, err := stats.NewChange(before, after, 1-TotalAlpha)
	if err != nil {
		return nil, err
	}
	return &Change{Estimate: d.Estimate, Low: d.Interval.Low, High: d.Interval.High, P: d.P}, nil
}

// tellNoise corrects for having looked at all changes: one in twenty falls out of its interval by chance.
func tellNoise(changes []*Change) error {
	var p []float64
	for _, c := range changes {
		p = append(p, c.P)
	}
	p, err := stats.Holm(p)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for i, c := range changes {
		c.Noise = p[i] >= TotalAlpha
	}
	return nil
}

// provenancePairs lists where the runs of two reports come from, whether it differs or not.
func provenancePairs(a, b *Report) (pairs []ProvenancePair) {
	for _, fact := range []struct {
		name string
		of   func(*Report) []string
	}{
		{"Evidence digest", func(r *Report) []string { return []string{string(r.Provenance.Evidence)} }},
		{"Code digest", func(r *Report) []string { return digests(r, false) }},
		{"Code digest of analyses", func(r *Report) []string { return digests(r, true) }},
		{"Commit", func(r *Report) []string {
			return distinct(r.Provenance.Sources, func(c Commit) string {
				if c.Dirty {
					return orNone(c.Commit) + ", source changed since"
				}
				return orNone(c.Commit)
			})
		}},
		{"Tool", func(r *Report) []string {
			return distinct(r.Provenance.Sources, func(c Commit) string { return c.Tool })
		}},
		{"Machine", func(r *Report) []string {
			return distinct(r.Provenance.Machines, func(m Machine) string {
				return fmt.Sprintf("%s, %s, %s/%s", orUnknown(m.CPU), count(m.Cores, "core"), m.OS, m.Arch)
			})
		}},
		{"Go", func(r *Report) []string {
			return distinct(r.Provenance.Machines, func(m Machine) string { return m.Go })
		}},
		{"Backend", func(r *Report) []string {
			return distinct(r.Provenance.Machines, func(m Machine) string { return m.Backend })
		}},
		{"Seeds complete", func(r *Report) []string {
			var seeds []uint64
			for at := range rows(r) {
				seeds = append(seeds, at.seed)
			}
			slices.Sort(seeds)
			return distinct(slices.Compact(seeds), func(seed uint64) string { return fmt.Sprint(seed) })
		}},
	} {
		left, right := fact.of(a), fact.of(b)
		pairs = append(pairs, ProvenancePair{Name: fact.name, A: left, B: right, Same: slices.Equal(left, right)})
	}
	return pairs
}

// digests lists the code that computed runs or, instead, analyses.
func digests(r *Report, analyses bool) (all []string) {
	for _, c := range r.Provenance.Code {
		if c.Analyses == analyses {
			all = append(all, c.Digest)
		}
	}
	return all
}

// distinct spells each of the elements once, in their order.
func distinct[T any](all []T, spell func(T) string) []string {
	out := []string{}
	for _, x := range all {
		if s := spell(x); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// onlyIn lists what a report has and the other lacks.
func onlyIn(r, other *Report) []string {
	out := []string{}
	has := rows(other)
	for _, arm := range r.Arms {
		var seeds []string
		for _, row := range arm.Runs {
			if _, both := has[place{arm.ID, arm.Temperature, row.Seed}]; row.Status == Complete && !both {
				seeds = append(seeds, fmt.Sprint(row.Seed))
			}
		}
		if len(seeds) > 0 {
			out = append(out, fmt.Sprintf("runs of %s at temperature %g, seeds %s", arm.ID, arm.Temperature, strings.Join(seeds, ", ")))
		}
	}
	for _, x := range r.Analyses {
		same := func(y Analysis) bool { return y.Arm == x.Arm && y.Temperature == x.Temperature && y.Step == x.Step }
		if !slices.ContainsFunc(other.Analyses, same) {
			out = append(out, fmt.Sprintf("analyses of %s at temperature %g after step %d", x.Arm, x.Temperature, x.Step))
		}
	}
	for _, x := range r.Sweeps {
		if !slices.ContainsFunc(other.Sweeps, func(y Sweep) bool { return y.ID == x.ID }) {
			out = append(out, fmt.Sprintf("the sweep %s", x.ID))
		}
	}
	return out
}

// comparisonFormats has the writers of comparisons by name, in the order in which help shows them.
var comparisonFormats = []string{"text", "md", "html", "json"}

// ComparisonFormats lists the names that WriteComparison knows.
func ComparisonFormats() []string { return comparisonFormats }

// WriteComparison writes a comparison in one of ComparisonFormats; the options are for text. The same
// comparison gives the same bytes.
func WriteComparison(w io.Writer, c *Comparison, format string, o TextOptions) error {
	switch format {
	case "text":
		return writeText(w, layoutComparison(c), o)
	case "md":
		return writeMarkdown(w, layoutComparison(c))
	case "html":
		return writeHTML(w, c.Tier.ID+", side by side", layoutComparison(c))
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(c)
	}
	return fmt.Errorf("unknown format %q of a comparison: choose one of %s", format, strings.Join(comparisonFormats, ", "))
}

func layoutComparison(c *Comparison) document {
	top := section{ID: "top", Level: 1, Title: "Two sets of runs, side by side"}
	warning := fmt.Sprintf("Tier %s (%s): %s", c.Tier.ID, c.Tier.Title, c.Tier.Caveat)
	if c.Tier.Machinery {
		warning = machineryOnly + warning
	}
	top.Blocks = []block{
		{Alert: warning},
		{Facts: []fact{{Name: "A", Text: sideInWords(c.A)}, {Name: "B", Text: sideInWords(c.B)}}},
		{Text: fmt.Sprintf("Of %s, %d have another verdict in B than in A. Of %s measured on both sides, %d moved beyond noise. "+
			"%s complete on both sides: %d are the same run, %d have equal accuracies.",
			count(len(c.Claims), "claim"), c.Verdicts, count(c.Compared, "contrast"), c.Moved, count(c.Both, "cell"), c.Shared, c.Equal)},
		{Table: claimChanges(c)},
	}
	d := document{top, {ID: "arms", Level: 2, Title: "Arms", Blocks: []block{{Table: armChanges(c)}}}}
	d = append(d, section{ID: "provenance", Level: 2, Title: "Where the runs come from", Blocks: []block{{Table: provenanceTable(c)}}})
	only := section{ID: "only", Level: 2, Title: "On one side only", Blocks: []block{{Text: "Nothing: both sides have the same cells."}}}
	if len(c.OnlyA)+len(c.OnlyB) > 0 {
		t := &table{Caption: "What is complete on one side and not on the other.", Head: []string{"Side", "What"}, Numbers: []bool{false, false}}
		for _, what := range c.OnlyA {
			t.Rows = append(t.Rows, []string{"A", what})
		}
		for _, what := range c.OnlyB {
			t.Rows = append(t.Rows, []string{"B", what})
		}
		only.Blocks = []block{{Table: t}}
	}
	d = append(d, only)
	return append(d, section{ID: "method", Level: 2, Title: "How to read this", Blocks: []block{{List: []string{
		"Both sides are judged by the same definitions, those of the program that writes this, each corrected for its own claims as in a report.",
		fmt.Sprintf("A change is B - A of two estimates that are taken as independent, with a %.0f%% interval (Welch). Sides that share runs, or seeds, vary together: "+
			"then the interval is wider than it need be, and a change harder to show.", 100*c.Level),
		fmt.Sprintf("Beyond noise: p below %g after Holm's correction for all contrasts, or all arms, of the table. "+
			"A verdict may change within noise, since it depends on which side of a margin an interval lies.", c.Alpha),
	}}}})
}

const machineryOnly = "This only shows that the machinery works: its verdicts mean nothing for science. "

func sideInWords(s Side) string {
	return fmt.Sprintf("%s: %d supported, %d refuted, %d inconclusive, %d with nothing to judge; %s complete, %d failed or unusable, %d not run",
		s.Name, s.Tally.Supported, s.Tally.Refuted, s.Tally.Inconclusive, s.Tally.NothingToJudge, count(s.RunsPresent, "run"), s.RunsFailed, s.RunsMissing)
}

func claimChanges(c *Comparison) *table {
	t := &table{
		Caption: fmt.Sprintf("Claims. Estimates in points, or of a statistic beyond chance in its own unit, with %.0f%% intervals; changes with %.0f%% intervals.", 100*c.EstimateLevel, 100*c.Level),
		Head:    []string{"Claim", "Verdict of A", "Verdict of B", "Contrast", "A", "B", "Change", "Noise"},
		Numbers: make([]bool, 8),
	}
	for _, claim := range c.Claims {
		for i, x := range claim.Contrasts {
			row := []string{"", "", "", x.Contrast, spellEstimate(x.Statistic, x.A), spellEstimate(x.Statistic, x.B), spellChange(x.Statistic, x.Change), noise(x.Change)}
			if i == 0 {
				row[0], row[1], row[2] = claim.ID, label(claim.A, c.Tier.Machinery), label(claim.B, c.Tier.Machinery)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func armChanges(c *Comparison) *table {
	t := &table{
		Caption: "Mean accuracy by arm, in points. T is the temperature.",
		Head:    []string{"Arm", "T", "Runs of A", "Runs of B", "A", "B", "Change", "Noise"},
		Numbers: []bool{false, true, true, true, true, true, false, false},
	}
	for _, a := range c.Arms {
		at := absent
		if a.Trained {
			at = fmt.Sprintf("%g", a.Temperature)
		}
		t.Rows = append(t.Rows, []string{a.ID, at, fmt.Sprint(a.NA), fmt.Sprint(a.NB), maybe(a.A), maybe(a.B), spellChange("", a.Change), noise(a.Change)})
	}
	return t
}

func provenanceTable(c *Comparison) *table {
	t := &table{
		Caption: "Provenance of the runs of both sides.",
		Head:    []string{"What", "A", "B", ""},
		Numbers: make([]bool, 4),
	}
	for _, p := range c.Provenance {
		verdict := "differs"
		if p.Same {
			verdict = "same"
		}
		t.Rows = append(t.Rows, []string{p.Name, orNone(strings.Join(p.A, "; ")), orNone(strings.Join(p.B, "; ")), verdict})
	}
	return t
}

func spellEstimate(statistic string, d *Difference) string {
	if d == nil {
		return "no interval"
	}
	return spellInterval(statistic, d.Estimate, d.Low, d.High)
}

func spellChange(statistic string, c *Change) string {
	if c == nil {
		return absent
	}
	return spellInterval(statistic, c.Estimate, c.Low, c.High)
}

// spellInterval spells points, or a statistic in its unit, whose differences show in later digits.
func spellInterval(statistic string, estimate, low, high float64) string {
	spell := signed
	if statistic != "" {
		spell = func(v float64) string { return unsignZero(fmt.Sprintf("%+.4f", v)) }
	}
	return fmt.Sprintf("%s (%s to %s)", spell(estimate), spell(low), spell(high))
}

func noise(c *Change) string {
	switch {
	case c == nil:
		return absent
	case c.Noise:
		return "within"
	}
	return "beyond"
}
