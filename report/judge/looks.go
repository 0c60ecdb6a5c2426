package judge

import (
	"slices"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// planned are the looks of an input; a fixed number of seeds is a plan of one.
func planned(in Input) *model.Looks {
	looks := &model.Looks{Method: words.LookMethod, Seeds: in.Looks, Alpha: model.TotalAlpha, Open: []string{}, Stopped: in.Stopped}
	if in.Looks == nil {
		looks.Seeds = []int{in.Seeds}
	}
	return looks
}

// outcome is the claims at the last look taken, with what qualifies each, and that look.
type outcome struct {
	claims []model.Claim
	notes  [][]string
	look   look
}

// take measures the claims at each of the looks, those that are still open, and decides what it can: on the
// combined evidence of a claim's contrasts, corrected for all claims of the report at the same temperature, and
// for all looks.
func (l look) take(looks *model.Looks) (*outcome, error) {
	family := len(l.Claims)
	out := &outcome{make([]model.Claim, family), make([][]string, family), l}
	raw, open := make([]stats.Evidence, family), make([]int, family)
	for i := range open {
		open[i] = i
	}
	for taken, seeds := range looks.Seeds {
		whole := l.Looks == nil || l.finished(open, seeds) // missing runs stand in a report of one look
		if !whole && taken > 0 {
			break
		}
		out.look.seeds = seeds
		for _, i := range open {
			out.claims[i], out.notes[i] = out.look.measure(l.Claims[i])
			if raw[i] = combine(out.claims[i].Contrasts); !whole {
				raw[i] = stats.Settled(stats.Inconclusive) // half a look decides nothing
			}
		}
		corrected, err := correct(out.claims, raw)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			c := &out.claims[i]
			c.Raw, c.Corrected = pValues(raw[i]), pValues(corrected[i])
			c.Verdict = corrected[i].Judge(l.alpha)
			if !slices.ContainsFunc(c.Contrasts, func(x model.Contrast) bool { return x.N > 0 }) {
				c.Verdict = model.NothingToJudge
			}
			raw[i] = stats.Settled(c.Verdict)
		}
		if !whole {
			break
		}
		looks.Taken = taken + 1
		for _, i := range open {
			out.claims[i].Look = looks.Taken
		}
		open = slices.DeleteFunc(open, func(i int) bool { return !out.claims[i].Open() })
		if len(open) == 0 {
			break
		}
	}
	for _, i := range open {
		looks.Open = append(looks.Open, out.claims[i].ID)
	}
	return out, nil
}

// finished says whether every run of the claims is there, with its analyses, for so many seeds.
func (m *matrix) finished(claims []int, seeds int) bool {
	for _, i := range claims {
		claim := m.Claims[i]
		for _, arm := range claim.Arms() {
			for seed := range uint64(seeds) {
				cell, ok := m.cell(arm, m.temperature(claim), seed)
				if _, done := m.Runs[cell.Spec.ID()]; !ok || !done {
					return false
				}
			}
		}
		for _, x := range claim.Observations {
			for seed := range uint64(seeds) {
				cell, _ := m.cell(x.Arm, m.temperature(claim), seed)
				complete := m.Runs[cell.Spec.ID()].Manifest.Status == registry.Complete
				if complete && m.analysisOf(x.Arm, m.temperature(claim), seed) == nil {
					return false
				}
			}
		}
	}
	return true
}
