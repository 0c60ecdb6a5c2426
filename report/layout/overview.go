package layout

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

func overview(r *model.Report) Section {
	t := r.Tier
	s := Section{ID: "top", Level: 1, Title: fmt.Sprintf("The claims of %q, tested", r.Paper.Title)}
	warning := fmt.Sprintf("Tier %s (%s): %s", t.ID, t.Title, t.Caveat)
	if t.Machinery {
		warning = words.MachineryOnly + warning
	}
	s.Blocks = append(s.Blocks, Alert(warning), Paragraph(tallyInWords(r)))
	if missing := t.RunsMissing + t.RunsFailed; missing > 0 {
		s.Blocks = append(s.Blocks, Paragraph(fmt.Sprintf("%s complete, %d failed or unusable, %d not run.",
			words.Count(t.RunsPresent, "run"), t.RunsFailed, t.RunsMissing)))
	}
	s.Blocks = append(s.Blocks, acrossBlocks(r)...)
	s.Blocks = append(s.Blocks, verdictTable(r, (*model.Claim).AccuracyContrasts,
		fmt.Sprintf("Claims about accuracy: differences in points, with %s intervals; p values corrected for the claims at the same temperature. Source: the paper's own text or other people's notes, and footnotes.", words.Confidence(r.Level)),
		Text("Contrast", nameOfContrast))...)
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []model.Claim) *figure.Figure {
		return figure.Forest("forest"+id, "Differences of accuracy by contrast, "+temperature, r.Level, claims, r.Claims...)
	})...)...)
	s.Blocks = append(s.Blocks, verdictTable(r, (*model.Claim).Observations,
		fmt.Sprintf("Claims about what encoders show: each statistic in its own unit, found beyond chance, with %s intervals; p values corrected likewise.", words.Confidence(r.Level)),
		Text("Statistic", nameOfContrast),
		Number("Mean", func(x contrastOf) string { return words.Amount(x.Contrast, x.MeanA) }),
		Number("Chance", func(x contrastOf) string { return words.Chance(x.Contrast) }))...)
	s.Blocks = append(s.Blocks, figures(byTemperature(r, func(id, temperature string, claims []model.Claim) *figure.Figure {
		return figure.Observed("observed"+id, "Statistics beyond chance, "+temperature, r.Level, claims)
	})...)...)
	return s.with(folded("What the statistics are", statisticTable(r))...)
}

// byTemperature draws the claims of each temperature on their own.
func byTemperature(r *model.Report, draw func(id, temperature string, claims []model.Claim) *figure.Figure) (drawn []*figure.Figure) {
	var temperatures []float64
	for _, c := range r.Claims {
		if !slices.Contains(temperatures, c.Temperature) {
			temperatures = append(temperatures, c.Temperature)
		}
	}
	for _, temperature := range temperatures {
		others := func(c model.Claim) bool { return c.Temperature != temperature }
		drawn = append(drawn, draw(fmt.Sprintf("-%g", temperature), fmt.Sprintf("temperature %g", temperature), slices.DeleteFunc(slices.Clone(r.Claims), others)))
	}
	return drawn
}

func tallyInWords(r *model.Report) string {
	t := r.Tally
	seeds := words.Count(r.Tier.Seeds, "seed") + " each"
	if r.Looks != nil {
		seeds = words.Looks(r)
	}
	text := fmt.Sprintf("%s: %d supported, %d refuted, %d inconclusive, %d with nothing to judge; %s.",
		words.Count(len(r.Claims), "claim"), t.Supported, t.Refuted, t.Inconclusive, t.NothingToJudge, seeds)
	if t.NotAsAsked > 0 {
		text += fmt.Sprintf(" Of %s the stored runs are not those that the catalogue asks for; the reasons name what differs.", words.Count(t.NotAsAsked, "claim"))
	}
	if r.Tier.Machinery {
		text += " None of these verdicts means anything for science."
	}
	return text
}
