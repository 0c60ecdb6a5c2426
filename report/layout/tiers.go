package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// places say of each tier of a report where its claims came out as they did.
func places(r *model.Report) (where []string) {
	all := r.Tiers()
	for _, t := range all {
		alike := slices.ContainsFunc(all, func(o *model.Report) bool { return o != t && o.Tier.Dataset == t.Tier.Dataset })
		switch {
		case len(all) == 1:
			where = append(where, words.Here)
		case alike:
			where = append(where, "in tier "+t.Tier.ID)
		default:
			where = append(where, "on "+t.Tier.Dataset)
		}
	}
	return where
}

// measured says whether a claim has as many seeds as it asks for, so that there is something to tell.
func measured(c *model.Claim) bool {
	return c != nil && slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.N > 0 && x.N >= c.MinSeeds })
}

// column is a tier at a temperature.
type column struct {
	*model.Report
	temperature float64
}

// claim finds the one that tests a statement in the column; nil if there is none.
func (c column) claim(row model.Across) *model.Claim {
	i := slices.IndexFunc(c.Across, func(own model.Across) bool { return own.Claim == row.Claim })
	if i < 0 {
		return nil
	}
	for _, at := range c.Across[i].At {
		if at.Temperature == c.temperature {
			return &c.Claims[slices.IndexFunc(c.Claims, func(x model.Claim) bool { return x.ID == at.Claim })]
		}
	}
	return nil
}

// columns are the temperatures of all tiers; of those beside the first, where something was measured.
func columns(r *model.Report) (all []column) {
	for i, t := range r.Tiers() {
		for _, temperature := range temperatures(t.Claims) {
			if i == 0 || slices.ContainsFunc(t.Claims, func(c model.Claim) bool { return c.Temperature == temperature && measured(&c) }) {
				all = append(all, column{t, temperature})
			}
		}
	}
	return all
}

// statements are those of all tiers, each once.
func statements(r *model.Report) (all []model.Across) {
	shown := columns(r)
	for i, t := range r.Tiers() {
		for _, row := range t.Across {
			there := slices.ContainsFunc(all, func(x model.Across) bool { return x.Claim == row.Claim })
			told := i == 0 || slices.ContainsFunc(shown, func(c column) bool { return measured(c.claim(row)) })
			if !there && told {
				all = append(all, row)
			}
		}
	}
	return all
}

// claimsSection has a row for every statement, and in it the verdict on its claim in each tier at each temperature, with
// what decides it. Statements of which a plan confirms something come first, and those that cannot be tested last.
func claimsSection(r *model.Report) Section {
	all := columns(r)
	rank := func(row model.Across) int {
		best := 2
		for _, x := range all {
			if c := x.claim(row); c != nil && c.Confirms() {
				return 0
			} else if c != nil && c.Verdict != model.NotTestable {
				best = 1
			}
		}
		return best
	}
	rows := slices.SortedStableFunc(slices.Values(statements(r)), func(a, b model.Across) int { return cmp.Compare(rank(a), rank(b)) })
	short := words.InShort
	if len(r.Beside) > 0 { // there is less room
		short = words.InBrief
	}
	shown := []Shows[model.Across]{Text("Claim", func(row model.Across) string {
		for _, x := range all {
			if c := x.claim(row); c != nil {
				return c.Statement
			}
		}
		return row.Claim
	})}
	for _, x := range all {
		head, tier := fmt.Sprintf("Temperature %g", x.temperature), ""
		if len(r.Beside) > 0 {
			head, tier = fmt.Sprintf("Tier %s, temperature %g", x.Tier.ID, x.temperature), x.Tier.ID
		}
		s := Text(head, func(row model.Across) string {
			c := x.claim(row)
			if c == nil || x.Report != r && !measured(c) {
				return words.Absent
			}
			return strings.TrimSpace(words.Standing(*c) + "\n" + short(c))
		})
		s.Temperature, s.Tier = fmt.Sprintf("%g", x.temperature), tier
		shown = append(shown, s)
	}
	title, at := "Claims, tier "+r.Tier.ID, "at each temperature"
	if len(r.Beside) > 0 {
		title, at = "Claims, by tier", "in each tier at each temperature"
	}
	table := func(caption string, rows []model.Across) *Table {
		t := Tabulate(caption, rows, shown...)
		for i, row := range rows {
			t.Rows[i].Small = row.Claim
			if slices.ContainsFunc(r.Claims, func(c model.Claim) bool { return c.ID == row.Claim }) {
				t.Rows[i].Link = "claim-" + row.Claim
			}
		}
		return wide(t)
	}
	caption := "Every claim " + at + ": the verdict, the estimate with the interval that decides, what the claim asks for, and the number of seeds. " +
		"What is not marked as exploratory is confirmed by the tier's plan; the intervals of exploratory claims are uncorrected."
	s := Section{ID: "claims", Level: 2, Title: title}
	if len(r.Beside) == 0 {
		return s.with(table(caption, rows))
	}
	// The table of several tiers is long: what no plan confirms is put away.
	first := slices.IndexFunc(rows, func(row model.Across) bool { return rank(row) > 0 })
	if first <= 0 {
		return s.with(table(caption, rows))
	}
	return s.with(table(caption, rows[:first]), Folded{"Claims that are exploratory in every tier, or not testable", table("The same of claims that no plan confirms.", rows[first:])})
}

// A shared statement is one with the claims that were measured on it, each in its tier at that tier's temperature.
type shared struct {
	row   model.Across
	found []figure.InTier
	where []string // of those found
}

func sharing(r *model.Report) (all []shared) {
	where := places(r)
	for _, row := range statements(r) {
		s := shared{row: row}
		for i, t := range r.Tiers() {
			if c := (column{t, t.Tier.Temperature}).claim(row); measured(c) {
				s.found, s.where = append(s.found, figure.InTier{Tier: t.Tier.ID, Claim: c}), append(s.where, where[i])
			}
		}
		all = append(all, s)
	}
	return all
}

// agreement draws what several tiers found; nil for a single one.
func agreement(r *model.Report) *figure.Figure {
	var found [][]figure.InTier
	for _, s := range sharing(r) {
		found = append(found, s.found)
	}
	f := figure.Agreement("agreement", "The same claims in each tier: differences in % of the gain", found)
	if f != nil {
		f.Command = words.Draw(r, r.Beside...)
	}
	return f
}

// agreementSection says which claims hold in all tiers, in some, or in none; none for a single tier.
func agreementSection(r *model.Report) Document {
	if len(r.Beside) == 0 {
		return nil
	}
	var same, differ, once Facts
	for _, s := range sharing(r) {
		var said []string
		verdicts := map[string]bool{}
		for i, x := range s.found {
			if x.Claim.Verdict != model.NotTestable {
				said = append(said, s.where[i]+" "+words.Standing(*x.Claim))
				verdicts[string(x.Claim.Verdict)] = true
			}
		}
		fact := Fact{Name: s.row.Claim, Text: strings.Join(said, "; ")}
		switch {
		case len(said) == 0:
		case len(said) == 1:
			once = append(once, fact)
		case len(verdicts) == 1:
			same = append(same, fact)
		default:
			differ = append(differ, fact)
		}
	}
	d := Section{ID: "agreement", Level: 2, Title: "What holds where", Blocks: []Block{Paragraph(
		"Each tier at its own temperature, by its own plan. A claim that is decided in one tier and open in another is no contradiction: the other may have had too few seeds.")}}
	if len(differ) > 0 {
		d = d.with(Paragraph("Not the same verdict:"), differ)
	}
	if len(same) > 0 {
		d = d.with(Paragraph("The same verdict:"), same)
	}
	if len(once) > 0 {
		d = d.with(Folded{"Judged in one tier alone", once})
	}
	return Document{d}
}
