package judge_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/judge"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// drawn are scores of some arms, at both temperatures, about as far from the baseline as margins are, and as noisy.
func drawn(random *rand.Rand) scores {
	s := scores{}
	for _, suffix := range []string{"", "@low"} {
		for _, arm := range []string{"baseline", "easiest95", "hardest5", "random5", "without-hardest", "without-class"} {
			shift, noise := 150*random.NormFloat64(), 60*random.Float64()
			if arm == "easiest95" {
				shift -= 300
			}
			for _, b := range base {
				s[arm+suffix] = append(s[arm+suffix], b+int(shift+noise*random.NormFloat64()))
			}
		}
	}
	for range 5 {
		s["untrained"] = append(s["untrained"], 1_000+int(40*random.NormFloat64()))
	}
	return s
}

// within says on which side of what a contrast asks its interval lies.
func within(x model.Contrast) (asked, other bool) {
	if len(x.Bounds) == 2 {
		return x.Found.Low > x.Bounds[0] && x.Found.High < x.Bounds[1], x.Found.High < x.Bounds[0] || x.Found.Low > x.Bounds[1]
	}
	return x.Found.Low > x.Bounds[0], x.Found.High < x.Bounds[0]
}

// TestTheIntervalShownDecides: a claim is supported where all its intervals, the assay's included, lie on the side that
// is asked for, and refuted where one of its own lies on the other, whatever the claim's form, its role and the data.
func TestTheIntervalShownDecides(t *testing.T) {
	forms := []string{"easiest95", "unnecessary", "harder"} // of one side, of two, of two contrasts
	seen := map[string]map[stats.Verdict]int{}
	for trial := range uint64(60) {
		s := drawn(rand.New(rand.NewPCG(trial, 1)))
		for _, in := range []judge.Input{input(t, s, forms...), planned(t, s, forms...)} {
			for _, c := range build(t, in).Claims {
				supported, refuted := true, false
				for _, x := range c.Contrasts {
					if x.Found == nil {
						t.Fatalf("%s: %v", c.ID, x.Obstacles)
					}
					asked, other := within(x)
					supported, refuted = supported && asked, refuted || other
				}
				if c.Assay != nil {
					asked, _ := within(*c.Assay)
					supported = supported && asked
				}
				own := c.Verdict
				if c.Own != "" {
					own = c.Own
				}
				if supported != (own == stats.Supported) || refuted != (own == stats.Refuted) {
					t.Errorf("trial %d: %s %s is %s, intervals say supported %t, refuted %t: %+v", trial, c.Role, c.ID, own, supported, refuted, c.Contrasts)
				}
				if seen[c.ID] == nil {
					seen[c.ID] = map[stats.Verdict]int{}
				}
				seen[c.ID][own]++
			}
		}
	}
	for _, id := range forms {
		for _, v := range []stats.Verdict{stats.Supported, stats.Refuted, stats.Inconclusive} {
			if seen[id][v] < 3 {
				t.Errorf("%s was %s %d times: too few to tell", id, v, seen[id][v])
			}
		}
	}
}

// TestOneVerdictHoweverAsked: a claim's verdict and all that it rests on are the same whichever claims are asked for
// with it, also where runs are missing.
func TestOneVerdictHoweverAsked(t *testing.T) {
	c := catalogue()
	var ids []string
	for _, x := range c.Claims {
		if len(x.Observations) == 0 || x.ID == "stable" || x.ID == "semantic" {
			ids = append(ids, x.ID)
		}
	}
	c.Claims = slices.DeleteFunc(c.Claims, func(x *bench.Claim) bool { return !slices.Contains(ids, x.ID) })
	reproduced := cmpopts.IgnoreFields(model.Claim{}, "Notes", "Places") // the numbers of footnotes, and what sweeps are shown
	for trial := range uint64(8) {
		random := rand.New(rand.NewPCG(trial, 2))
		s := drawn(random)
		if trial%3 == 0 {
			s["hardest5"] = s["hardest5"][:3]
		}
		if trial%4 == 0 {
			delete(s, "without-hardest")
		}
		s["pixels"] = []int{2_940} // the floor lies where some arms do
		judged := func(asked ...string) *model.Report {
			in := plannedOf(t, c, s, asked...)
			in.Analyses = analyseAll(t, in)
			return build(t, in)
		}
		whole := judged()
		for range 3 {
			random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			asked := ids[:1+random.IntN(3)]
			for _, got := range judged(asked...).Claims {
				if diff := cmp.Diff(find(t, whole, got.ID), got, reproduced); diff != "" {
					t.Errorf("trial %d, asked for %v: %s differs: %s", trial, asked, got.ID, diff)
				}
			}
		}
	}
}
