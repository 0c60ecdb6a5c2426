package drift

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/report/figure"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Document lays the nights out.
func Document(d *Drift) layout.Document {
	top := layout.Section{ID: "top", Level: 1, Title: "Nights of tier " + d.Tier, Blocks: []layout.Block{layout.Paragraph(d.summary())}}
	if d.Machinery {
		top.Blocks = append([]layout.Block{layout.Alert("This only shows that the machinery works: its verdicts mean nothing for science.")}, top.Blocks...)
	}
	if d.Latest() {
		top.Blocks = append([]layout.Block{layout.Alert("The last night raised an alarm.")}, top.Blocks...)
	}
	document := layout.Document{top}
	if len(d.Alarms) > 0 {
		document = append(document, d.alarms())
	}
	return append(document,
		layout.Section{ID: "claims", Level: 2, Title: "Claims", Blocks: []layout.Block{d.claims(), d.flips(), layout.Folded{Title: "Estimates by night", Block: d.estimates()}}},
		layout.Section{ID: "series", Level: 2, Title: "What is watched", Blocks: append([]layout.Block{d.watched()}, d.quiet()...)},
		layout.Section{ID: "nights", Level: 2, Title: "Nights", Blocks: []layout.Block{d.nights()}},
		layout.Section{ID: "method", Level: 2, Title: "How to read this", Blocks: []layout.Block{layout.List{
			fmt.Sprintf("After each night the values of every series, one for each seed, are compared before and after every parting of the nights so far, by their ranks. "+
				"An alarm is a standardised rank sum beyond %.2f, which any of these %d series exceeds in %d unchanged nights with probability %g or less. After an alarm a series begins anew.",
				d.Limit, len(d.Series), d.Horizon, d.Alpha),
			"Each night has seeds of its own. Its verdicts are those of so few seeds, uncorrected, and mostly inconclusive: a verdict that flips is no alarm, and one that does not is no proof.",
			"A control is a second run of a night, on seeds of its own, with the commit of before or whatever else is to be told apart. Without one an alarm says that a level changed, and not why.",
		}}})
}

func (d *Drift) summary() string {
	latest := slices.DeleteFunc(slices.Clone(d.Alarms), func(a Alarm) bool { return a.Night != d.Nights[len(d.Nights)-1].Night })
	text := fmt.Sprintf("%s, %s to %s: %d of them raised in the last night.", words.Count(len(d.Alarms), "alarm")+" in "+words.Count(len(d.Nights), "night"),
		d.Nights[0].Night, d.Nights[len(d.Nights)-1].Night, len(latest))
	if len(d.Alarms) == 0 {
		text = fmt.Sprintf("No alarm in %s, %s to %s.", words.Count(len(d.Nights), "night"), d.Nights[0].Night, d.Nights[len(d.Nights)-1].Night)
	}
	return text + fmt.Sprintf(" Of %s, %s.", words.Count(len(d.Claims), "claim"), d.standing())
}

// standing counts the verdicts of the last night.
func (d *Drift) standing() string {
	var tally model.Tally
	for _, c := range d.Claims {
		tally.Count(c.Nights[len(c.Nights)-1].Verdict)
	}
	text := words.Tally(tally)
	if tally.NotTestable > 0 {
		text += fmt.Sprintf(", %d not testable", tally.NotTestable)
	}
	return text + " in the last night"
}

// alarms says of each what changed and what its controls say.
func (d *Drift) alarms() layout.Section {
	s := layout.Section{ID: "alarms", Level: 2, Title: "Alarms"}
	for i := range slices.Backward(d.Alarms) {
		a := &d.Alarms[i]
		facts := layout.Facts{
			{Name: a.Night, Text: a.shifted()},
			{Name: "Changed", Text: cmp.Or(words.Joined(a.Changed, "; ", Change.String), fmt.Sprintf("nothing that is recorded, within %d nights of %s", nearby, a.Since))},
		}
		for _, c := range a.Controls {
			facts = append(facts, layout.Fact{Name: "Control " + c.Night, Text: c.told(a)})
		}
		if len(a.Controls) == 0 {
			facts = append(facts, layout.Fact{Name: "Control", Text: fmt.Sprintf("none was run. With what is to be told apart as it was on %s, such as the commit: run and drift with --night %s --control", a.Last, a.Night)})
		}
		s.Blocks = append(s.Blocks, facts)
		s.Blocks = append(s.Blocks, d.drawn(a.Series, fmt.Sprintf("alarm-%d", i))...)
	}
	return s
}

func (a *Alarm) spell(v float64) string {
	return words.Difference(model.Contrast{Statistic: a.Statistic}, v)
}

func (a *Alarm) shifted() string {
	of := "what margins are shares of"
	if len(a.Claims) > 0 {
		of = strings.Join(a.Claims, ", ")
	}
	text := fmt.Sprintf("%s (%s) changed by %s (%s to %s, level %s)", a.Series, of, a.spell(a.Shift.Estimate), a.spell(a.Shift.Low), a.spell(a.Shift.High), words.Confidence(a.Shift.Level))
	if a.Spread > 0 {
		text += fmt.Sprintf(", %.1f standard deviations between seeds", a.Shift.Estimate/a.Spread)
	}
	return text + fmt.Sprintf(", most likely between %s and %s", a.Last, a.Since)
}

// String reads like "Commit: a4c86a9, then 0e8d110 from 2026-11-30 on".
func (c Change) String() string {
	values := func(all []string) string { return words.OrNone(strings.Join(all, "; ")) }
	return fmt.Sprintf("%s: %s, then %s from %s on", c.What, values(c.Before), values(c.After), c.Night)
}

// told is what the control tells of an alarm.
func (c Control) told(a *Alarm) string {
	like := func(facts []string) string { return words.OrNone(strings.Join(facts, ", ")) }
	text := fmt.Sprintf("%s: %s from the nights before (%s to %s), %s from those after (%s to %s), %s. It shares with those before alone: %s; with those after alone: %s",
		c.Reads, a.spell(c.Before.Estimate), a.spell(c.Before.Low), a.spell(c.Before.High), a.spell(c.After.Estimate), a.spell(c.After.Low), a.spell(c.After.High),
		words.Count(c.N, "value"), like(c.AsBefore), like(c.AsAfter))
	switch {
	case c.Reads == Before && len(c.AsBefore) > 0:
		text += fmt.Sprintf(". So what changed the level is among: %s", like(c.AsBefore))
	case c.Reads == After && len(c.AsAfter) > 0:
		text += fmt.Sprintf(". So what changed the level is not: %s", like(c.AsBefore))
	case c.Reads == Undecided:
		text += ". More seeds would tell"
	}
	return text
}

type measuredOf = layout.Member[Course, Measured]

func (d *Drift) claims() *layout.Table {
	last := func(c *Course) Found { return c.Nights[len(c.Nights)-1] }
	all := layout.Members(d.Claims, func(c *Course) []Measured { return last(c).Measured })
	once := layout.Once[Course, Measured]
	return layout.Tabulate("Verdicts night by night, the oldest first, and the last night's estimates with the intervals that decided.", all,
		layout.Text("Claim", once(func(c Course) string { return c.Claim })),
		layout.Text("Verdicts", once(func(c Course) string {
			return words.Joined(c.Nights, "", func(f Found) string { return words.Mark(f.Verdict) })
		})),
		layout.Text("Last", once(func(c Course) string { return string(last(&c).Verdict) })),
		layout.Number("Flips", once(func(c Course) string { return fmt.Sprint(len(c.Flips)) })),
		layout.Text("Contrast", func(x measuredOf) string { return x.Of.Name }),
		layout.Text("Last night", func(x measuredOf) string { return x.Of.found() }))
}

func (m Measured) found() string {
	return words.Found(model.Contrast{Statistic: m.Statistic, Found: m.Found})
}

// flips lists verdicts that are opposed, and counts the others.
func (d *Drift) flips() layout.Block {
	type flip struct {
		claim string
		Flip
	}
	var opposed []flip
	others := 0
	for _, c := range d.Claims {
		for _, f := range c.Flips {
			if f.Opposed {
				opposed = append(opposed, flip{c.Claim, f})
			} else {
				others++
			}
		}
	}
	more := fmt.Sprintf("%s to or from inconclusive, which so few seeds do by themselves.", words.Count(others, "verdict"))
	if len(opposed) == 0 {
		return layout.Paragraph("No verdict flipped between supported and refuted from one night to the next; " + more)
	}
	return layout.Tabulate("Verdicts that flipped between supported and refuted from one night to the next; besides "+more, opposed,
		layout.Text("Claim", func(f flip) string { return f.claim }),
		layout.Text("Night", func(f flip) string { return f.Night }),
		layout.Text("From", func(f flip) string { return string(f.From) }),
		layout.Text("To", func(f flip) string { return string(f.To) }))
}

func (d *Drift) estimates() *layout.Table {
	type row struct {
		claim, night string
		verdict      stats.Verdict
		Measured
	}
	var rows []row
	for _, c := range d.Claims {
		for _, n := range c.Nights {
			for _, m := range n.Measured {
				rows = append(rows, row{c.Claim, n.Night, n.Verdict, m})
			}
		}
	}
	t := layout.Tabulate("Every claim in every night: shares of the gain, or a statistic in its own unit, with the intervals that decided.", rows,
		layout.Text("Claim", func(r row) string { return r.claim }),
		layout.Text("Night", func(r row) string { return r.night }),
		layout.Text("Verdict", func(r row) string { return words.Mark(r.verdict) + " " + string(r.verdict) }),
		layout.Text("Contrast", func(r row) string { return r.Name }),
		layout.Text("Found", func(r row) string { return r.found() }))
	t.Wide = true
	return t
}

func (d *Drift) watched() *layout.Table {
	number := func(s Series, v float64) string { return words.Difference(model.Contrast{Statistic: s.Statistic}, v) }
	return layout.Tabulate(fmt.Sprintf("Means over the seeds of a night, in points or in a statistic's unit. Score: the last standardised rank sum; the limit is %.2f.", d.Limit), d.Series,
		layout.Text("Series", func(s Series) string { return s.Key }),
		layout.Number("Nights", func(s Series) string { return fmt.Sprint(len(s.Nights)) }),
		layout.Number("Last mean", func(s Series) string {
			if len(s.Nights) == 0 {
				return words.Absent
			}
			return number(s, s.Nights[len(s.Nights)-1].Mean)
		}),
		layout.Text("Interval", func(s Series) string {
			if len(s.Nights) == 0 {
				return words.Absent
			}
			return words.Maybe(s.Nights[len(s.Nights)-1].Interval, func(i stats.Interval) string { return number(s, i.Low) + " to " + number(s, i.High) })
		}),
		layout.Number("Score", func(s Series) string {
			if len(s.Nights) == 0 {
				return words.Absent
			}
			return words.Signed(s.Nights[len(s.Nights)-1].Score)
		}),
		layout.Number("Alarms", func(s Series) string {
			return fmt.Sprint(len(slices.DeleteFunc(slices.Clone(d.Alarms), func(a Alarm) bool { return a.Series != s.Key })))
		}))
}

// drawn is the figure of a series, with its alarms.
func (d *Drift) drawn(key, id string) []layout.Block {
	i := slices.IndexFunc(d.Series, func(s Series) bool { return s.Key == key })
	s := d.Series[i]
	var levels []figure.Level
	marks := map[int]string{}
	for at, p := range s.Nights {
		level := figure.Level{Night: p.Night, Mean: p.Mean, Low: p.Mean, High: p.Mean}
		if p.Interval != nil {
			level.Low, level.High = p.Interval.Low, p.Interval.High
		}
		levels = append(levels, level)
		for _, a := range d.Alarms {
			if a.Series == key && a.Since == p.Night {
				marks[at] = "since " + a.Since
			}
		}
	}
	quantity := "points"
	if s.Statistic != "" {
		quantity = s.Statistic
	}
	drawing := figure.Nights(id, s.Key, quantity, levels, marks)
	if drawing == nil {
		return nil
	}
	return []layout.Block{layout.Figures{drawing}}
}

// quiet are the figures of series without an alarm, put away.
func (d *Drift) quiet() (folded []layout.Block) {
	for i, s := range d.Series {
		if !slices.ContainsFunc(d.Alarms, func(a Alarm) bool { return a.Series == s.Key }) {
			for _, b := range d.drawn(s.Key, fmt.Sprintf("series-%d", i)) {
				folded = append(folded, layout.Folded{Title: s.Key, Block: b})
			}
		}
	}
	return folded
}

func (d *Drift) nights() *layout.Table {
	rows := slices.Clone(d.Nights)
	for _, c := range d.Controls {
		c.Night += ", control"
		rows = append(rows, c)
	}
	return layout.Tabulate("Nights in their order, and then controls.", rows,
		layout.Text("Night", func(r Row) string { return r.Night }),
		layout.Number("Seeds", func(r Row) string { return fmt.Sprint(r.Seeds) }),
		layout.Number("Runs", func(r Row) string { return fmt.Sprint(r.Complete) }),
		layout.Number("Failed", func(r Row) string { return fmt.Sprint(r.Failed) }),
		layout.Text("Changed", func(r Row) string { return words.OrNone(words.Joined(r.Changed, "; ", Change.String)) }))
}
