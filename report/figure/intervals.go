package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

const (
	forestRow   = 76.0 // three lines of text below the title, and the interval
	titleLine   = 14.0
	titleLength = 54 // letters in a line
	axisRoom    = 38.0
)

// titleOf is what a claim says in plain words, in lines; or its id, where the catalogue has no words for it.
func titleOf(c *model.Claim) []string {
	if c.Plain.Holds == "" {
		return []string{c.ID}
	}
	return broken(strings.ToUpper(c.Plain.Holds[:1])+c.Plain.Holds[1:]+":", titleLength)
}

// Forest draws the interval that decides each contrast of accuracies, in percent of the gain, over the region in which
// what it asks for is true. The scale covers others too, so that forests can be compared. It is nil if nothing has an
// interval.
func Forest(id, title string, claims []model.Claim, others ...model.Claim) *Figure {
	bottom := 6.0
	for _, c := range claims {
		bottom += (forestRow + titleLine*float64(len(titleOf(&c)))) * float64(len(c.AccuracyContrasts()))
	}
	f, s := shares(id, title, bottom, slices.Concat(claims, others))
	said := []string{"The intervals that decide, of the difference of accuracy in percent of the gain; the shaded region is where the contrast holds."}
	drawn := false
	top := 6.0
	for _, c := range claims {
		for _, x := range c.AccuracyContrasts() {
			top = f.contrast(s, top, &c, x)
			drawn = drawn || x.Found != nil
			said = append(said, fmt.Sprintf("%s: %s, asks %s, found %s.", c.ID, words.Name(x), words.Asks(x), words.FoundAt(x)))
		}
	}
	if !drawn {
		return nil
	}
	f.Description = strings.Join(said, " ")
	return f
}

// shares is a figure with an axis in percent of the gain that has room for the contrasts of the claims.
func shares(id, title string, bottom float64, claims []model.Claim) (*Figure, scale) {
	values := []float64{0}
	for _, c := range claims {
		for _, x := range c.AccuracyContrasts() {
			values = append(values, x.Bounds...)
			if x.Found != nil {
				values = append(values, x.Found.Low, x.Found.High)
			}
		}
	}
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	var percents []tick
	for _, v := range s.ticks(5) {
		percents = append(percents, tick{v, words.Round(100 * v)})
	}
	f.axis(s, 6, bottom, "difference of accuracy, % of the gain", percents...)
	return f, s
}

// contrast draws one row of a forest, the claim and its verdict in front, and says where the next begins.
func (f *Figure) contrast(s scale, top float64, c *model.Claim, x model.Contrast) float64 {
	for _, line := range titleOf(c) {
		f.Texts = append(f.Texts, text{"start plate strong", plotLeft, coord(top + 14), line})
		top += titleLine
	}
	f.Texts = append(f.Texts,
		text{"start plate", plotLeft, coord(top + 15), words.Verdict(*c)},
		text{"start plate", plotLeft, coord(top + 30), words.FoundAt(x)},
		text{"start plate small", plotLeft, coord(top + 44), words.Name(x) + ", asks " + words.Asks(x)})
	f.interval(s, coord(top+61), 11, c.Verdict, x)
	return top + forestRow
}

// interval draws the region in which what x asks for is true, with a line at 0 that reaches so far below y, and in it
// the interval with the estimate.
func (f *Figure) interval(s scale, y, below coord, verdict stats.Verdict, x model.Contrast) {
	from, to := s.at(x.Bounds[0]), coord(plotRight)
	if len(x.Bounds) == 2 {
		to = s.at(x.Bounds[1])
	}
	f.Boxes = append(f.Boxes, box{"holds", from, y - 9, to - from, 18})
	f.Lines = append(f.Lines, stroke{"zero", s.at(0), y - 11, s.at(0), y + below})
	for _, b := range x.Bounds {
		if b != 0 || x.Statistic == "" {
			f.Lines = append(f.Lines, stroke{"margin", s.at(b), y - 11, s.at(b), y + 11})
		}
	}
	found := x.Found
	if found == nil {
		return
	}
	f.Lines = append(f.Lines,
		stroke{"interval", s.at(found.Low), y, s.at(found.High), y},
		stroke{"interval", s.at(found.Low), y - 6, s.at(found.Low), y + 6},
		stroke{"interval", s.at(found.High), y - 6, s.at(found.High), y + 6})
	f.Dots = append(f.Dots, dot{"estimate " + VerdictClass(verdict), s.at(found.Value), y, dotSize, words.FoundAt(x)})
}

// VerdictClass is a verdict as a CSS class.
func VerdictClass(v stats.Verdict) string {
	switch v {
	case model.NothingToJudge, model.NotAsAsked, model.NotTestable:
		return "nothing"
	}
	return string(v)
}

const observedRow = 102.0 // four lines of text, the interval, and what is below it

// Observed draws each observation on a scale of its own, since each statistic has its own unit: the interval that
// decides, a dot for each seed, and the line of what it is compared with. It is nil if nothing has an interval.
func Observed(id, title string, claims []model.Claim) *Figure {
	f := &Figure{ID: id, Title: title, Width: figureWidth}
	said := []string{"How far each statistic lies from what it is compared with, with the interval that decides, each on a scale of its own; the shaded region is where the observation holds."}
	top := 6.0
	for _, c := range claims {
		for _, x := range c.Observations() {
			if x.Found == nil {
				continue
			}
			f.observation(top, &c, x)
			top += observedRow
			said = append(said, fmt.Sprintf("%s: %s, %s, against %s, found %s, asks %s.",
				c.ID, words.Name(x), words.Amount(x, x.MeanA), origin(x), words.FoundAt(x), words.Asks(x)))
		}
	}
	if len(f.Lines) == 0 {
		return nil
	}
	f.Height, f.Description = coord(top), strings.Join(said, " ")
	return f
}

func (f *Figure) observation(top float64, c *model.Claim, x model.Contrast) {
	values := []float64{0, x.Bounds[0], x.Found.Low, x.Found.High}
	for _, p := range x.Pairs {
		values = append(values, p.Difference)
	}
	s := newScale(plotLeft, plotRight, values...)
	y := coord(top + 71)
	f.Texts = append(f.Texts,
		text{"start plate strong", plotLeft, coord(top + 12), c.ID},
		text{"start plate", plotLeft, coord(top + 27), words.Label(x.Alone, c.Machinery) + " on its own"},
		text{"start plate small", plotLeft, coord(top + 41), words.Name(x) + ": " + words.Amount(x, x.MeanA)},
		text{"start plate small", plotLeft, coord(top + 55), words.FoundAt(x)},
		beside(s.at(0), 0, y+24, origin(x)))
	for _, p := range x.Pairs {
		f.Dots = append(f.Dots, dot{"seed", s.at(p.Difference), y + 7, 3, fmt.Sprintf("seed %d: %s", p.Seed, words.Difference(x, p.Difference))})
	}
	f.interval(s, y, 13, x.Alone, x)
}

// origin names the value that a statistic is compared with.
func origin(x model.Contrast) string {
	switch against := words.Against(x); against {
	case "0":
		return against
	case model.Chance:
		return against + " " + words.Null(x.MeanB)
	default:
		return against + " " + words.Amount(x, x.MeanB)
	}
}

// beside names the line at x, on the side of it with more room.
func beside(x, gap, y coord, name string) text {
	if x > figureWidth/2 {
		return text{"end plate small", x - gap, y, name}
	}
	return text{"start plate small", x + gap, y, name}
}

const armRow = 36.0 // a line of text and the dots

// Accuracies draws every seed of every arm, its mean, the floors and chance. It is nil without runs.
func Accuracies(id, title string, r *model.Report) *Figure {
	var values []float64
	var shown []model.Arm
	for _, a := range r.Arms {
		if a.N == 0 {
			continue
		}
		shown = append(shown, a)
		for _, row := range a.Runs {
			if row.Linear != nil {
				values = append(values, *row.Linear)
			}
		}
	}
	if len(shown) == 0 {
		return nil
	}
	references := r.Floors
	if r.Chance != nil {
		references = append([]model.Floor{{ID: "chance", Mean: *r.Chance}}, references...)
	}
	for _, f := range references {
		values = append(values, f.Mean)
	}
	const lineOfText = 16.0
	top := 6 + lineOfText*float64(len(references))
	bottom := top + armRow*float64(len(shown))
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom)}
	s := newScale(plotLeft, plotRight, values...)
	f.axis(s, top, bottom, "accuracy of the linear probe, points")

	said := []string{"A dot for each seed and a bar at the mean, in points."}
	for i, ref := range references {
		x, y := s.at(ref.Mean), 6+lineOfText*float64(i)
		f.Lines = append(f.Lines, stroke{"floor", x, coord(y + 4), x, coord(bottom)})
		f.Texts = append(f.Texts, beside(x, 4, coord(y+12), fmt.Sprintf("%s %s", ref.ID, words.Plain(ref.Mean))))
		said = append(said, fmt.Sprintf("The line of %s is at %s.", ref.ID, words.Plain(ref.Mean)))
	}
	for i, a := range shown {
		y := top + armRow*float64(i)
		name := a.ID
		if t := words.Temperature(a); t != words.Absent {
			name += " at temperature " + t
		}
		f.Texts = append(f.Texts, text{"start plate", plotLeft, coord(y + 14), name + ": " + words.Maybe(a.Mean, words.Plain)})
		for _, row := range a.Runs {
			if row.Linear != nil {
				f.Dots = append(f.Dots, dot{"seed", s.at(*row.Linear), coord(y + 26), dotSize, fmt.Sprintf("seed %d: %s", row.Seed, words.Plain(*row.Linear))})
			}
		}
		f.Lines = append(f.Lines, stroke{"mean", s.at(*a.Mean), coord(y + 18), s.at(*a.Mean), coord(y + 34)})
		said = append(said, fmt.Sprintf("%s: mean %s of %s.", name, words.Maybe(a.Mean, words.Plain), words.Count(a.N, "run")))
	}
	f.Description = strings.Join(said, " ")
	return f
}

const histogramHeight = 160.0

// Histogram draws how many images are among the hardest (or easiest) negatives of how many queries, on a
// logarithmic axis, with the line of what chance gives. It is nil without bins.
func Histogram(id, title, tail string, c *model.Consistency) *Figure {
	if len(c.Histogram) == 0 {
		return nil
	}
	const least = 0.5 // images; below it nothing is drawn
	bottom := chartTop + histogramHeight
	f := &Figure{ID: id, Title: title, Width: figureWidth, Height: coord(bottom + axisRoom + 2*legendRow)}
	most := 1.0
	for _, bin := range c.Histogram {
		most = max(most, float64(bin.Images), bin.Expected)
	}
	bins := c.Histogram
	across := newScale(chartLeft, plotRight, 0, float64(bins[len(bins)-1].To))
	up := newLogScale(bottom, chartTop, least, most)
	f.axis(across, chartTop, bottom, fmt.Sprintf("queries of which an image is among the %s %.2g%%", tail, 100*c.Rate))
	var rungs []float64
	for v := 1.0; v <= most; v *= 10 {
		rungs = append(rungs, v)
	}
	f.rungs(up, "images", rungs)
	base := up.at(least)
	var steps []string
	for _, bin := range bins {
		from, to := across.at(float64(bin.From)), across.at(float64(bin.To))
		if bin.Images > 0 {
			y := up.at(float64(bin.Images))
			f.Boxes = append(f.Boxes, box{"bar", from, y, to - from, base - y})
		}
		expected := base
		if bin.Expected > least {
			expected = up.at(bin.Expected)
		}
		steps = append(steps, from.String()+","+expected.String(), to.String()+","+expected.String())
	}
	f.Paths = append(f.Paths, path{"curve s1", strings.Join(steps, " ")})
	y := coord(bottom + axisRoom + 8)
	f.Boxes = append(f.Boxes, box{"bar", plotLeft, y - 6, legendLine, 12})
	f.Lines = append(f.Lines, stroke{"curve s1", plotLeft, y + legendRow, plotLeft + legendLine, y + legendRow})
	f.Texts = append(f.Texts,
		text{"start", plotLeft + legendLine + 8, y + 4, "images observed"},
		text{"start", plotLeft + legendLine + 8, y + legendRow + 4, "expected if each query chose at random"})
	f.Description = fmt.Sprintf("Histogram of images by the number of queries for which they are among the %s negatives, with the line that chance would give. "+
		"%s of the images lie above the 99.9%% quantile of chance, where %s are expected; %s lie below its 0.1%% quantile, where %s are expected.",
		tail, words.Percent(c.Upper.Observed), words.Percent(c.Upper.Expected), words.Percent(c.Lower.Observed), words.Percent(c.Lower.Expected))
	return f
}
