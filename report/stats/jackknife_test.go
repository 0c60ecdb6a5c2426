package stats

import (
	"errors"
	"math"
	"testing"
)

// meanWithout is the mean of x but for one value.
func meanWithout(x []float64) func(without int) float64 {
	return func(without int) float64 {
		sum, n := 0.0, 0.0
		for i, v := range x {
			if i != without {
				sum, n = sum+v, n+1
			}
		}
		return sum / n
	}
}

func TestJackknifeOfTheMean(t *testing.T) {
	pseudo, err := Jackknife(len(drug2), meanWithout(drug2))
	if err != nil || len(pseudo) != len(drug2) {
		t.Fatal(pseudo, err)
	}
	for i, v := range drug2 {
		if !near(pseudo[i], v, 1e-12) {
			t.Errorf("seed %d: %v, want %v", i, pseudo[i], v)
		}
	}
}

// The mean product of all pairs estimates the squared mean, and its pseudo-values do without bias; their spread
// gives the standard error that independent repetitions show.
func TestJackknifeOfPairs(t *testing.T) {
	const draws, n, mean = 2_000, 12, 1.5
	r := rng(4)
	var estimates []float64
	variance := 0.0
	for range draws {
		x := make([]float64, n)
		for i := range x {
			x[i] = mean + r.NormFloat64()
		}
		pseudo, err := Jackknife(n, func(without int) float64 {
			sum, pairs := 0.0, 0.0
			for i := range x {
				for j := range i {
					if i != without && j != without {
						sum, pairs = sum+x[i]*x[j], pairs+1
					}
				}
			}
			return sum / pairs
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := PairedT(pseudo, make([]float64, n), 0.9)
		if err != nil {
			t.Fatal(err)
		}
		estimates = append(estimates, d.Estimate)
		variance += d.SE * d.SE / draws
	}
	center, err := Mean(estimates)
	if err != nil {
		t.Fatal(err)
	}
	sd, err := StdDev(estimates)
	if err != nil {
		t.Fatal(err)
	}
	if !near(center, mean*mean, 4*sd/math.Sqrt(draws)) {
		t.Errorf("mean %v, want %v", center, mean*mean)
	}
	if ratio := math.Sqrt(variance) / sd; ratio < 0.95 || ratio > 1.1 {
		t.Errorf("standard error %v, spread %v", math.Sqrt(variance), sd)
	}
}

func TestJackknifeRefusesWhatItCannotAnswer(t *testing.T) {
	if v, err := Jackknife(1, meanWithout([]float64{1})); !errors.Is(err, ErrTooFew) || v != nil {
		t.Errorf("one seed: %v, %v", v, err)
	}
	for name, x := range map[string][]float64{"missing": {1, nan, 2}, "overflow": {math.MaxFloat64, math.MaxFloat64}} {
		if v, err := Jackknife(len(x), meanWithout(x)); !errors.Is(err, ErrNotFinite) || v != nil {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}
