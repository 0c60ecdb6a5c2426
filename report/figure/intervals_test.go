package figure_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

func found(low, value, high float64) *model.Estimate {
	return &model.Estimate{Value: value, Interval: stats.Interval{Low: low, High: high, Level: 0.9886}}
}

// spans are how far the intervals of a figure reach.
func spans(f *figure.Figure) (all []string) {
	for _, l := range f.Lines {
		if l.Class == "interval" && l.Y1 == l.Y2 {
			all = append(all, l.X1.String()+" "+l.X2.String())
		}
	}
	return all
}

// What is drawn is the interval that decides, whatever that of the difference in points is.
func TestFiguresDrawWhatDecides(t *testing.T) {
	accuracy := model.Contrast{A: "hardest5", B: "all", Relation: bench.NonInferior, Bounds: []float64{-0.05}, Found: found(0.06, 0.15, 0.25)}
	statistic := model.Contrast{A: "all", B: "untrained", Statistic: "hard-stability", Relation: bench.Greater, Bounds: []float64{0.1}, Found: found(0.2, 0.3, 0.4)}
	for _, tc := range []struct {
		x    model.Contrast
		draw func(...model.Claim) *figure.Figure
		says string
	}{
		{accuracy, func(c ...model.Claim) *figure.Figure { return figure.Forest("f", "f", c) }, "+15.0% (+6.0% to +25.0%) of the gain, level 98.86%"},
		{statistic, func(c ...model.Claim) *figure.Figure { return figure.Observed("f", "f", c) }, "+0.3000 (+0.2000 to +0.4000) from untrained, level 98.86%"},
	} {
		drawn := tc.draw(model.Claim{ID: "c", Contrasts: []model.Contrast{tc.x}})
		if !strings.Contains(drawn.Description, tc.says) || len(spans(drawn)) != 1 {
			t.Errorf("%q lacks %q, or intervals %v", drawn.Description, tc.says, spans(drawn))
		}
		other, wider := tc.x, tc.x
		other.Difference = &stats.MeanDifference{Estimate: 3, Interval: stats.Interval{Low: -9, High: 9, Level: 0.9}}
		wider.Found = found(0.01, tc.x.Found.Value, 0.5)
		if got := tc.draw(model.Claim{ID: "c", Contrasts: []model.Contrast{other}}); !slices.Equal(spans(got), spans(drawn)) {
			t.Errorf("points move the interval: %v, without them %v", spans(got), spans(drawn))
		}
		if got := tc.draw(model.Claim{ID: "c", Contrasts: []model.Contrast{wider}}); slices.Equal(spans(got), spans(drawn)) {
			t.Errorf("another interval is drawn alike: %v", spans(got))
		}
	}
}

// What stands above a verdict is what the claim says: "supported" below the opposite would be read as the opposite.
func TestForestNamesWhatIsJudged(t *testing.T) {
	x := model.Contrast{A: "a", B: "b", Relation: bench.NonInferior, Bounds: []float64{-0.05}, Found: found(-0.01, 0.01, 0.02)}
	c := model.Claim{
		ID: "c", Verdict: stats.Supported, Contrasts: []model.Contrast{x},
		Plain: bench.Plain{Holds: "they were not needed", Fails: "they were needed", Whether: "they are needed"},
	}
	if f := figure.Forest("f", "f", []model.Claim{c}); f.Texts[len(f.Texts)-4].Text != "They were not needed:" || f.Texts[len(f.Texts)-3].Text != "✓ supported" {
		t.Errorf("%+v", f.Texts)
	}
}

// The axis is in percent of the gain.
func TestForestAxis(t *testing.T) {
	x := model.Contrast{A: "a", B: "b", Relation: bench.Greater, Bounds: []float64{0.05}, Found: found(0.1, 0.2, 0.4)}
	f := figure.Forest("f", "f", []model.Claim{{ID: "c", Contrasts: []model.Contrast{x}}})
	var ticks []string
	for _, text := range f.Texts {
		if text.Class == "middle small" {
			ticks = append(ticks, text.Text)
		}
	}
	if !slices.Equal(ticks, []string{"0", "10", "20", "30", "40", "difference of accuracy, % of the gain"}) {
		t.Errorf("%q", ticks)
	}
}
