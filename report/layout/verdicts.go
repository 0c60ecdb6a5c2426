package layout

import (
	"fmt"
	"slices"
	"time"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// verdictSections hold the claims apart: those that the plan confirms, with the plan; those that are explored; and
// those that cannot be tested.
func verdictSections(r *model.Report) (d Document) {
	confirmed, explored, untestable := apart(r.Claims)
	if len(confirmed) > 0 {
		d = append(d, confirmedSection(r, confirmed))
	}
	if r.Plan != nil {
		d = append(d, planSection(r))
	}
	if len(explored) > 0 {
		d = append(d, exploredSection(r, explored))
	}
	if len(untestable) > 0 {
		d = append(d, untestableSection(untestable))
	}
	return d
}

// apart parts claims by how they count.
func apart(claims []model.Claim) (confirmed, explored, untestable []model.Claim) {
	for _, c := range claims {
		switch {
		case c.Verdict == model.NotTestable:
			untestable = append(untestable, c)
		case c.Confirms():
			confirmed = append(confirmed, c)
		default:
			explored = append(explored, c)
		}
	}
	return confirmed, explored, untestable
}

func confirmedSection(r *model.Report, claims []model.Claim) Section {
	s := Section{ID: "confirmed", Level: 2, Title: "Claims that the plan confirms"}
	return s.with(claimTable(
		"Claims of the plan, judged on runs that began after its registration. Found: the interval is the one that decides, at the level of the claim's look; the difference in points decides nothing. Alpha: what is spent of the claim's share.",
		claims,
		Text("Claim", once(func(c model.Claim) string { return c.ID })),
		Text("Verdict", once(words.Verdict)),
		Text("Role", once(func(c model.Claim) string { return string(c.Role) })),
		Text("Contrast", nameOfContrast), Text("Asks", asks), Text("Found", found), Number("Points", points),
		Number("Seeds", seeds),
		Text("Look", once(words.Look)),
		Text("Alpha", once(words.Spent)),
		Number("p holds", once(holds)), Number("p fails", once(fails)),
		Text("Source", once(sourceInShort)),
	)).with(intervals(r, "confirmed", "each interval has the level of its claim's look", claims)...)
}

func exploredSection(r *model.Report, claims []model.Claim) Section {
	s := Section{ID: "explored", Level: 2, Title: "Exploratory claims: nothing here is confirmed", Blocks: []Block{Alert(
		"Exploratory: these verdicts are corrected neither for each other nor for having been looked for. They say what a later plan may confirm.")}}
	caption := fmt.Sprintf("Exploratory claims. Found: uncorrected intervals, each at %s in either direction, from %s.", words.Confidence(model.Alpha), words.Seeds(bench.Seeds{First: r.Tier.FirstSeed, N: r.Tier.Seeds}))
	columns := []Shows[contrastOf]{
		Text("Claim", once(func(c model.Claim) string { return c.ID })),
		Text("Verdict", once(words.Verdict)),
	}
	if r.Plan != nil {
		caption += " Claims of the plan that do not confirm keep the level and the seeds of their look."
		columns = append(columns, Text("Role", once(words.Role)))
	}
	columns = append(columns,
		Text("Contrast", nameOfContrast), Text("Asks", asks), Text("Found", found), Number("Points", points),
		Number("Seeds", seeds),
		Number("p holds", once(holds)), Number("p fails", once(fails)),
		Text("Source", once(sourceInShort)))
	return s.with(claimTable(caption, claims, columns...)).with(intervals(r, "explored", "exploratory, intervals uncorrected", claims)...)
}

func untestableSection(claims []model.Claim) Section {
	s := Section{ID: "untestable", Level: 2, Title: "Not testable here", Blocks: []Block{
		Paragraph("No verdict on these claims would mean anything in this tier, so they are counted apart. What was measured stands beside, as an illustration.")}}
	return s.with(claimTable("Claims that are not testable here, with what was measured as an illustration.", claims,
		Text("Claim", once(func(c model.Claim) string { return c.ID })),
		Text("Why", once(func(c model.Claim) string { return c.NotTestable })),
		Text("Measured", nameOfContrast),
		Number("Mean", func(x contrastOf) string { return words.Amount(x.Of, x.Of.MeanA) }),
		Text("Illustration", found),
		Number("Seeds", seeds),
		Text("Source", once(sourceInShort))))
}

type contrastOf = Member[model.Claim, model.Contrast]

func once(cell func(model.Claim) string) func(contrastOf) string {
	return Once[model.Claim, model.Contrast](cell)
}

func nameOfContrast(x contrastOf) string { return words.Name(x.Of) }
func asks(x contrastOf) string           { return words.Asks(x.Of) }
func found(x contrastOf) string          { return words.Found(x.Of) }
func points(x contrastOf) string         { return words.Points(x.Of) }
func seeds(x contrastOf) string          { return fmt.Sprint(x.Of.N) }

// holds and fails spell the p values of a claim; those of 1 that stand for nothing measured are left out.
func holds(c model.Claim) string {
	if !judged(c) {
		return words.Absent
	}
	return words.Holds(c.P)
}

func fails(c model.Claim) string {
	if !judged(c) {
		return words.Absent
	}
	return words.Fails(c.P)
}

func judged(c model.Claim) bool {
	return slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.P != nil })
}

// sourceInShort names where a claim is from, and the footnotes on it.
func sourceInShort(c model.Claim) string {
	text := "notes"
	if c.Source.Verified {
		text = "paper"
	}
	for _, n := range c.Notes {
		text += fmt.Sprintf(" [%d]", n)
	}
	return text
}

// claimTable has a row for each contrast of the claims; the first of a claim points to its section.
func claimTable(caption string, claims []model.Claim, columns ...Shows[contrastOf]) *Table {
	all := Members(claims, func(c *model.Claim) []model.Contrast { return c.Contrasts })
	t := Tabulate(caption, all, columns...)
	for i, x := range all {
		if x.First {
			t.Rows[i].Link = "claim-" + x.Group.ID
		}
	}
	return t
}

// intervals draws the claims at each temperature on their own, on the scale of all claims.
func intervals(r *model.Report, id, what string, claims []model.Claim) []Block {
	var forests, observed []*figure.Figure
	for _, temperature := range temperatures(claims) {
		here := slices.DeleteFunc(slices.Clone(claims), func(c model.Claim) bool { return c.Temperature != temperature })
		at := fmt.Sprintf("temperature %g; %s", temperature, what)
		forests = append(forests, figure.Forest(fmt.Sprintf("%s-forest-%g", id, temperature), "Differences in % of the gain, "+at, here, r.Claims...))
		observed = append(observed, figure.Observed(fmt.Sprintf("%s-observed-%g", id, temperature), "Statistics, "+at, here))
	}
	return figures(append(forests, observed...)...)
}

// temperatures at which claims are tested, in their order.
func temperatures(claims []model.Claim) (all []float64) {
	for _, c := range claims {
		if !slices.Contains(all, c.Temperature) {
			all = append(all, c.Temperature)
		}
	}
	return all
}

// planSection says what was fixed before the runs, and whether they kept to it.
func planSection(r *model.Report) Section {
	p := r.Plan
	registered := Fact{Name: "Registered", Text: fmt.Sprintf("not in this registry, so its claims are exploratory here; `%s` registers it, before the runs", words.Register(r))}
	if p.Registered != nil {
		registered.Text = p.Registered.UTC().Format(time.RFC3339)
	}
	facts := Facts{registered, {Name: "Plan", Text: p.ID, Code: true}}
	if p.Manifest != "" {
		facts = append(facts, Fact{Name: "Digest of its record", Text: string(p.Manifest), Code: true})
	}
	facts = append(facts,
		Fact{Name: "Runs", Text: words.KeptTo(r)},
		Fact{Name: "Basis", Text: p.Basis},
		Fact{Name: "Seeds", Text: fmt.Sprintf("from %d on, which no exploration uses; looks at %s seeds", p.FirstSeed, words.Listed(p.Looks))},
		Fact{Name: "Alpha", Text: words.PlanAlpha(p)})
	if open := words.StillOpen(p); open != "" {
		facts = append(facts, Fact{Name: "Open", Text: open})
	}
	var looks []int
	for i := range p.Looks {
		looks = append(looks, i)
	}
	columns := []Shows[int]{
		Number("Look", func(i int) string { return fmt.Sprint(i + 1) }),
		Text("Seeds", func(i int) string { return words.Seeds(bench.Seeds{First: p.FirstSeed, N: p.Looks[i]}) }),
	}
	for _, kind := range []struct {
		name   string
		levels model.Levels
	}{{"primary", p.Primary}, {"secondary", p.Secondary}} {
		if len(kind.levels.Claims) > 0 {
			columns = append(columns, Number("Each "+kind.name, func(i int) string { return words.Alpha(kind.levels.Looks[i]) }))
		}
	}
	return Section{ID: "plan", Level: 2, Title: "The plan", Blocks: []Block{facts,
		Tabulate("One-sided levels, in either direction, at which each claim of the plan is judged.", looks, columns...)}}
}
