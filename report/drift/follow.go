package drift

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Alpha is the probability of any false alarm, over all series together, in so many unchanged nights.
const (
	Alpha   = 0.05
	Horizon = 60
)

// nearby is how many nights before and after a shift are searched for what came with it: it is found to a night or two.
const nearby = 2

// Drift is the nights of a tier in their order.
type Drift struct {
	Tier      string  `json:"tier"`
	Machinery bool    `json:"machinery"` // verdicts mean nothing for science
	Alpha     float64 `json:"alpha"`     // of any false alarm in Horizon unchanged nights
	Horizon   int     `json:"horizon"`   // nights
	Limit     float64 `json:"limit"`     // of a standardised rank sum, beyond which there is an alarm
	Nights    []Row   `json:"nights"`    // without controls
	// Controls are second runs of nights, which no test takes for nights.
	Controls []Row    `json:"controls,omitempty"`
	Claims   []Course `json:"claims"`
	Series   []Series `json:"series"`
	Alarms   []Alarm  `json:"alarms,omitempty"`
}

// Row is a night with what changed since the one before.
type Row struct {
	Night    string   `json:"night"`
	Seeds    int      `json:"seeds"`
	Complete int      `json:"complete"` // runs
	Failed   int      `json:"failed"`   // or unusable
	Changed  []Change `json:"changed,omitempty"`
}

// Change is a fact about where runs come from that is another than before.
type Change struct {
	What   string   `json:"what"`
	Night  string   `json:"night"` // the first that has it
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// Course is a claim over the nights.
type Course struct {
	Claim  string  `json:"claim"`
	Nights []Found `json:"nights"`
	Flips  []Flip  `json:"flips,omitempty"`
}

// Found is a claim in a night.
type Found struct {
	Night string `json:"night"`
	Judged
}

// Flip is a verdict that is another than the one before. It is Opposed if one is supported and the other refuted: any other
// may be for want of seeds.
type Flip struct {
	Night   string        `json:"night"`
	From    stats.Verdict `json:"from"`
	To      stats.Verdict `json:"to"`
	Opposed bool          `json:"opposed"`
}

// Series is a contrast over the nights that have it, whichever claims it belongs to: points, or a statistic in its unit.
type Series struct {
	Key       string   `json:"key"`
	Statistic string   `json:"statistic,omitempty"`
	Claims    []string `json:"claims,omitempty"` // none: what margins are shares of
	Nights    []Point  `json:"nights"`
}

// Point is a series in a night.
type Point struct {
	Night string  `json:"night"`
	N     int     `json:"n"` // values
	Mean  float64 `json:"mean"`
	// Interval is that of the mean; nil for one value.
	Interval *stats.Interval `json:"interval,omitempty"`
	// Score is the largest standardised rank sum of all partings of the nights so far, since the last alarm.
	Score float64 `json:"score"`
}

// Alarm says that the level of a series is not shown to be what it was.
type Alarm struct {
	Series string   `json:"series"`
	Claims []string `json:"claims,omitempty"`
	Night  string   `json:"night"` // that raised it
	Last   string   `json:"last"`  // night of the old level, most likely, and the first of the new
	Since  string   `json:"since"`
	// Shift is the new mean less the old, in the unit of the series, and Spread the standard deviation between seeds.
	Shift     stats.Change `json:"shift"`
	Spread    float64      `json:"spread"`
	Statistic string       `json:"statistic,omitempty"`
	// Changed is what changed about then; empty if nothing that is recorded did.
	Changed  []Change  `json:"changed,omitempty"`
	Controls []Control `json:"controls,omitempty"`
}

// Control is a second run of a night beside an alarm.
type Control struct {
	Night string `json:"night"`
	N     int    `json:"n"` // values
	// Before is its mean less that of the nights before the shift, and After less that of those after it.
	Before stats.Change `json:"before"`
	After  stats.Change `json:"after"`
	Reads  Reading      `json:"reads"`
	// AsBefore and AsAfter are the facts that it shares with the nights on one side alone.
	AsBefore []string `json:"asBefore,omitempty"`
	AsAfter  []string `json:"asAfter,omitempty"`
}

// Reading is which level a control has.
type Reading string

// The readings: a control has one of two levels if it differs from the other and not from it, by 95% intervals.
const (
	Before    Reading = "as before"
	After     Reading = "as after"
	Undecided Reading = "undecided"
)

// Latest says whether the last night raised an alarm.
func (d *Drift) Latest() bool {
	return slices.ContainsFunc(d.Alarms, func(a Alarm) bool { return a.Night == d.Nights[len(d.Nights)-1].Night })
}

// Follow sets the nights of a tier one after another, in the order of their names. It is a pure function.
func Follow(tier string, nights []Night) (*Drift, error) {
	keys := map[string]bool{}
	for _, n := range nights {
		for _, v := range n.Series {
			keys[v.Key] = true
		}
	}
	limit, err := stats.ShiftLimit(Horizon, Alpha/float64(max(1, len(keys))))
	if err != nil {
		return nil, err
	}
	return follow(tier, nights, limit)
}

func follow(tier string, all []Night, limit float64) (*Drift, error) {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b Night) int { return cmp.Compare(a.Name, b.Name) })
	control := func(n Night) bool { return n.Control }
	nights := slices.DeleteFunc(slices.Clone(all), control)
	controls := slices.DeleteFunc(all, func(n Night) bool { return !control(n) })
	d := &Drift{Tier: tier, Alpha: Alpha, Horizon: Horizon, Limit: limit, Nights: []Row{}, Claims: courses(nights), Series: series(nights)}
	for i := range nights {
		d.Machinery = nights[i].Machinery
		row := nights[i].row()
		if i > 0 {
			row.Changed = changed(&nights[i-1], &nights[i])
		}
		d.Nights = append(d.Nights, row)
	}
	for i := range controls {
		d.Controls = append(d.Controls, controls[i].row())
	}
	for i := range d.Series {
		s := &d.Series[i]
		batches := s.batches(nights)
		shifts, scores := stats.Shifts(batches, limit)
		err := s.fill(nights, batches, scores)
		alarms, e := s.alarms(nights, controls, batches, shifts)
		if err = errors.Join(err, e); err != nil {
			return nil, fmt.Errorf("drift: %s: %w", s.Key, err)
		}
		d.Alarms = append(d.Alarms, alarms...)
	}
	slices.SortStableFunc(d.Alarms, func(a, b Alarm) int { return cmp.Compare(a.Night, b.Night) })
	for i := range d.Alarms {
		d.Alarms[i].Changed = d.about(d.Alarms[i].Since)
	}
	return d, nil
}

func (n *Night) row() Row {
	return Row{Night: n.Name, Seeds: n.Seeds.N, Complete: n.Complete, Failed: n.Failed}
}

// values are those of a series; none if the night lacks it.
func (n *Night) values(key string) []float64 {
	for _, v := range n.Series {
		if v.Key == key {
			return v.Values
		}
	}
	return nil
}

// facts are what is known of where a night's runs come from.
func (n *Night) facts() []words.Origin {
	return append(words.Origins(n.Provenance), words.Origin{Name: "Data", Values: []string{n.Dataset.Name + " " + n.Dataset.Digest}})
}

// changed lists the facts in which a night differs from the one before.
func changed(before, after *Night) (all []Change) {
	was := before.facts()
	for i, is := range after.facts() {
		if !slices.Equal(was[i].Values, is.Values) {
			all = append(all, Change{What: is.Name, Night: after.Name, Before: was[i].Values, After: is.Values})
		}
	}
	return all
}

// about is what changed in the nights around one.
func (d *Drift) about(night string) (all []Change) {
	at := slices.IndexFunc(d.Nights, func(r Row) bool { return r.Night == night })
	for _, row := range d.Nights[max(0, at-nearby):min(len(d.Nights), at+nearby+1)] {
		all = append(all, row.Changed...)
	}
	return all
}

// courses are the claims of all nights, in the order of the last.
func courses(nights []Night) []Course {
	courses := []Course{}
	for _, n := range slices.Backward(nights) {
		for _, c := range n.Claims {
			if !slices.ContainsFunc(courses, func(x Course) bool { return x.Claim == c.Claim }) {
				courses = append(courses, Course{Claim: c.Claim, Nights: []Found{}})
			}
		}
	}
	for i := range courses {
		course := &courses[i]
		for _, n := range nights {
			at := slices.IndexFunc(n.Claims, func(c Judged) bool { return c.Claim == course.Claim })
			if at < 0 {
				continue
			}
			found := Found{n.Name, n.Claims[at]}
			if before := len(course.Nights) - 1; before >= 0 && course.Nights[before].Verdict != found.Verdict {
				from := course.Nights[before].Verdict
				decided := func(v stats.Verdict) bool { return v == stats.Supported || v == stats.Refuted }
				course.Flips = append(course.Flips, Flip{n.Name, from, found.Verdict, decided(from) && decided(found.Verdict)})
			}
			course.Nights = append(course.Nights, found)
		}
	}
	return courses
}

// series are those of all nights, in the order of the last.
func series(nights []Night) []Series {
	all := []Series{}
	for _, n := range slices.Backward(nights) {
		for _, v := range n.Series {
			if slices.ContainsFunc(all, func(x Series) bool { return x.Key == v.Key }) {
				continue
			}
			s := Series{Key: v.Key, Statistic: v.Statistic, Nights: []Point{}}
			for _, c := range n.Claims {
				if slices.ContainsFunc(c.Measured, func(m Measured) bool { return m.Series == v.Key }) {
					s.Claims = append(s.Claims, c.Claim)
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// batches are the values of a series, night by night; none where a night lacks it.
func (s *Series) batches(nights []Night) [][]float64 {
	all := make([][]float64, len(nights))
	for i := range nights {
		all[i] = nights[i].values(s.Key)
	}
	return all
}

// fill fills in the points of a series.
func (s *Series) fill(nights []Night, batches [][]float64, scores []float64) (err error) {
	for i, batch := range batches {
		if len(batch) == 0 {
			continue
		}
		p := Point{Night: nights[i].Name, N: len(batch), Score: scores[i]}
		if p.Mean, err = stats.Mean(batch); err != nil {
			return err
		}
		if len(batch) > 1 {
			interval, err := stats.MeanInterval(batch, model.Level)
			if err != nil {
				return err
			}
			p.Interval = &interval
		}
		s.Nights = append(s.Nights, p)
	}
	return nil
}

// alarms says of each shift of a series what it was, and what controls have in its place.
func (s *Series) alarms(nights, controls []Night, batches [][]float64, shifts []stats.Shift) (alarms []Alarm, err error) {
	start := 0
	for _, shift := range shifts {
		before, after := slices.Concat(batches[start:shift.From]...), slices.Concat(batches[shift.From:shift.At+1]...)
		start = shift.From
		last, since := &nights[shift.From-1], &nights[shift.From]
		a := Alarm{Series: s.Key, Claims: s.Claims, Statistic: s.Statistic, Night: nights[shift.At].Name, Last: last.Name, Since: since.Name}
		if a.Shift, a.Spread, err = apart(before, after); err != nil {
			return nil, err
		}
		for i := range controls {
			values := controls[i].values(s.Key)
			if controls[i].Name < since.Name || len(values) < 2 {
				continue
			}
			c := Control{Night: controls[i].Name, N: len(values), Reads: Undecided}
			if c.Before, _, err = apart(before, values); err == nil {
				c.After, _, err = apart(after, values)
			}
			if err != nil {
				return nil, err
			}
			switch like, unlike := covers(c.Before), covers(c.After); {
			case like && !unlike:
				c.Reads = Before
			case unlike && !like:
				c.Reads = After
			}
			c.AsBefore, c.AsAfter = sides(last, since, &controls[i])
			a.Controls = append(a.Controls, c)
		}
		alarms = append(alarms, a)
	}
	return alarms, nil
}

// covers says that a change is not shown.
func covers(c stats.Change) bool { return c.Low <= 0 && c.High >= 0 }

// sides are the facts that a control shares with the nights on one side of a shift alone.
func sides(last, since, control *Night) (before, after []string) {
	was, is := last.facts(), since.facts()
	for i, fact := range control.facts() {
		like, unlike := slices.Equal(fact.Values, was[i].Values), slices.Equal(fact.Values, is[i].Values)
		switch {
		case like && !unlike:
			before = append(before, fact.Name)
		case unlike && !like:
			after = append(after, fact.Name)
		}
	}
	return before, after
}

// welch is the level of intervals of changes.
const welch = 0.95

// apart compares the means of two samples, of two values or more, and says how much values of one sample spread.
func apart(before, after []float64) (change stats.Change, spread float64, err error) {
	var samples [2]stats.Difference
	squares, free := 0.0, 0.0
	for i, x := range [][]float64{before, after} {
		if samples[i], err = stats.PairedT(x, make([]float64, len(x)), welch); err != nil {
			return change, 0, err
		}
		d := samples[i]
		squares, free = squares+d.DF*float64(d.N)*d.SE*d.SE, free+d.DF
	}
	change, err = stats.NewChange(samples[0], samples[1], welch)
	return change, math.Sqrt(squares / free), err
}
