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

// summary is what a report opens with: whose claims these are, at what scale they were tested, the answers, and one
// figure; then all claims in a table, the figures, and what the words mean.
func summary(r *model.Report) Document {
	return slices.Concat(
		Document{overview(r)}, targetsSection(r), Document{claimsSection(r)},
		figuresSection(r),
		Document{{ID: "terms", Level: 2, Title: "What the words mean", Blocks: []Block{Terms(words.Glossary(r.Gain))}}})
}

func overview(r *model.Report) Section {
	t := r.Tier
	s := Section{ID: "top", Level: 1, Title: fmt.Sprintf("The claims of %q, tested", r.Paper.Title), Blocks: []Block{
		Reference{r.Paper.Authors, r.Paper.Link}, Alert(words.Caveat(t))}}
	if why := words.NotSame(r.Targets); why != "" {
		s = s.with(Alert("No claim is decided: " + why + "."))
	}
	if a := answers(r); len(a) > 0 {
		s = s.with(a, Paragraph(words.Share(r)))
	}
	s = s.with(figures(paired(r, t.Temperature))...)
	for _, tally := range words.Tallies(r.Confirmed, r.Explored) {
		s = s.with(Paragraph(tally))
	}
	if n := r.Confirmed.NotAsAsked + r.Explored.NotAsAsked; n > 0 {
		s = s.with(Paragraph(fmt.Sprintf("Of %s the stored runs are not those that the catalogue asks for; the reasons name what differs.", words.Count(n, "claim"))))
	}
	if r.Plan == nil {
		s = s.with(Paragraph("No plan is followed here, so every claim is exploratory."))
	}
	if t.Machinery {
		s = s.with(Paragraph("None of these verdicts means anything for science."))
	}
	if missing := t.RunsMissing + t.RunsFailed; missing > 0 {
		s = s.with(Paragraph(fmt.Sprintf("%s complete, %d failed or unusable, %d not run.", words.Count(t.RunsPresent, "run"), t.RunsFailed, t.RunsMissing)))
	}
	return s
}

// answers are none where verdicts mean nothing.
func answers(r *model.Report) (all Answers) {
	if r.Tier.Machinery {
		return nil
	}
	for _, s := range r.Paper.Statements {
		answer := Answer{Statement: s.Text}
		var claims []*model.Claim
		for _, thesis := range s.Theses {
			if c := words.Answering(r, thesis); c != nil {
				claims = append(claims, c)
			}
		}
		switch {
		case len(claims) == 0:
			continue
		case s.Many != "":
			answer.Lines = []Line{{Words: words.Counted(claims, s.Many, r)}}
		default:
			for _, c := range claims {
				answer.Lines = append(answer.Lines, Line{words.Mark(c.Verdict), words.Outcome(c, r), words.Figures(c, r), "claim-" + c.ID})
			}
		}
		all = append(all, answer)
	}
	return all
}

// paired draws the arms that matter most at a temperature; it is nil without runs that all of them have.
func paired(r *model.Report, temperature float64) *figure.Figure {
	i := slices.IndexFunc(r.Leads, func(l model.Lead) bool { return l.Temperature == temperature })
	if i < 0 {
		return nil
	}
	return commanded(r, figure.Paired(fmt.Sprintf("paired-%g", temperature), &r.Leads[i], r))
}

// commanded is a figure with the command of the report, unless it has one of its own.
func commanded(r *model.Report, f *figure.Figure) *figure.Figure {
	if f != nil && f.Command == "" {
		f.Command = r.Provenance.Command
	}
	return f
}

// claimsSection has a row for every statement, and in it the verdict on its claim at each temperature, with what decides
// it. Statements of which the plan confirms something come first, and those that cannot be tested last.
func claimsSection(r *model.Report) Section {
	at := func(row model.Across, temperature float64) *model.Claim {
		for _, x := range row.At {
			if i := slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == x.Claim }); i >= 0 && x.Temperature == temperature {
				return &r.Claims[i]
			}
		}
		return nil
	}
	all := temperatures(r.Claims)
	rank := func(row model.Across) int {
		best := 2
		for _, t := range all {
			if c := at(row, t); c != nil && c.Confirms() {
				return 0
			} else if c != nil && c.Verdict != model.NotTestable {
				best = 1
			}
		}
		return best
	}
	rows := slices.SortedStableFunc(slices.Values(r.Across), func(a, b model.Across) int { return cmp.Compare(rank(a), rank(b)) })
	columns := []Shows[model.Across]{Text("Claim", func(row model.Across) string {
		return r.Claims[slices.IndexFunc(r.Claims, func(c model.Claim) bool { return c.ID == row.Claim })].Statement
	})}
	for _, temperature := range all {
		column := Text(fmt.Sprintf("Temperature %g", temperature), func(row model.Across) string {
			c := at(row, temperature)
			if c == nil {
				return words.Absent
			}
			return strings.TrimSpace(words.Standing(*c) + "\n" + words.InShort(c))
		})
		column.Temperature = fmt.Sprintf("%g", temperature)
		columns = append(columns, column)
	}
	t := Tabulate("Every claim at each temperature: the verdict, the estimate with the interval that decides, what the claim asks for, and the number of seeds. "+
		"What is not marked as exploratory is confirmed by the plan; the intervals of exploratory claims are uncorrected.", rows, columns...)
	for i, row := range rows {
		t.Rows[i].Link, t.Rows[i].Small = "claim-"+row.Claim, row.Claim
	}
	return Section{ID: "claims", Level: 2, Title: "Claims, tier " + r.Tier.ID, Blocks: []Block{wide(t)}}
}

// figuresSection has the figures that tell most, at each temperature; none without runs.
func figuresSection(r *model.Report) Document {
	var drawn []*figure.Figure
	add := func(f *figure.Figure) { drawn = append(drawn, commanded(r, f)) }
	for i := range r.Sweeps {
		add(figure.Fractions("fractions-"+r.Sweeps[i].ID, &r.Sweeps[i], r, nil))
	}
	confirmed, _, _ := apart(r.Claims)
	for _, temperature := range temperatures(r.Claims) {
		if temperature != r.Tier.Temperature { // that one opens the report
			add(paired(r, temperature))
		}
		here := slices.DeleteFunc(slices.Clone(confirmed), func(c model.Claim) bool { return c.Temperature != temperature })
		forest := figure.Forest(fmt.Sprintf("forest-%g", temperature), fmt.Sprintf("Claims of the plan: differences in %% of the gain, temperature %g", temperature), here, confirmed...)
		if forest != nil {
			forest.Temperature = fmt.Sprintf("%g", temperature)
		}
		add(forest)
		for _, l := range r.Leads {
			if l.Temperature == temperature {
				add(figure.Learning(fmt.Sprintf("learning-%g", temperature), fmt.Sprintf("Accuracy during training, temperature %g", temperature), &l, r))
				add(figure.Neighbours(fmt.Sprintf("neighbours-%g", temperature), fmt.Sprintf("Accuracy of neighbours during training, temperature %g", temperature), &l, r))
			}
		}
	}
	add(figure.Published("published", r))
	s := Section{ID: "figures", Level: 2, Title: "Figures", Blocks: figures(drawn...)}
	for i := range r.Analyses {
		if a := &r.Analyses[i]; a.Final && len(a.Gallery) > 0 {
			s = s.with(gallery(r, a)...)
			break
		}
	}
	if len(s.Blocks) == 0 {
		return nil
	}
	return Document{s}
}
