package words_test

import (
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// told is a claim with outcomes in plain words.
func told(id string, verdict stats.Verdict) model.Claim {
	c := primary()
	c.ID, c.Verdict, c.Plain = id, verdict, bench.Plain{Holds: id + " was so", Fails: id + " was not so", Whether: id + " is so"}
	return c
}

// What came of a paper is said in a sentence for each place, of what a plan confirms alone.
func TestOverall(t *testing.T) {
	secondary, early := told("secondary", stats.Refuted), told("early", stats.Refuted)
	secondary.Role, early.Registration = bench.Secondary, model.Early
	of := func(verdicts ...stats.Verdict) *model.Report {
		r := &model.Report{Claims: []model.Claim{secondary, early}, Plan: &model.Plan{Primary: model.Levels{Claims: make([]string, len(verdicts))}}}
		for i, v := range verdicts {
			r.Claims = append(r.Claims, told(string(rune('A'+i)), v))
		}
		return r
	}
	one := of(stats.Supported, stats.Refuted) // of two
	one.Claims = one.Claims[:3]
	cold := of(stats.Supported)
	cold.Claims[2].Temperature = 0.07
	for _, tc := range []struct {
		reports []*model.Report
		where   []string
		want    string
	}{
		{[]*model.Report{of()}, []string{words.Here}, ""},
		{[]*model.Report{one}, []string{words.Here}, ""},
		{[]*model.Report{of(stats.Supported)}, []string{words.Here}, "Here the paper's main claim holds: A was so."},
		{[]*model.Report{of(stats.Refuted)}, []string{words.Here}, "Here the paper's main claim does not hold: A was not so."},
		{[]*model.Report{of(model.NothingToJudge)}, []string{words.Here}, "Here the paper's main claim is not decided: whether A is so is not decided."},
		{[]*model.Report{cold}, []string{words.Here}, "Here the paper's main claim holds: A was so, at temperature 0.07."},
		{[]*model.Report{of(stats.Supported, stats.Supported), of(), of(stats.Refuted, stats.Inconclusive)}, []string{"on glyphs", "on nothing", "on icons"},
			"On glyphs the paper's main claims hold: A was so; B was so. On icons not all of the paper's main claims hold: A was not so; whether B is so is not decided."},
		{[]*model.Report{of(stats.Refuted, stats.Refuted)}, []string{words.Here}, "Here the paper's main claims do not hold: A was not so; B was not so."},
		{[]*model.Report{of(stats.Supported, stats.Inconclusive)}, []string{words.Here}, "Here not all of the paper's main claims are decided: A was so; whether B is so is not decided."},
		{[]*model.Report{of(stats.Inconclusive, stats.Inconclusive)}, []string{words.Here}, "Here the paper's main claims are not decided: whether A is so is not decided; whether B is so is not decided."},
	} {
		if got := words.Overall(tc.reports, tc.where); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// Of a claim with several parts the figures are those of the part that decides, in a sentence.
func TestFiguresOfSeveralParts(t *testing.T) {
	surer, failing := agreement(), agreement()
	surer.Title, surer.P = "encoders agree more", &stats.Evidence{Support: 0.0001, Refute: 0.9999}
	failing.Title, failing.Alone, failing.P = "encoders agree on easy images", stats.Refuted, &stats.Evidence{Support: 0.99, Refute: 0.01}
	weaker := agreement()
	weaker.Title = "encoders agree on hard images"
	open := weaker
	open.Alone, open.P = stats.Inconclusive, &stats.Evidence{Support: 0.2, Refute: 0.8}
	r := &model.Report{Gain: gain}
	for _, tc := range []struct {
		verdict stats.Verdict
		parts   []model.Contrast
		want    string
	}{
		{stats.Supported, []model.Contrast{surer, weaker}, "2 of 2 parts hold; the least sure: encoders agree on hard images: - against 0.1200 of untrained (5 seeds): +0.3100 from untrained, at least +0.2000 with 95% confidence (asked: above untrained by 0.1)."},
		{stats.Refuted, []model.Contrast{surer, failing}, "1 of 2 parts hold; what fails: encoders agree on easy images: - against 0.1200 of untrained (5 seeds): +0.3100 from untrained, at most +0.4200 with 95% confidence (asked: above untrained by 0.1)."},
		{stats.Inconclusive, []model.Contrast{open, surer}, "1 of 2 parts hold; not settled: encoders agree on hard images: - against 0.1200 of untrained (5 seeds): +0.3100 from untrained, between +0.2000 and +0.4200 with 90% confidence (asked: above untrained by 0.1)."},
	} {
		c := told("consistency", tc.verdict)
		c.Contrasts = tc.parts
		if got := words.Figures(&c, r); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// Many claims are counted in one sentence, which names those that are decided.
func TestCounted(t *testing.T) {
	a, b, c := told("A", stats.Supported), told("B", stats.Refuted), told("C", stats.Inconclusive)
	all := []*model.Claim{&a, &b, &c}
	for _, claim := range all {
		claim.Role = bench.Exploratory
	}
	want := "Of 3 treatments on glyphs 1 supported, 1 refuted, 1 inconclusive (exploratory, not confirmed): A was so; B was not so."
	if got := words.Counted(all, "treatments", &model.Report{}, "on glyphs"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
