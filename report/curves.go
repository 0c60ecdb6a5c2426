package report

import (
	"fmt"
	"slices"
	"strings"
)

const (
	curveHeight = 180.0
	curveLeft   = 46.0
	legendRow   = 20.0
	lineStyles  = 6 // in the style sheet: each has a colour and dashes of its own
)

// line is a curve of an arm.
type line struct {
	name string
	x, y []float64
}

// curves draws the mean accuracy of the claim's arms at the checkpoints: it tells better from faster.
func curves(id, title string, c *Claim, arms []Arm) *figure {
	return draw(id, title, "accuracy of the linear probe, points", c, arms, func(a Arm) (x, y []float64) {
		for _, p := range a.Curve {
			x, y = append(x, float64(p.Step)), append(y, p.Accuracy)
		}
		return x, y
	})
}

// losses draws the mean loss of the claim's arms.
func losses(id, title string, c *Claim, arms []Arm) *figure {
	return draw(id, title, "InfoNCE, nats", c, arms, func(a Arm) (x, y []float64) {
		for _, p := range a.Loss {
			x, y = append(x, float64(p.Step)), append(y, p.Loss)
		}
		return x, y
	})
}

// draw is nil if no arm of the claim has a curve.
func draw(id, title, quantity string, c *Claim, arms []Arm, curve func(Arm) (x, y []float64)) *figure {
	members := slices.Clone(c.Controls)
	for _, x := range c.Contrasts {
		members = append(members, x.A, x.B)
	}
	var lines []line
	var xs, ys []float64
	for _, a := range arms {
		if a.Temperature != c.Temperature || !slices.Contains(members, a.ID) {
			continue
		}
		if x, y := curve(a); len(x) > 0 {
			lines = append(lines, line{a.ID, x, y})
			xs, ys = append(xs, x...), append(ys, y...)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	const top = 24.0
	bottom := top + curveHeight
	f := &figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom + legendRow*float64(len(lines)))}
	across := newScale(curveLeft, plotRight, append(xs, 0)...)
	up := newScale(bottom, top, ys...)
	f.axis(across, top, bottom, "training steps")
	f.Texts = append(f.Texts, text{"start small", plotLeft, top - 10, quantity})
	for _, v := range up.ticks(4) {
		y := up.at(v)
		f.Lines = append(f.Lines, stroke{"grid", curveLeft, y, plotRight, y})
		f.Texts = append(f.Texts, text{"end small", curveLeft - 5, y + 4, fmt.Sprintf("%g", round(v))})
	}
	words := []string{fmt.Sprintf("Mean over seeds of the %s, by training step.", quantity)}
	for i, l := range lines {
		style := fmt.Sprintf("curve s%d", i%lineStyles)
		var points []string
		for j := range l.x {
			points = append(points, across.at(l.x[j]).String()+","+up.at(l.y[j]).String())
		}
		f.Paths = append(f.Paths, path{style, strings.Join(points, " ")})
		y := coord(bottom + axisRoom + legendRow*float64(i) + 8)
		f.Lines = append(f.Lines, stroke{style, curveLeft, y, curveLeft + 40, y})
		first, last := l.y[0], l.y[len(l.y)-1]
		f.Texts = append(f.Texts, text{"start", curveLeft + 48, y + 4, l.name + ": " + plain(last) + " at the end"})
		words = append(words, fmt.Sprintf("%s: from %s at step %.0f to %s at step %.0f.", l.name, plain(first), l.x[0], plain(last), l.x[len(l.x)-1]))
	}
	f.Description = strings.Join(words, " ")
	return f
}
