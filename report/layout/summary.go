package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// summary is what a report opens with: whose claims these are, at what scale they were tested, the answers, and one
// figure; then all claims in a table, the figures, and what the words mean.
func summary(r *model.Report) Document {
	return slices.Concat(
		Document{overview(r)}, targetsSection(r), Document{claimsSection(r)}, agreementSection(r),
		figuresSection(r),
		Document{{ID: "terms", Level: 2, Title: "What the words mean", Blocks: []Block{Terms(words.Glossary(r))}}})
}

// Opening is what a report opens with, for who wants no more: whose claims these are, at what scale they were tested, and
// the answers.
func Opening(r *model.Report) Document { return Document{opening(r)} }

func opening(r *model.Report) Section {
	s := Section{ID: "top", Level: 1, Title: fmt.Sprintf("The claims of %q, tested", r.Paper.Title), Blocks: []Block{
		Reference{r.Paper.Authors, r.Paper.Link}}}
	all, where := r.Tiers(), places(r)
	if said := words.Overall(all, where); said != "" && !r.Tier.Machinery {
		s = s.with(Conclusion(said))
	}
	for i, r := range all {
		s = s.with(Alert(words.Caveat(r.Tier)))
		if why := words.NotSame(r.Targets); why != "" {
			s = s.with(Alert(words.In("No claim is decided", where[i]) + ": " + why + "."))
		}
	}
	told := answers(r)
	if len(told) > 0 {
		s = s.with(told)
	}
	s = s.with(figures(of(r, paired(r, r.Tier.Temperature)))...)
	if len(told) > 0 {
		s = s.with(Paragraph(words.Share(all, where)))
	}
	return s
}

func overview(r *model.Report) Section {
	s, where := opening(r), places(r)
	for i, r := range r.Tiers() {
		for _, said := range Tallies(r) {
			if where[i] != words.Here {
				said = "Tier " + r.Tier.ID + ": " + said
			}
			s = s.with(Paragraph(said))
		}
	}
	return s
}

// Tallies count what became of the claims and runs of a tier.
func Tallies(r *model.Report) []string {
	t := r.Tier
	said := words.Tallies(r.Confirmed, r.Explored)
	if n := r.Confirmed.NotAsAsked + r.Explored.NotAsAsked; n > 0 {
		said = append(said, fmt.Sprintf("Of %s the stored runs are not those that the catalogue asks for; the reasons name what differs.", words.Count(n, "claim")))
	}
	if r.Plan == nil {
		said = append(said, "No plan is followed here, so every claim is exploratory.")
	}
	if t.Machinery {
		said = append(said, "None of these verdicts means anything for science.")
	}
	if missing := t.RunsMissing + t.RunsFailed; missing > 0 {
		said = append(said, fmt.Sprintf("%s complete, %d failed or unusable, %d not run.", words.Count(t.RunsPresent, "run"), t.RunsFailed, t.RunsMissing))
	}
	return said
}

// answers are none where verdicts mean nothing. Of a tier beside the first, only what was measured is told.
func answers(r *model.Report) (all Answers) {
	if r.Tier.Machinery {
		return nil
	}
	where := places(r)
	for _, s := range r.Paper.Statements {
		answer := Answer{Statement: s.Text}
		for i, r := range r.Tiers() {
			var claims []*model.Claim
			for _, thesis := range s.Theses {
				if c := words.Answering(r, thesis); c != nil && (i == 0 || measured(c)) {
					claims = append(claims, c)
				}
			}
			switch {
			case len(claims) == 0:
			case s.Many != "" && (i == 0 || len(claims) > 1):
				answer.Lines = append(answer.Lines, Line{Words: words.Counted(claims, s.Many, r, where[i])})
			default:
				for _, c := range claims {
					l := Line{words.Mark(c.Verdict), words.Outcome(c, r, where[i]), words.Figures(c, r), "claim-" + c.ID}
					if i > 0 { // it has a report of its own
						l.Words, l.Link = words.Brief(c), "claims"
					}
					answer.Lines = append(answer.Lines, l)
				}
			}
		}
		if len(answer.Lines) > 0 {
			all = append(all, answer)
		}
	}
	return all
}

// paired draws the arms that matter most at a temperature; it is nil without runs that all of them have.
func paired(r *model.Report, temperature float64) *figure.Figure {
	i := slices.IndexFunc(r.Leads, func(l model.Lead) bool { return l.Temperature == temperature })
	if i < 0 {
		return nil
	}
	return figure.Paired(fmt.Sprintf("paired-%g", temperature), &r.Leads[i], r)
}

// of marks a figure as the first tier's, where there are others.
func of(r *model.Report, f *figure.Figure) *figure.Figure {
	if f != nil && len(r.Beside) > 0 {
		f.Tier = r.Tier.ID
	}
	return f
}

// figuresSection has the figures that tell most, at each temperature, and of tiers beside the paired arms; none without
// runs.
func figuresSection(r *model.Report) Document {
	var drawn []*figure.Figure
	add := func(f *figure.Figure) { drawn = append(drawn, of(r, f)) }
	drawn = append(drawn, agreement(r))
	for _, other := range r.Beside {
		if f := paired(other, other.Tier.Temperature); f != nil {
			f.ID, f.Tier, f.Title = f.ID+"-"+other.Tier.ID, other.Tier.ID, "Tier "+other.Tier.ID+": "+f.Title
			f.Command = words.Draw(other)
			drawn = append(drawn, f)
		}
	}
	for i := range r.Sweeps {
		add(fractions("fractions-"+r.Sweeps[i].ID, &r.Sweeps[i], r, nil))
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
