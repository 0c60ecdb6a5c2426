// Package drift sets the nights of a tier one after another: what each found, where the level of a measurement changed, and
// what changed with it.
package drift

import (
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Night is what a night found, as the registry keeps it: judged by the program of that night, so that nights stay what they
// were when claims, data or versions change, and what judges is watched with the rest.
type Night struct {
	bench.Night
	Tier       string           `json:"tier"`
	Machinery  bool             `json:"machinery,omitempty"` // verdicts mean nothing for science
	Seeds      bench.Seeds      `json:"seeds"`
	Dataset    bench.Data       `json:"dataset"`
	Complete   int              `json:"complete"` // runs
	Failed     int              `json:"failed"`   // or unusable
	Claims     []Judged         `json:"claims"`
	Series     []Values         `json:"series"`
	Provenance model.Provenance `json:"provenance"`
}

// Judged is a claim as a report of the night's runs judges it: exploratory, on the night's seeds.
type Judged struct {
	Claim    string        `json:"claim"`
	Verdict  stats.Verdict `json:"verdict"`
	Measured []Measured    `json:"measured"`
}

// Measured is a contrast of a claim, or an observation.
type Measured struct {
	Name      string          `json:"name"`
	Statistic string          `json:"statistic,omitempty"`
	Series    string          `json:"series"` // of its values, by key
	Found     *model.Estimate `json:"found,omitempty"`
}

// Values are what one contrast is at the night's seeds, whichever claims have it: in points, or in the unit of a statistic.
type Values struct {
	Key       string    `json:"key"` // "hardest5 - all, T 0.2"
	Statistic string    `json:"statistic,omitempty"`
	Values    []float64 `json:"values"`
}

// Of is what a report found on the seeds of a night.
func Of(n bench.Night, r *model.Report, data bench.Data) Night {
	night := Night{
		Night: n, Tier: r.Tier.ID, Machinery: r.Tier.Machinery, Seeds: n.Seeds(r.Tier.Seeds), Dataset: data, Complete: r.Tier.RunsPresent, Failed: r.Tier.RunsFailed,
		Claims: []Judged{}, Series: []Values{}, Provenance: r.Provenance,
	}
	seen := map[string]bool{}
	keep := func(v Values) string {
		if !seen[v.Key] {
			seen[v.Key] = true
			night.Series = append(night.Series, v)
		}
		return v.Key
	}
	for _, c := range r.Claims {
		judged := Judged{Claim: c.ID, Verdict: c.Verdict, Measured: []Measured{}}
		for _, x := range c.Contrasts {
			at := func(name string) string { return fmt.Sprintf("%s, T %g", name, c.Temperature) }
			differences := Values{Key: at(words.Name(x)), Statistic: x.Statistic, Values: []float64{}}
			gains := Values{Key: at(r.Gain.Of + " - " + r.Gain.Over), Values: []float64{}}
			for _, p := range x.Pairs {
				differences.Values, gains.Values = append(differences.Values, p.Difference), append(gains.Values, p.Gain)
			}
			if across(x.Statistic) { // encoders are compared with each other, so that seeds have no values of their own
				differences.Values = differences.Values[:0]
				if x.Difference != nil {
					differences.Values = append(differences.Values, x.Difference.Estimate)
				}
			}
			if x.Statistic == "" {
				keep(gains)
			}
			judged.Measured = append(judged.Measured, Measured{Name: words.Name(x), Statistic: x.Statistic, Series: keep(differences), Found: x.Found})
		}
		night.Claims = append(night.Claims, judged)
	}
	return night
}

func across(statistic string) bool {
	for _, d := range analysis.Across {
		if d.ID == statistic {
			return true
		}
	}
	return false
}
