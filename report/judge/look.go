package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// look is the claims judged on so many seeds, at a level.
type look struct {
	*matrix
	seeds  int
	alpha  float64
	floors []model.Floor
}

// level is that of intervals whose ends are two one-sided bounds at alpha.
func (l look) level() float64 { return 1 - 2*l.alpha }

// usable finds the measurement of an arm at a seed, and adds what is wrong with it; without a number it
// is of no use.
func (l look) usable(claim *bench.Claim, arm string, temperature float64, seed uint64, obstacles bySeed) (measurement, bool) {
	cell, ok := l.cell(arm, temperature, seed)
	if !ok {
		obstacles.add(arm+" is not part of the matrix", seed)
		return measurement{}, false
	}
	o := l.measured(cell)
	switch o.status {
	case model.Complete:
	case model.NotRun:
		missing := arm + " was not run"
		if near, ok := l.Near[cell.Spec.ID()]; ok {
			missing = fmt.Sprintf("%s was not run as the catalogue asks, stored runs differ in %s", arm, near.fields())
		}
		obstacles.add(missing, seed)
		return o, false
	default:
		obstacles.add(fmt.Sprintf("%s: %s: %s", arm, o.status, o.reason), seed)
		return o, false
	}
	for _, wrong := range misdeclared(l.Tier, claim, l.Catalogue.Arm(arm), o) {
		obstacles.add(arm+" is not what the catalogue declares, "+wrong, seed)
	}
	return o, true
}

// nothing is the verdict on a claim without a single pair.
func (l look) nothing(claim *bench.Claim) stats.Verdict {
	if len(l.near(claim)) > 0 {
		return model.NotAsAsked
	}
	return model.NothingToJudge
}

// near names the stored runs that come nearest to what a claim asks for and is not there.
func (l look) near(claim *bench.Claim) (sentences []string) {
	for _, arm := range claim.Arms() {
		for seed := range uint64(l.seeds) {
			if cell, ok := l.cell(arm, l.temperature(claim), seed); ok {
				if near, ok := l.Near[cell.Spec.ID()]; ok {
					sentences = append(sentences, fmt.Sprintf("Stored, but not as the catalogue asks for it: run %s, nearest to %s.", near.Run, cell.Name()))
				}
			}
		}
	}
	return sentences
}

// bySeed collects the seeds at which something holds.
type bySeed map[string][]uint64

func (s bySeed) add(what string, seed uint64) { s[what] = append(s[what], seed) }

func (s bySeed) sentences() (out []string) {
	for _, what := range slices.Sorted(maps.Keys(s)) {
		var seeds []string
		for _, seed := range s[what] {
			seeds = append(seeds, fmt.Sprint(seed))
		}
		plural := "s"
		if len(seeds) == 1 {
			plural = ""
		}
		out = append(out, fmt.Sprintf("%s (seed%s %s)", what, plural, strings.Join(seeds, ", ")))
	}
	return out
}
