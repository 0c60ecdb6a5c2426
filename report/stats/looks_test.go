package stats

import (
	"slices"
	"testing"
)

func TestPlanLooks(t *testing.T) {
	for _, tc := range []struct {
		first, last int
		want        []int
	}{
		{3, 12, []int{3, 5, 8, 12}}, {3, 18, []int{3, 5, 8, 12, 18}}, {3, 10, []int{3, 5, 8, 10}},
		{3, 4, []int{3, 4}}, {3, 3, []int{3}}, {2, 5, []int{2, 3, 5}},
	} {
		if got := PlanLooks(tc.first, tc.last); !slices.Equal(got, tc.want) {
			t.Errorf("%d to %d: %v, want %v", tc.first, tc.last, got, tc.want)
		}
	}
}

var looks = PlanLooks(3, 12)

// atAnyLook is the rate at which a single claim, its true difference at mean, gets the wrong verdict at any
// look when each is judged at alpha.
func atAnyLook(rel relation, mean, sd float64, wrong Verdict, alpha float64, draws int) float64 {
	r := rng(3)
	return monteCarlo(draws, func() bool {
		a, b := arms(r, looks[len(looks)-1], mean, sd)
		for _, n := range looks {
			res, err := rel.test(a[:n], b[:n], 1, alpha)
			if err != nil || res.Verdict != Inconclusive {
				return err != nil || res.Verdict == wrong
			}
		}
		return false
	})
}

// On the margin, where errors are likeliest, looking again must not make them likelier than alpha; without
// the correction it does.
func TestLooksKeepTheLevel(t *testing.T) {
	const draws = 3_000
	each := LookAlpha(level, len(looks))
	for _, tc := range []struct {
		rel   relation
		mean  float64
		wrong Verdict
		sds   []float64
		naive bool // what a null has no slack for: uncorrected looks exceed the level
	}{
		{nonInferior, -1, Supported, []float64{1}, true},
		{nonInferior, -1, Refuted, []float64{1}, true},
		{greater, 1, Supported, []float64{1}, true},
		{greater, 1, Refuted, []float64{1}, true},
		{equivalent, 1, Supported, []float64{0.2, 1}, false},
		{equivalent, 1, Refuted, []float64{0.2, 1, 20}, false},
	} {
		for _, sd := range tc.sds {
			if got := atAnyLook(tc.rel, tc.mean, sd, tc.wrong, each, draws); got > level+slack(level, draws) {
				t.Errorf("%s at %v, sd %v: wrongly %s at some look in %.4f", tc.rel.name, tc.mean, sd, tc.wrong, got)
			}
		}
		if !tc.naive {
			continue
		}
		if got := atAnyLook(tc.rel, tc.mean, tc.sds[0], tc.wrong, level, draws); got < level+slack(level, draws) {
			t.Errorf("%s at %v: uncorrected looks are wrong in %.4f only: the test cannot tell", tc.rel.name, tc.mean, got)
		}
	}
}

// sequential judges a family at each look, keeping what earlier looks decided.
func sequential(d [][]float64, alpha float64) ([]Verdict, error) {
	verdicts := slices.Repeat([]Verdict{Inconclusive}, len(d))
	for _, n := range looks {
		so := make([][]float64, len(d))
		for i := range d {
			so[i] = d[i][:n]
		}
		evidence := weighAll(so)
		for i, v := range verdicts {
			if v != Inconclusive {
				evidence[i] = Settled(v)
			}
		}
		adjusted, err := AdjustFamily(evidence)
		if err != nil {
			return nil, err
		}
		for i, e := range adjusted {
			verdicts[i] = e.Judge(alpha)
		}
	}
	return verdicts, nil
}

// The family of a report over all looks. Claims that earlier looks decided free their share for the others:
// the distant means drive that.
func TestLooksKeepTheFamilyWiseLevel(t *testing.T) {
	const draws, edge = 1_500, 1e-9
	for name, means := range map[string][]float64{
		"all false":          {-edge},
		"all true":           {edge},
		"half and half":      {edge, -edge},
		"most clearly true":  {3, 3, 3, -edge},
		"most clearly false": {-3, -3, -3, edge},
		"clear both ways":    {3, -3, edge, -edge},
		"middling":           {0.7, -edge},
	} {
		for _, k := range []int{2, 6} {
			for dependence, rho := range map[string]float64{"independent": 0, "positive": 0.5, "opposed": -0.9} {
				signs := []float64{1}
				if rho < 0 {
					signs, rho = []float64{1, -1}, -rho
				}
				means, signs := repeat(means, k), repeat(signs, k)
				wrong := func(alpha float64) float64 {
					r := rng(uint64(k))
					return monteCarlo(draws, func() bool {
						verdicts, err := sequential(differences(r, looks[len(looks)-1], means, signs, rho), alpha)
						return err != nil || anyWrong(means, verdicts)
					})
				}
				if got := wrong(LookAlpha(level, len(looks))); got > level+slack(level, draws) {
					t.Errorf("%s, %d claims, %s: some decision wrong in %.4f", name, k, dependence, got)
				}
				if name == "half and half" && dependence == "independent" {
					if got := wrong(level); got < level+slack(level, draws) {
						t.Errorf("%d claims: uncorrected looks are wrong in %.4f only: the test cannot tell", k, got)
					}
				}
			}
		}
	}
}

func TestSettledStaysSettled(t *testing.T) {
	adjusted, err := AdjustFamily([]Evidence{Settled(Supported), Settled(Refuted), Settled(Inconclusive), {0.02, 0.98}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Verdict{Supported, Refuted, Inconclusive} {
		if got := adjusted[i].Judge(1e-12); got != want {
			t.Errorf("%s became %s", want, got)
		}
	}
	if got := adjusted[3].Support; !near(got, 0.12, 1e-12) { // three claims are left to support
		t.Errorf("p %v", got)
	}
}
