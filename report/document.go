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
	Link   string // the title in the table of contents, if shorter
	Blocks []block
}

// A block has exactly one kind of content.
type block struct {
	Alert    string // must not be overlooked
	Text     string
	Quote    string
	Facts    []fact
	List     []string // numbered from 1
	Table    *table
	Figures  []*figure // drawn in HTML only; a table says the same in numbers
	Pictures *pictures // images in HTML, a table elsewhere; terminals leave them out
	// Detail is the title under which the block is folded away; terminals leave it out.
	Detail string
	// Wide blocks repeat with more columns what stands elsewhere; terminals leave them out too.
	Wide bool
}

type fact struct {
	Name, Text string
	Code       bool   // to be copied literally
	Link       string // a section
}

type table struct {
	Caption string
	Head    []string
	Numbers []bool // by column; these are aligned right
	Rows    [][]string
	Links   []string // by row: the section that the first column points to; may be nil
}

// figures is a block of those drawings that exist.
func figures(drawn ...*figure) []block {
	drawn = slices.DeleteFunc(drawn, func(f *figure) bool { return f == nil })
	if len(drawn) == 0 {
		return nil
	}
	return []block{{Figures: drawn}}
}

// folded puts blocks away under titles of their own.
func folded(title string, blocks []block) []block {
	for i := range blocks {
		blocks[i].Detail = title
	}
	return blocks
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
	for i := range r.Sweeps {
		d = append(d, sweepSection(r, &r.Sweeps[i]))
	}
	d = append(d, armsSection(r), bandsSection(r))
	if len(r.Analyses) > 0 {
		d = append(d, analysesSection(r))
	}
	d = append(d, provenanceSection(r), methodSection(r))
	if len(r.Notes) > 0 {
		d = append(d, section{ID: "notes", Level: 2, Title: "Notes", Blocks: []block{{List: r.Notes}}})
	}
	return d
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
	s.Blocks = append(s.Blocks, figures(accuracies("accuracies", "Accuracy by arm", r))...)
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
				t.Head, t.Numbers = append(t.Head, bandName(band.From, band.To)), append(t.Numbers, true)
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
		{Name: "Rests on", Text: fmt.Sprintf("%s and %s", count(p.Used-p.Analyses, "run"), analysesInWords(p.Analyses))},
		{Name: "Wall time", Text: fmt.Sprintf("%.2f hours, summed over runs and analyses", p.WallHours)},
		{Name: "Energy", Text: energy(p)},
		{Name: "Data", Text: fmt.Sprintf("%s, %d test images", r.Tier.Dataset, r.Tier.TestImages)},
		{Name: "Training", Text: fmt.Sprintf("%d steps of %d queries, a queue of %d, temperature %g", r.Tier.Steps, r.Tier.Batch, r.Tier.Queue, r.Tier.Temperature)},
	}
	for _, c := range p.Code {
		of := count(c.Runs, "run")
		if c.Analyses {
			of = analysesInWords(c.Runs)
		}
		facts = append(facts, fact{Name: "Code digest", Text: fmt.Sprintf("%s (%s)", c.Digest, of)})
	}
	for _, c := range p.Sources {
		text := fmt.Sprintf("%s, commit %s", c.Tool, orNone(c.Commit))
		if c.Dirty {
			text += ", source changed since"
		}
		facts = append(facts, fact{Name: "Build", Text: fmt.Sprintf("%s (%d of %d)", text, c.Runs, p.Used)})
	}
	for _, m := range p.Machines {
		facts = append(facts, fact{Name: "Machine", Text: fmt.Sprintf("%s, %s, %s/%s, %s, backend %s (%d of %d)",
			orUnknown(m.CPU), count(m.Cores, "core"), m.OS, m.Arch, m.Go, m.Backend, m.Runs, p.Used)})
	}
	return section{ID: "provenance", Level: 2, Title: "Provenance", Blocks: []block{{Facts: facts}}}
}

func analysesInWords(n int) string {
	if n == 1 {
		return "1 analysis"
	}
	return fmt.Sprintf("%d analyses", n)
}

func energy(p Provenance) string {
	if p.KilowattHours == nil {
		return "not known: no counter could be read"
	}
	text := fmt.Sprintf("%.3f kWh of the processors", *p.KilowattHours)
	if p.Metered < p.Used {
		text += fmt.Sprintf(", of %d of %d runs and analyses: the others could read no counter", p.Metered, p.Used)
	}
	return text
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
		fmt.Sprintf("The ends of a %s interval are two one-sided %s bounds. On its own, a contrast is supported if its interval lies wholly on the side it asks for, "+
			"and refuted if wholly on the other; an equivalence is refuted only if its %s interval lies wholly outside. A difference that is not significant supports nothing.", confidence(r.Level), confidence(1-r.Alpha), confidence(1-r.Alpha)),
		"A claim with several contrasts is supported only if all hold: its p value is the largest (intersection-union). " +
			"It is refuted if one fails: its p value is the smallest times their number (Bonferroni).",
		fmt.Sprintf("p values are corrected so that any wrong verdict among the claims of this report at one temperature has a probability of at most %s; "+
			"the tier's temperature is the paper's setting, and asking whether claims hold at another does not make it harder to show them there. "+
			"Judged alone, by the command given with it, a claim is not corrected for the others, so its verdict may be surer than here.", confidence(TotalAlpha)),
		"A claim is inconclusive, whatever its numbers, if a run is missing or failed, if a metric is not a number, if there are fewer seeds than it asks for, " +
			"or if its arms differ in anything but the declared rules or features.",
		"What encoders show is measured on their embeddings of training images, each a negative of each query, at the end of training. A statistic must exceed chance in two ways: " +
			"over seeds, as above, and against its permutation null. The seeds share their permutations, so their p values are combined as twice their mean, which holds whatever the dependence; " +
			"the larger of the two p values counts.",
		"Intervals cover the choice of seed. They do not cover the choice of test images, which all runs share, nor of data set, architecture or implementation.",
		"Losses of arms with different numbers of negatives are not comparable: InfoNCE grows with the logarithm of that number.",
	}
	if r.Looks != nil {
		list = append(list, looksMethod(r))
	}
	return section{ID: "method", Level: 2, Title: "How to read this", Blocks: []block{{List: list}}}
}
