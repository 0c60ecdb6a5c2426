package figure

import (
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

const curveHeight = 180.0

// Curves draws the mean accuracy of the claim's arms at the checkpoints: it tells better from faster.
func Curves(id, title string, c *model.Claim, arms []model.Arm) *Figure {
	return training(id, title, "accuracy of the linear probe, points", c, arms, func(a model.Arm) (x, y []float64) {
		for _, p := range a.Curve {
			x, y = append(x, float64(p.Step)), append(y, p.Accuracy)
		}
		return x, y
	})
}

// Progress draws one quantity of the training of the claim's arms.
func Progress(id, title, quantity string, c *model.Claim, arms []model.Arm, of func(bench.ProgressPoint) float64) *Figure {
	return training(id, title, quantity, c, arms, func(a model.Arm) (x, y []float64) {
		for _, p := range a.Progress {
			x, y = append(x, float64(p.Step)), append(y, of(p))
		}
		return x, y
	})
}

// training is nil if no arm of the claim has a curve.
func training(id, title, quantity string, c *model.Claim, arms []model.Arm, curve func(model.Arm) (x, y []float64)) *Figure {
	members := slices.Clone(c.Controls)
	for _, x := range c.Contrasts {
		members = append(members, x.A, x.B)
	}
	plot := chart{
		id: id, title: title, across: "training steps", up: quantity, height: curveHeight,
		intro: fmt.Sprintf("Mean over seeds of the %s, by training step.", quantity),
	}
	for _, a := range arms {
		if a.Temperature != c.Temperature || !slices.Contains(members, a.ID) {
			continue
		}
		x, y := curve(a)
		if len(x) == 0 {
			continue
		}
		first, last := words.Plain(y[0]), words.Plain(y[len(y)-1])
		plot.lines = append(plot.lines, line{
			name: a.ID, note: ": " + last + " at end", x: x, y: y,
			words: fmt.Sprintf("%s: from %s at step %.0f to %s at step %.0f.", a.ID, first, x[0], last, x[len(x)-1]),
		})
	}
	return plot.figure()
}
