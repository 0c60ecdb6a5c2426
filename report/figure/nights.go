package figure

import (
	"fmt"

	"github.com/cidbench/cidbench/report/words"
)

const nightHeight = 130.0

// Level is the mean of a measurement in a night, with its interval.
type Level struct {
	Night           string
	Mean, Low, High float64
}

// Nights draws a measurement night by night, from the first at 1, with marks at some of the nights by their place in the row.
// It is nil for fewer than two nights.
func Nights(id, title, quantity string, levels []Level, marks map[int]string) *Figure {
	if len(levels) < 2 {
		return nil
	}
	l := line{name: "mean of the night's seeds", note: ", interval", marked: true, words: "By night:"}
	for i, level := range levels {
		l.x, l.y = append(l.x, float64(i+1)), append(l.y, level.Mean)
		l.low, l.high = append(l.low, level.Low), append(l.high, level.High)
		l.words += fmt.Sprintf(" %s %s;", level.Night, words.Fine(level.Mean))
	}
	last := len(levels) - 1
	plot := chart{
		id: id, title: title, across: "nights, from " + levels[0].Night + " to " + levels[last].Night, up: quantity, height: nightHeight,
		intro: fmt.Sprintf("The %s, night by night, with intervals of the mean.", quantity), lines: []line{l},
		ticks: []tick{{1, "1"}, {float64(last + 1), fmt.Sprint(last + 1)}},
	}
	for i := range levels {
		if label, ok := marks[i]; ok {
			plot.marks = append(plot.marks, tick{float64(i + 1), label})
		}
	}
	return plot.figure()
}
