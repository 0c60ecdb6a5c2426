package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/stats"
)

// A document is a report laid out for reading: sections of blocks, every number spelled. The writers of
// text, Markdown and HTML differ only in how they draw it.
type document []section

type section struct {
	ID     string // for links; unique
	Level  int    // of the heading, 1 to 3
	Title  string
	Blocks []block
}

// A block has exactly one kind of content.
type block struct {
	Alert  string // must not be overlooked
	Text   string
	Quote  string
	Facts  []fact
	List   []string // numbered from 1
	Table  *table
	Figure *figure // drawn in HTML only; a table says the same in numbers
	// Detail is the title under which the block is folded away; terminals leave it out.
	Detail string
	// Wide blocks repeat with more columns what stands elsewhere; terminals leave them out too.
	Wide bool
}

type fact struct {
	Name, Text string
	Code       bool // to be copied literally
}

type table struct {
	Caption string
	Head    []string
	Numbers []bool // by column; these are aligned right
	Rows    [][]string
	Links   []string // by row: the section that the first column points to; may be nil
}

// mark is a verdict as a glyph, which says the same without colour.
func mark(v stats.Verdict) string {
	switch v {
	case stats.Supported:
		return "✓"
	case stats.Refuted:
		return "✗"
	case NothingToJudge:
		return "∅"
	}
	return "?"
}

// label is a verdict as it is shown everywhere: never without its mark, nor, if it means nothing,
// without saying so.
func label(v stats.Verdict, machinery bool) string {
	text := mark(v) + " " + string(v)
	if machinery {
		text += " (meaningless)"
	}
	return text
}

func layout(r *Report) document {
	d := document{overview(r), {ID: "claims", Level: 2, Title: "Claims"}}
	for i := range r.Claims {
		d = append(d, claimSection(r, &r.Claims[i]))
	}
	d = append(d, armsSection(r), bandsSection(r), provenanceSection(r), methodSection(r))
	if len(r.Notes) > 0 {
		d = append(d, section{ID: "notes", Level: 2, Title: "Notes", Blocks: []block{{List: r.Notes}}})
	}
	return d
}

func overview(r *Report) section {
	t := r.Tier
	s := section{ID: "top", Level: 1, Title: "Are all negatives created equal? The claims, tested"}
	warning := fmt.Sprintf("Tier %s (%s): %s", t.ID, t.Title, t.Caveat)
	if t.Machinery {
		warning = "This only shows that the machinery works: its verdicts mean nothing for science. " + warning
	}
	s.Blocks = append(s.Blocks, block{Alert: warning}, block{Text: tallyInWords(r)})
	if missing := t.RunsMissing + t.RunsFailed; missing > 0 {
		s.Blocks = append(s.Blocks, block{Text: fmt.Sprintf("%s complete, %d failed or unusable, %d not run.",
			count(t.RunsPresent, "run"), t.RunsFailed, t.RunsMissing)})
	}
	verdicts := &table{
		Caption: fmt.Sprintf("Verdicts. Differences of accuracy in points, with %.0f%% intervals; p values corrected for %s.", 100*Level, count(r.Family, "claim")),
		Head:    []string{"Claim", "Verdict", "Contrast", "Asks", "Found", "Seeds", "p holds", "p fails", "Source", "Notes"},
		Numbers: []bool{false, false, false, false, false, true, true, true, false, false},
	}
	for _, c := range r.Claims {
		for i, x := range c.Contrasts {
			row := []string{"", "", against(x), asks(x), found(x), fmt.Sprint(x.N), "", "", "", ""}
			if i == 0 {
				row[0], row[1] = c.ID, label(c.Verdict, c.Machinery)
				row[6], row[7] = evidenceIn(&c, c.Corrected)
				row[8], row[9] = sourceInShort(c.Source), references(c.Notes)
			}
			verdicts.Rows = append(verdicts.Rows, row)
			verdicts.Links = append(verdicts.Links, "claim-"+c.ID)
		}
	}
	s.Blocks = append(s.Blocks, block{Table: verdicts})
	if f := forest("forest", "Differences of accuracy by contrast", r.Claims); f != nil {
		s.Blocks = append(s.Blocks, block{Figure: f})
	}
	return s
}

func tallyInWords(r *Report) string {
	t := r.Tally
	text := fmt.Sprintf("%s: %d supported, %d refuted, %d inconclusive, %d with nothing to judge; %s each.",
		count(len(r.Claims), "claim"), t.Supported, t.Refuted, t.Inconclusive, t.NothingToJudge, count(r.Tier.Seeds, "seed"))
	if r.Tier.Machinery {
		text += " None of these verdicts means anything for science."
	}
	return text
}

// asks is what a contrast says of its difference.
func asks(x Contrast) string {
	if len(x.Bounds) == 2 {
		return "within " + plain(x.Margin)
	}
	return "above " + margin(x)
}

func found(x Contrast) string {
	if x.Difference == nil {
		return "no interval"
	}
	return fmt.Sprintf("%s (%s to %s)", signed(x.Difference.Estimate), signed(x.Difference.Low), signed(x.Difference.High))
}

func sourceInShort(s Source) string {
	if s.Verified {
		return "paper"
	}
	return "notes"
}

func references(notes []int) string {
	var all []string
	for _, n := range notes {
		all = append(all, fmt.Sprintf("[%d]", n))
	}
	return strings.Join(all, " ")
}

func claimSection(r *Report, c *Claim) section {
	id := "claim-" + c.ID
	s := section{ID: id, Level: 3, Title: c.ID + ": " + label(c.Verdict, c.Machinery)}
	source := c.Source.Where + ". The paper's own text was read."
	if !c.Source.Verified {
		source = c.Source.Where + ". Not verified: this rests on other people's notes, not on the paper's own text."
	}
	facts := []fact{
		{Name: "Why", Text: c.Reason},
		{Name: "Paper reports", Text: c.Target},
		{Name: "Source", Text: source},
		{Name: "Our choice", Text: c.Source.Ours},
		{Name: "Conditions", Text: fmt.Sprintf("temperature %g, probe %s, tier %s, at least %s", c.Temperature, c.Probe, r.Tier.ID, count(c.MinSeeds, "seed"))},
	}
	if len(c.Controls) > 0 {
		facts = append(facts, fact{Name: "Controls", Text: strings.Join(c.Controls, ", ")})
	}
	for _, n := range c.Notes {
		facts = append(facts, fact{Name: fmt.Sprintf("Note [%d]", n), Text: r.Notes[n-1]})
	}
	facts = append(facts, fact{Name: "Reproduce", Text: c.Reproduce, Code: true})

	s.Blocks = []block{{Quote: c.Statement}, {Facts: facts}, {Table: contrastTable(c, r.Family), Wide: true}}
	if f := forest(id+"-forest", "Difference of accuracy for "+c.ID, []Claim{*c}); f != nil {
		s.Blocks = append(s.Blocks, block{Figure: f})
	}
	if f := curves(id+"-curve", "Accuracy during training for "+c.ID, c, r.Arms); f != nil {
		s.Blocks = append(s.Blocks, block{Figure: f})
	}
	if f := losses(id+"-loss", "Loss during training for "+c.ID, c, r.Arms); f != nil {
		s.Blocks = append(s.Blocks, block{Figure: f, Detail: "Loss during training"})
	}
	s.Blocks = append(s.Blocks, block{Table: pairTable(c), Detail: "Accuracy by seed"}, block{Table: runTable(c), Detail: "Runs"})
	return s
}

func contrastTable(c *Claim, family int) *table {
	t := &table{
		Caption: "Contrasts of " + c.ID + ", all of which must hold, in points.",
		Head:    []string{"Contrast", "Asks", "Estimate", fmt.Sprintf("%.0f%% interval", 100*Level), "Seeds", "p holds", "p fails", "On its own"},
		Numbers: []bool{false, false, true, true, true, true, true, false},
	}
	for _, x := range c.Contrasts {
		row := []string{against(x), asks(x), absent, absent, fmt.Sprint(x.N), absent, absent, label(x.Alone, c.Machinery)}
		if d := x.Difference; d != nil {
			row[2], row[3] = signed(d.Estimate), signed(d.Low)+" to "+signed(d.High)
		}
		if x.P != nil {
			row[5], row[6] = probability(x.P.Support), probability(x.P.Refute)
		}
		t.Rows = append(t.Rows, row)
	}
	for _, p := range []struct {
		name string
		PValues
	}{{"all contrasts", c.Raw}, {"corrected for " + count(family, "claim"), c.Corrected}} {
		holds, fails := evidenceIn(c, p.PValues)
		t.Rows = append(t.Rows, []string{p.name, "", "", "", "", holds, fails, ""})
	}
	return t
}

// evidenceIn spells the p values of a claim; those of 1 that stand for nothing measured are left out.
func evidenceIn(c *Claim, p PValues) (holds, fails string) {
	if !slices.ContainsFunc(c.Contrasts, func(x Contrast) bool { return x.P != nil }) {
		return absent, absent
	}
	return probability(p.Support), probability(p.Refute)
}

func pairTable(c *Claim) *table {
	t := &table{
		Caption: "Accuracy of " + c.ID + " by seed, in points.",
		Head:    []string{"Contrast", "Seed", "First", "Second", "Difference"},
		Numbers: []bool{false, true, true, true, true},
	}
	for _, x := range c.Contrasts {
		for _, p := range x.Pairs {
			t.Rows = append(t.Rows, []string{against(x), fmt.Sprint(p.Seed), plain(p.A), plain(p.B), signed(p.Difference)})
		}
		if len(x.Pairs) == 0 {
			t.Rows = append(t.Rows, []string{against(x), absent, absent, absent, absent})
		}
	}
	return t
}

func runTable(c *Claim) *table {
	t := &table{
		Caption: "Runs behind " + c.ID + ", with the digests of their manifests.",
		Head:    []string{"Arm", "Seed", "Run", "Manifest"},
		Numbers: []bool{false, true, false, false},
	}
	for _, run := range c.Runs {
		t.Rows = append(t.Rows, []string{run.Arm, fmt.Sprint(run.Seed), run.Run, string(run.Manifest)})
	}
	if len(c.Runs) == 0 {
		t.Rows = append(t.Rows, []string{"none", absent, absent, absent})
	}
	return t
}

func armsSection(r *Report) section {
	arms := &table{
		Caption: "Accuracy by arm, in points: mean and deviation over seeds, the means of the two other probes, and each seed in order. T is the temperature.",
		Head:    []string{"Arm", "Negatives", "T", "Runs", "Mean", "SD", "Ridge", "kNN", "Seeds"},
		Numbers: []bool{false, false, true, true, true, true, true, true, false},
	}
	missing := &table{
		Caption: "Runs without a result.",
		Head:    []string{"Arm", "T", "Seed", "Status", "Reason"},
		Numbers: []bool{false, true, true, false, false},
	}
	every := &table{
		Caption: "Every run of the matrix, accuracies in points.",
		Head:    []string{"Arm", "T", "Seed", "Status", "Linear", "Ridge", "kNN", "Run"},
		Numbers: []bool{false, true, true, false, true, true, true, false},
	}
	var titles []fact
	for _, a := range r.Arms {
		var seeds []string
		for _, row := range a.Runs {
			place := []string{a.ID, temperature(a), fmt.Sprint(row.Seed), string(row.Status)}
			every.Rows = append(every.Rows, append(place, maybe(row.Linear), maybe(row.Ridge), maybe(row.KNN), row.Run))
			if row.Linear == nil {
				seeds = append(seeds, string(row.Status))
				missing.Rows = append(missing.Rows, append(place, row.Reason))
				continue
			}
			seeds = append(seeds, plain(*row.Linear))
		}
		arms.Rows = append(arms.Rows, []string{a.ID, a.Rules, temperature(a), fmt.Sprintf("%d of %d", a.N, len(a.Runs)),
			maybe(a.Mean), maybe(a.SD), maybe(a.Ridge), maybe(a.KNN), strings.Join(seeds, ", ")})
		if title := (fact{Name: a.ID, Text: a.Title}); !slices.Contains(titles, title) {
			titles = append(titles, title) // once for all temperatures
		}
	}
	s := section{ID: "arms", Level: 2, Title: "Arms", Blocks: []block{{Table: arms}}}
	if len(missing.Rows) > 0 {
		s.Blocks = append(s.Blocks, block{Table: missing})
	}
	if f := accuracies("accuracies", "Accuracy by arm", r); f != nil {
		s.Blocks = append(s.Blocks, block{Figure: f})
	}
	s.Blocks = append(s.Blocks, block{Facts: titles, Detail: "What the arms are"}, block{Table: every, Detail: "Every run"})
	return s
}

// temperature means something only for trained arms.
func temperature(a Arm) string {
	if a.Features != bench.Trained {
		return absent
	}
	return fmt.Sprintf("%g", a.Temperature)
}

func bandsSection(r *Report) section {
	s := section{ID: "bands", Level: 2, Title: "Negatives by difficulty", Blocks: []block{{Text: "The queue, ranked for each query from the " +
		"hardest negative, over the last quarter of training, mean over seeds: what percentage of each band is of the query's own class."}}}
	var t *table
	for _, a := range r.Arms {
		if len(a.Bands) == 0 {
			continue
		}
		if t == nil {
			t = &table{Caption: "Same-class share, in percent, by difficulty band.", Head: []string{"Arm", "T"}, Numbers: []bool{false, true}}
			for _, band := range a.Bands {
				t.Head, t.Numbers = append(t.Head, bandName(band)), append(t.Numbers, true)
			}
		}
		row := []string{a.ID, temperature(a)}
		for _, band := range a.Bands {
			row = append(row, plain(band.SameClass))
		}
		t.Rows = append(t.Rows, row)
	}
	if t == nil {
		s.Blocks = append(s.Blocks, block{Text: "No complete run measured them."})
		return s
	}
	s.Blocks = append(s.Blocks, block{Table: t})
	return s
}

func provenanceSection(r *Report) section {
	p := r.Provenance
	facts := []fact{
		{Name: "Evidence digest", Text: string(p.Evidence), Code: true},
		{Name: "Command", Text: p.Command, Code: true},
		{Name: "Wall time", Text: fmt.Sprintf("%.2f hours, summed over runs", p.WallHours)},
		{Name: "Data", Text: fmt.Sprintf("%s, %d test images", r.Tier.Dataset, r.Tier.TestImages)},
		{Name: "Training", Text: fmt.Sprintf("%d steps of %d queries, a queue of %d, temperature %g", r.Tier.Steps, r.Tier.Batch, r.Tier.Queue, r.Tier.Temperature)},
	}
	for _, c := range p.Code {
		facts = append(facts, fact{Name: "Code digest", Text: fmt.Sprintf("%s (%s)", c.Digest, count(c.Runs, "run"))})
	}
	for _, c := range p.Sources {
		text := fmt.Sprintf("%s, commit %s", c.Tool, orNone(c.Commit))
		if c.Dirty {
			text += ", source changed since"
		}
		facts = append(facts, fact{Name: "Build", Text: fmt.Sprintf("%s (%s)", text, count(c.Runs, "run"))})
	}
	for _, m := range p.Machines {
		facts = append(facts, fact{Name: "Machine", Text: fmt.Sprintf("%s, %s, %s/%s, %s, backend %s (%s)",
			orUnknown(m.CPU), count(m.Cores, "core"), m.OS, m.Arch, m.Go, m.Backend, count(m.Runs, "run"))})
	}
	return section{ID: "provenance", Level: 2, Title: "Provenance", Blocks: []block{{Facts: facts}}}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}

func methodSection(r *Report) section {
	list := []string{
		"Accuracy is that of the linear probe on the test images, in points (percent of images). Differences are paired by seed, " +
			"and their intervals are Student's t over seeds.",
		fmt.Sprintf("The ends of a %.0f%% interval are two one-sided %.0f%% bounds. On its own, a contrast is supported if its interval lies wholly on the side it asks for, "+
			"and refuted if wholly on the other; an equivalence is refuted only if its %.0f%% interval lies wholly outside. A difference that is not significant supports nothing.", 100*Level, 100*(1-Alpha), 100*(1-Alpha)),
		"A claim with several contrasts is supported only if all hold: its p value is the largest (intersection-union). " +
			"It is refuted if one fails: its p value is the smallest times their number (Bonferroni).",
		fmt.Sprintf("p values are corrected so that any wrong verdict among the %s of this report has a probability of at most %.0f%%. "+
			"Judged alone, by the command given with it, a claim is not corrected for the others, so its verdict may be surer than here.", count(r.Family, "claim"), 100*Alpha),
		"A claim is inconclusive, whatever its numbers, if a run is missing or failed, if a metric is not a number, if there are fewer seeds than it asks for, " +
			"or if its arms differ in anything but the declared rules or features.",
		"Intervals cover the choice of seed. They do not cover the choice of test images, which all runs share, nor of data set, architecture or implementation.",
		"Losses of arms with different numbers of negatives are not comparable: InfoNCE grows with the logarithm of that number.",
	}
	return section{ID: "method", Level: 2, Title: "How to read this", Blocks: []block{{List: list}}}
}
