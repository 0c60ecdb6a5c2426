package layout

import (
	"fmt"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
)

func contrastTable(r *model.Report, c *model.Claim) *Table {
	caption := "Contrasts of " + c.ID + ", all of which must hold, in points."
	name, first, second, difference := "Contrast", "First", "Second", "Difference"
	if len(c.Observations()) > 0 {
		caption = "What " + c.ID + " asks for, all of which must hold: each statistic in its own unit."
		name, first, second, difference = "Statistic", "Mean", "Chance", "Beyond chance"
	}
	probability := func(of func(model.PValues) float64) func(model.Contrast) string {
		return func(x model.Contrast) string {
			if x.P == nil {
				return words.Absent
			}
			return words.Probability(of(*x.P))
		}
	}
	return wide(Tabulate(caption, c.Contrasts,
		Text(name, words.Name),
		Text("Asks", words.Asks),
		Number(first, func(x model.Contrast) string { return words.Amount(x, x.MeanA) }),
		Number(second, func(x model.Contrast) string {
			if x.Statistic != "" {
				return words.Chance(x)
			}
			return words.Amount(x, x.MeanB)
		}),
		Number(difference, words.Estimate),
		Number(words.Confidence(r.Level)+" interval", words.Interval),
		Number("Seeds", seeds),
		Number("p holds", probability(func(p model.PValues) float64 { return p.Support })),
		Number("p fails", probability(func(p model.PValues) float64 { return p.Refute })),
		Text("On its own", func(x model.Contrast) string { return words.Label(x.Alone, c.Machinery) })))
}

func seeds(x model.Contrast) string { return fmt.Sprint(x.N) }

// effectTable shows the arms of a claim beside each other, against the baseline.
func effectTable(r *model.Report, c *model.Claim) *Table {
	accuracy := func(spell func(model.Contrast) string) func(model.Effect) string {
		return func(e model.Effect) string { return spell(model.Contrast{Difference: e.Difference}) }
	}
	return Tabulate(fmt.Sprintf("Controls beside the contrasts: what each arm gains or loses against %s, in points, paired by seed.", c.Beside[0].Baseline), c.Beside,
		Text("Arm", func(e model.Effect) string { return e.Arm }),
		Text("Negatives", func(e model.Effect) string { return e.Rules }),
		Number("Difference", accuracy(words.Estimate)),
		Number(words.Confidence(r.Level)+" interval", accuracy(words.Interval)),
		Number("Seeds", func(e model.Effect) string { return fmt.Sprint(e.N) }))
}

// seedOf is a seed's pair of a contrast, or its value of an observed statistic; what does not exist is nil.
type seedOf struct {
	contrast  model.Contrast
	statistic *model.Statistic
	pair      *model.Pair
	value     *model.SeedValue
}

func nameOfSeed(x seedOf) string { return words.Name(x.contrast) }

// ofPair and ofValue spell what does not exist as absent.
func ofPair(spell func(model.Pair) string) func(seedOf) string {
	return func(x seedOf) string {
		if x.pair == nil {
			return words.Absent
		}
		return spell(*x.pair)
	}
}

func ofValue(spell func(model.SeedValue) string) func(seedOf) string {
	return func(x seedOf) string {
		if x.value == nil {
			return words.Absent
		}
		return spell(*x.value)
	}
}

func pairTable(c *model.Claim) *Table {
	var pairs []seedOf
	for _, x := range c.AccuracyContrasts() {
		for i := range x.Pairs {
			pairs = append(pairs, seedOf{contrast: x, pair: &x.Pairs[i]})
		}
		if len(x.Pairs) == 0 {
			pairs = append(pairs, seedOf{contrast: x})
		}
	}
	return Tabulate("Accuracy of "+c.ID+" by seed, in points.", pairs,
		Text("Contrast", nameOfSeed),
		Number("Seed", ofPair(func(p model.Pair) string { return fmt.Sprint(p.Seed) })),
		Number("First", ofPair(func(p model.Pair) string { return words.Plain(p.A) })),
		Number("Second", ofPair(func(p model.Pair) string { return words.Plain(p.B) })),
		Number("Difference", ofPair(func(p model.Pair) string { return words.Signed(p.Difference) })))
}

// seedTable has each seed's value of the observed statistics with its bootstrap interval, over classes of
// queries or over images, and its permutation p value.
func seedTable(r *model.Report, c *model.Claim) *Table {
	var values []seedOf
	for _, x := range c.Observations() {
		none := len(values)
		for i := range r.Analyses {
			a := &r.Analyses[i]
			s := a.Find(x.Statistic)
			if !a.Final || a.Arm != x.A || a.Temperature != c.Temperature || s == nil {
				continue
			}
			for j := range s.Seeds {
				values = append(values, seedOf{contrast: x, statistic: s, value: &s.Seeds[j]})
			}
		}
		if len(values) == none {
			values = append(values, seedOf{contrast: x})
		}
	}
	return wide(Tabulate("Statistics of "+c.ID+" by seed, with the 90% bootstrap interval of each encoder (over classes of queries; for consistency over images) and the p value of its permutation null.", values,
		Text("Statistic", nameOfSeed),
		Number("Seed", ofValue(func(v model.SeedValue) string { return fmt.Sprint(v.Seed) })),
		Number("Value", ofValue(func(v model.SeedValue) string { return words.Fine(v.Value) })),
		Number("Bootstrap interval", ofValue(func(v model.SeedValue) string { return words.Fine(v.Low) + " to " + words.Fine(v.High) })),
		Number("Chance", func(x seedOf) string {
			if x.statistic == nil {
				return words.Absent
			}
			return words.Null(x.statistic.Null)
		}),
		Number("p", ofValue(func(v model.SeedValue) string { return permutationP(v.Permutation) }))))
}

func runTable(c *model.Claim) *Table {
	t := Tabulate("Runs and analyses behind "+c.ID+", with the digests of their manifests.", c.Runs,
		Text("Arm", func(run model.RunRef) string { return run.Arm }),
		Number("Seed", func(run model.RunRef) string { return fmt.Sprint(run.Seed) }),
		Text("Run", func(run model.RunRef) string { return run.Run }),
		Text("Manifest", func(run model.RunRef) string { return string(run.Manifest) }))
	if len(c.Runs) == 0 {
		t.Rows = []Row{{Cells: []string{"none", words.Absent, words.Absent, words.Absent}}}
	}
	return t
}
