package figure

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

// Published draws what is published of an arm over training, with the bands of repetitions, and what its runs have there.
// It is nil for fewer than two places of one arm and measure, of which a table says as much, and without a run.
func Published(id string, r *model.Report) *Figure {
	var first model.Target
	if len(r.Targets) > 0 {
		first = r.Targets[0]
	}
	published, found := line{name: "published", marked: true, words: "Published:"}, line{name: first.Arm, marked: true, words: first.Arm + ":"}
	for _, t := range r.Targets {
		if t.Arm != first.Arm || t.Measure != first.Measure {
			continue
		}
		published.x, published.y = append(published.x, float64(t.Step)), append(published.y, t.Published)
		published.low, published.high = append(published.low, t.Band.Low), append(published.high, t.Band.High)
		published.words += fmt.Sprintf(" %s %s,", words.Plain(t.Published), words.After(t))
		if t.Mean != nil {
			found.x, found.y = append(found.x, float64(t.Step)), append(found.y, *t.Mean)
			found.low, found.high = append(found.low, slices.Min(t.Found)), append(found.high, slices.Max(t.Found))
			found.words += fmt.Sprintf(" %s %s,", words.Plain(*t.Mean), words.After(t))
		}
	}
	if len(published.x) < 2 || len(found.x) == 0 {
		return nil
	}
	plot := chart{
		id: id, title: fmt.Sprintf("Accuracy of %s beside what is published", first.Arm), across: "training steps", height: fractionHeight,
		up:    fmt.Sprintf("accuracy of the %s, points", words.Measure(first.Measure)),
		intro: fmt.Sprintf("Accuracy of the %s in points, by training step: published, with the band of repetitions, and found, with the range of seeds.", words.Measure(first.Measure)),
	}
	for _, l := range []line{published, found} {
		l.words = l.words[:len(l.words)-1] + "."
		plot.lines = append(plot.lines, l)
	}
	return plot.figure()
}
