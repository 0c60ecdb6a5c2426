package report

import (
	"fmt"
	"slices"
	"strings"
)

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
	s.Blocks = append(s.Blocks, acrossBlocks(r)...)
	if t := verdictTable(r, accuracyContrasts, []string{"Contrast"}, func(x Contrast) []string { return []string{against(x)} }); t != nil {
		t.Caption = fmt.Sprintf("Claims about accuracy: differences in points, with %s intervals; p values corrected for the claims at the same temperature. Source: the paper's own text or other people's notes, and footnotes.", confidence(r.Level))
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []Claim) *figure {
		return forest("forest"+id, "Differences of accuracy by contrast, "+temperature, r.Level, claims, r.Claims...)
	})...)...)
	if t := verdictTable(r, observations, []string{"Statistic", "Mean", "Chance"}, func(x Contrast) []string {
		return []string{against(x), amount(x, x.MeanA), chance(x)}
	}); t != nil {
		t.Caption = fmt.Sprintf("Claims about what encoders show: each statistic in its own unit, found beyond chance, with %s intervals; p values corrected likewise.", confidence(r.Level))
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []Claim) *figure {
		return observed("observed"+id, "Statistics beyond chance, "+temperature, r.Level, claims)
	})...)...)
	if t := statisticTable(r); t != nil {
		s.Blocks = append(s.Blocks, block{Table: t, Detail: "What the statistics are"})
	}
	return s
}

// byTemperature draws the claims of each temperature on their own.
func byTemperature(r *Report, draw func(id, temperature string, claims []Claim) *figure) (drawn []*figure) {
	var temperatures []float64
	for _, c := range r.Claims {
		if !slices.Contains(temperatures, c.Temperature) {
			temperatures = append(temperatures, c.Temperature)
		}
	}
	for _, temperature := range temperatures {
		others := func(c Claim) bool { return c.Temperature != temperature }
		drawn = append(drawn, draw(fmt.Sprintf("-%g", temperature), fmt.Sprintf("temperature %g", temperature), slices.DeleteFunc(slices.Clone(r.Claims), others)))
	}
	return drawn
}

func tallyInWords(r *Report) string {
	t := r.Tally
	seeds := count(r.Tier.Seeds, "seed") + " each"
	if r.Looks != nil {
		seeds = looksInWords(r)
	}
	text := fmt.Sprintf("%s: %d supported, %d refuted, %d inconclusive, %d with nothing to judge; %s.",
		count(len(r.Claims), "claim"), t.Supported, t.Refuted, t.Inconclusive, t.NothingToJudge, seeds)
	if r.Tier.Machinery {
		text += " None of these verdicts means anything for science."
	}
	return text
}

// accuracyContrasts and observations are the two kinds of what a claim rests on.
func accuracyContrasts(c *Claim) []Contrast { return ofKind(c, false) }

func observations(c *Claim) []Contrast { return ofKind(c, true) }

func ofKind(c *Claim, observation bool) (out []Contrast) {
	for _, x := range c.Contrasts {
		if (x.Statistic != "") == observation {
			out = append(out, x)
		}
	}
	return out
}

// verdictTable has a row for each contrast of a kind, with columns that say what it is about; nil without any.
func verdictTable(r *Report, kind func(*Claim) []Contrast, about []string, cells func(Contrast) []string) *table {
	t := &table{
		Head:    slices.Concat([]string{"Claim", "Verdict"}, about, []string{"Asks", "Found", "Seeds", "p holds", "p fails", "Source"}),
		Numbers: slices.Concat([]bool{false, false, false}, make([]bool, len(about)-1), []bool{false, false, true, true, true, false}),
	}
	for i := range about[1:] {
		t.Numbers[3+i] = true
	}
	for _, c := range r.Claims {
		for i, x := range kind(&c) {
			head, tail := []string{"", ""}, []string{"", "", ""}
			if i == 0 {
				head = []string{c.ID, label(c.Verdict, c.Machinery)}
				holds, fails := evidenceIn(&c, c.Corrected)
				tail = []string{holds, fails, strings.TrimSpace(sourceInShort(c.Source) + " " + references(c.Notes))}
			}
			t.Rows = append(t.Rows, slices.Concat(head, cells(x), []string{asks(x), found(x), fmt.Sprint(x.N)}, tail))
			t.Links = append(t.Links, "claim-"+c.ID)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
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
	d := x.Difference
	return fmt.Sprintf("%s (%s to %s)", difference(x, d.Estimate), difference(x, d.Low), difference(x, d.High))
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

// acrossBlocks show how verdicts depend on temperature, if any statement is tested at several: a table of all
// verdicts, and a sentence on each that differs.
func acrossBlocks(r *Report) (blocks []block) {
	if !slices.ContainsFunc(r.Across, func(row Across) bool { return len(row.At) > 1 }) {
		return nil
	}
	var temperatures []float64
	for _, row := range r.Across {
		for _, at := range row.At {
			if !slices.Contains(temperatures, at.Temperature) {
				temperatures = append(temperatures, at.Temperature)
			}
		}
	}
	t := &table{
		Caption: "All verdicts, by temperature. Each temperature is a family of its own: its p values are corrected for the claims tested at it.",
		Head:    []string{"Claim"}, Numbers: []bool{false},
	}
	for _, temperature := range temperatures {
		t.Head, t.Numbers = append(t.Head, fmt.Sprintf("Temperature %g", temperature)), append(t.Numbers, false)
	}
	for _, row := range r.Across {
		cells := []string{row.Claim}
		for _, temperature := range temperatures {
			verdict := absent
			for _, at := range row.At {
				if at.Temperature == temperature {
					verdict = label(at.Verdict, r.Tier.Machinery)
				}
			}
			cells = append(cells, verdict)
		}
		t.Rows, t.Links = append(t.Rows, cells), append(t.Links, "claim-"+row.Claim)
	}
	blocks = append(blocks, block{Table: t})
	for _, row := range r.Across {
		if row.Differs {
			blocks = append(blocks, block{Text: row.Sentence})
		}
	}
	if len(blocks) == 1 {
		blocks = append(blocks, block{Text: "No verdict differs between temperatures."})
	}
	return blocks
}

// statisticTable says what each statistic that a claim rests on is; nil without any.
func statisticTable(r *Report) *table {
	t := &table{
		Caption: "What the statistics measure.",
		Head:    []string{"Statistic", "Says", "Unit"}, Numbers: []bool{false, false, false},
	}
	for _, c := range r.Claims {
		for _, x := range observations(&c) {
			if row := []string{x.Statistic, x.Title, x.Unit}; !slices.ContainsFunc(t.Rows, func(r []string) bool { return r[0] == row[0] }) {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
