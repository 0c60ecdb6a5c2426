package drift

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// night makes one of a claim with one contrast, on a commit, whose values lie about a mean.
func night(r *rand.Rand, at int, commit string, mean float64, verdict stats.Verdict) Night {
	n := Night{
		Night: bench.Night{Name: fmt.Sprintf("2026-11-%02d", at)}, Tier: "tier", Seeds: bench.Seeds{N: 5}, Complete: 10,
		Dataset: bench.Data{Name: "dots", Digest: "sha256:d0"},
		Claims:  []Judged{{Claim: "claim", Verdict: verdict, Measured: []Measured{{Name: "a - b", Series: "a - b, T 0.2", Found: &model.Estimate{Value: mean / 20}}}}},
		Provenance: model.Provenance{
			Sources:  []model.Commit{{Commit: commit, Tool: "cidbench 1"}},
			Machines: []model.Machine{{CPU: "cpu", Backend: "go"}},
		},
	}
	v := Values{Key: "a - b, T 0.2"}
	for range 5 {
		v.Values = append(v.Values, mean+r.NormFloat64())
	}
	n.Series = []Values{v, {Key: "all - untrained, T 0.2", Values: []float64{20, 21, 19, 20, 22}}}
	return n
}

// twenty nights, of which the last nine have another commit and another level.
func twenty(r *rand.Rand) (all []Night) {
	for at := range 20 {
		commit, mean, verdict := "c0ffee", 1.0, stats.Inconclusive
		if at >= 11 {
			commit, mean = "badcab", 3.5
		}
		if at == 5 {
			verdict = stats.Supported
		}
		if at == 6 {
			verdict = stats.Refuted
		}
		all = append(all, night(r, at+1, commit, mean, verdict))
	}
	return all
}

// A shift raises one alarm, which says since when, how much, and what changed with it; the nights may come in any order.
func TestAlarm(t *testing.T) {
	nights := twenty(rand.New(rand.NewPCG(1, 1)))
	slices.Reverse(nights)
	d, err := Follow("tier", nights)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Alarms) != 1 {
		t.Fatalf("alarms %+v", d.Alarms)
	}
	a := d.Alarms[0]
	if a.Series != "a - b, T 0.2" || a.Last != "2026-11-11" || a.Since != "2026-11-12" || a.Night < "2026-11-13" || a.Night > "2026-11-15" || !slices.Equal(a.Claims, []string{"claim"}) {
		t.Errorf("%+v", a)
	}
	if a.Shift.Low > 2.5 || a.Shift.High < 2.5 || a.Spread < 0.7 || a.Spread > 1.4 {
		t.Errorf("shift %+v, spread %v", a.Shift, a.Spread)
	}
	if want := (Change{"Commit", "2026-11-12", []string{"c0ffee"}, []string{"badcab"}}); len(a.Changed) != 1 || a.Changed[0].String() != want.String() {
		t.Errorf("changed %v", a.Changed)
	}
	if d.Latest() {
		t.Error("the last night raised no alarm")
	}
	if d.Nights[0].Night != "2026-11-01" || len(d.Nights[0].Changed) > 0 || len(d.Nights[11].Changed) != 1 {
		t.Errorf("nights %+v", d.Nights)
	}
	until, err := Follow("tier", nights[len(nights)-slices.IndexFunc(d.Nights, func(r Row) bool { return r.Night == a.Night })-1:])
	if err != nil || !until.Latest() {
		t.Errorf("as of %s the last night raised the alarm (%v): %+v", a.Night, err, until.Alarms)
	}
}

// Verdicts flip, and only some flips are between supported and refuted.
func TestFlips(t *testing.T) {
	d, err := follow("tier", twenty(rand.New(rand.NewPCG(1, 1))), 3.5)
	if err != nil {
		t.Fatal(err)
	}
	want := []Flip{
		{"2026-11-06", stats.Inconclusive, stats.Supported, false},
		{"2026-11-07", stats.Supported, stats.Refuted, true},
		{"2026-11-08", stats.Refuted, stats.Inconclusive, false},
	}
	if len(d.Claims) != 1 || !slices.Equal(d.Claims[0].Flips, want) {
		t.Errorf("%+v", d.Claims)
	}
}

// A control with the old commit and the old level says that the commit did it; with the old commit and the new level, that
// it did not; and no control is a night.
func TestControls(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	nights := twenty(r)
	for _, tc := range []struct {
		mean  float64
		reads Reading
		says  string
	}{
		{1, Before, "So what changed the level is among: Commit"},
		{3.5, After, "So what changed the level is not: Commit"},
		{2.25, Undecided, "More seeds would tell"},
	} {
		control := night(r, 18, "c0ffee", tc.mean, stats.Inconclusive)
		control.Control = true
		if tc.reads == Undecided { // on neither level
			control.Series[0].Values = []float64{2.1, 2.2, 2.25, 2.3, 2.4}
		}
		control.Provenance.Machines = []model.Machine{{CPU: "cpu", Backend: "xla"}}
		changed := slices.Clone(nights)
		for i := 11; i < len(changed); i++ {
			changed[i].Provenance.Machines = control.Provenance.Machines
		}
		early := night(r, 3, "c0ffee", 9, stats.Inconclusive)
		early.Control = true
		d, err := follow("tier", append(changed, control, early), 3.5)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Nights) != 20 || len(d.Controls) != 2 || len(d.Alarms) != 1 || len(d.Alarms[0].Controls) != 1 {
			t.Fatalf("%+v", d)
		}
		c := d.Alarms[0].Controls[0]
		if c.Reads != tc.reads || !slices.Equal(c.AsBefore, []string{"Commit"}) || !slices.Equal(c.AsAfter, []string{"Backend"}) {
			t.Errorf("mean %v: %+v", tc.mean, c)
		}
		if said := c.told(&d.Alarms[0]); !strings.Contains(said, tc.says) {
			t.Errorf("mean %v: %s", tc.mean, said)
		}
	}
}

// Nights that lack a series or a claim, a night with one seed, and a single night are followed as far as they go.
func TestGaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	nights := twenty(r)[:3]
	nights[1].Series, nights[1].Claims = nil, nil
	nights[2].Series[0].Values = nights[2].Series[0].Values[:1]
	d, err := follow("tier", nights, 3.5)
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Series[0]; len(s.Nights) != 2 || s.Nights[0].Interval == nil || s.Nights[1].Interval != nil || len(d.Claims[0].Nights) != 2 {
		t.Errorf("%+v", d)
	}
	one, err := follow("tier", nights[:1], 3.5)
	if err != nil || len(one.Alarms) > 0 || one.Latest() {
		t.Errorf("one night: %+v, %v", one, err)
	}
	if text := fmt.Sprint(Document(one)); !strings.Contains(text, "No alarm in 1 night") {
		t.Errorf("one night: %s", text)
	}
}

// The document has a figure of the alarm, the command of a control that is missing, and every estimate with its verdict.
func TestDocument(t *testing.T) {
	d, err := follow("tier", twenty(rand.New(rand.NewPCG(1, 1))), 3.5)
	if err != nil {
		t.Fatal(err)
	}
	figures := 0
	var draw func(b layout.Block)
	draw = func(b layout.Block) {
		switch b := b.(type) {
		case layout.Folded:
			draw(b.Block)
		case layout.Figures:
			for _, f := range b {
				figures++
				if f.Title == "a - b, T 0.2" && !slices.ContainsFunc(figureTexts(f), func(s string) bool { return s == "since 2026-11-12" }) {
					t.Errorf("the figure lacks its mark: %v", figureTexts(f))
				}
			}
		}
	}
	var text strings.Builder
	for _, s := range Document(d) {
		for _, b := range s.Blocks {
			draw(b)
			if table, ok := b.(*layout.Table); ok {
				fmt.Fprintln(&text, table.Rows)
			}
			if folded, ok := b.(layout.Folded); ok && s.ID == "claims" {
				if n := len(folded.Block.(*layout.Table).Rows); n != 20 {
					t.Errorf("%d estimates of one claim in 20 nights", n)
				}
			}
			fmt.Fprintln(&text, b)
		}
	}
	if figures != 2 {
		t.Errorf("%d figures, want one of each series", figures)
	}
	for _, want := range []string{"most likely between 2026-11-11 and 2026-11-12", "--night " + d.Alarms[0].Night + " --control", "Commit: c0ffee, then badcab from 2026-11-12 on", "?????✓✗?????????????"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the document does not say %q:\n%s", want, &text)
		}
	}
}

func figureTexts(f *figure.Figure) (all []string) {
	for _, x := range f.Texts {
		all = append(all, x.Text)
	}
	return all
}

// A night is what its report says: each contrast once, with the gain beside it, and agreement between encoders as one value.
func TestOf(t *testing.T) {
	pairs := []model.Pair{{Seed: 7, Difference: 1.5, Gain: 20}, {Seed: 8, Difference: 2.5, Gain: 22}}
	found := &model.Estimate{Value: 0.1}
	contrast := model.Contrast{A: "hard", B: "all", Pairs: pairs, Found: found}
	agreement := model.Contrast{A: "all", B: "untrained", Statistic: "hard-stability", Pairs: pairs, Difference: &stats.MeanDifference{Estimate: 0.25}}
	r := &model.Report{Gain: bench.Gain{Of: "all", Over: "untrained"}, Claims: []model.Claim{
		{ID: "one", Temperature: 0.2, Verdict: stats.Supported, Contrasts: []model.Contrast{contrast}},
		{ID: "two", Temperature: 0.2, Verdict: stats.Inconclusive, Contrasts: []model.Contrast{contrast, agreement}},
	}}
	r.Tier.ID, r.Tier.Seeds = "tier", 2
	n := Of(bench.Night{Name: "2026-11-30"}, r, bench.Data{Name: "dots"})
	var keys []string
	for _, v := range n.Series {
		keys = append(keys, fmt.Sprint(v.Key, v.Values))
	}
	if want := []string{"all - untrained, T 0.2[20 22]", "hard - all, T 0.2[1.5 2.5]", "hard-stability of all, T 0.2[0.25]"}; !slices.Equal(keys, want) {
		t.Errorf("series %q, want %q", keys, want)
	}
	if len(n.Claims) != 2 || n.Claims[1].Measured[0].Series != "hard - all, T 0.2" || n.Claims[0].Measured[0].Found != found || n.Seeds != (bench.Night{Name: "2026-11-30"}).Seeds(2) {
		t.Errorf("%+v", n)
	}
}
