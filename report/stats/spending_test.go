package stats

import (
	"errors"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// The first bound of the function at one-sided 0.025, as programs for group sequential trials print it, and that no
// more than alpha is given out.
func TestOBrienFleming(t *testing.T) {
	for _, tc := range []struct {
		looks []int
		first float64 // z
	}{
		{[]int{7}, 1.960},
		{[]int{10, 20}, 2.963},
		{[]int{2, 4, 6, 8, 10}, 4.877},
	} {
		levels, err := OBrienFleming(0.025, tc.looks)
		if err != nil || len(levels) != len(tc.looks) {
			t.Fatalf("%v: %v, %v", tc.looks, levels, err)
		}
		if z := -distuv.UnitNormal.Quantile(levels[0]); !near(z, tc.first, 5.5e-4) {
			t.Errorf("%v: first z %.4f, want %v", tc.looks, z, tc.first)
		}
		sum := 0.0
		for k, level := range levels {
			sum += level
			if spent := Spent(0.025, float64(tc.looks[k])/float64(tc.looks[len(tc.looks)-1])); !near(spent, sum, 1e-15) {
				t.Errorf("%v: %v spent by look %d, want %v", tc.looks, sum, k, spent)
			}
		}
		if !near(sum, 0.025, 1e-15) {
			t.Errorf("%v: levels sum to %v", tc.looks, sum)
		}
	}
}

func TestOBrienFlemingRefusesBadArguments(t *testing.T) {
	for name, tc := range map[string]struct {
		alpha float64
		looks []int
	}{
		"alpha zero": {0, []int{5}}, "alpha a half": {0.5, []int{5}}, "alpha not a number": {nan, []int{5}},
		"no looks": {0.025, nil}, "one seed": {0.025, []int{1, 5}}, "falling": {0.025, []int{8, 5}}, "twice": {0.025, []int{5, 5}},
	} {
		if levels, err := OBrienFleming(tc.alpha, tc.looks); !errors.Is(err, ErrRange) || levels != nil {
			t.Errorf("%s: %v, %v", name, levels, err)
		}
	}
}

var looks = []int{5, 8, 12}

const draws = 40_000 // of all looks

// atAnyLook are the rates at which a difference of 0 is shown to be above and below it at some look, the first
// decision being kept.
func atAnyLook(t *testing.T, test func(a, b []float64, bound, alpha float64) (Result, error), levels []float64, next func() float64) (above, below float64) {
	zero := make([]float64, looks[len(looks)-1])
	d := make([]float64, len(zero))
	for range draws {
		for i := range d {
			d[i] = next()
		}
		for k, n := range looks {
			r, err := test(d[:n], zero[:n], 0, levels[k])
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict == Supported {
				above++
			} else if r.Verdict == Refuted {
				below++
			}
			if r.Verdict != Inconclusive {
				break
			}
		}
	}
	return above / float64(draws), below / float64(draws)
}

func TestLooksKeepTheirAlpha(t *testing.T) {
	const alpha = 0.025
	levels, err := OBrienFleming(alpha, looks)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("levels at %v: %.6f", looks, levels)
	r := rng(12)
	want := func(of string, got, low, high float64) {
		t.Logf("%s: wrong in %.4f", of, got)
		if got < low-slack(low, draws) || got > high+slack(high, draws) {
			t.Errorf("%s: wrong in %.4f, want %v to %v", of, got, low, high)
		}
	}
	above, below := atAnyLook(t, studentAbove, levels, r.NormFloat64)
	want("normal errors, Student's t, above", above, 0.85*alpha, alpha)
	want("normal errors, Student's t, below", below, 0.85*alpha, alpha)
	above, below = atAnyLook(t, Above, levels, r.NormFloat64)
	want("normal errors, above", above, 0.7*alpha, 0.8*alpha)
	want("normal errors, below", below, 0.7*alpha, 0.8*alpha)
	if above, _ := atAnyLook(t, Above, []float64{alpha, alpha, alpha}, r.NormFloat64); above < alpha+slack(alpha, draws) {
		t.Errorf("uncorrected looks are wrong in %.4f only: the test cannot tell", above)
	}
	exponential := func() float64 { return r.ExpFloat64() - 1 }
	above, below = atAnyLook(t, studentAbove, levels, exponential)
	want("exponential errors, Student's t, above", above, 0.001, 0.005)
	want("exponential errors, Student's t, below", below, 0.105, 0.115)
	above, below = atAnyLook(t, Above, levels, exponential)
	want("exponential errors, above", above, 0.001, 0.005)
	want("exponential errors, below", below, 0.06, 0.07)
	half := []float64{levels[0] / 2, levels[1] / 2, levels[2] / 2}
	_, below = atAnyLook(t, studentAbove, half, exponential)
	want("exponential errors, Student's t at half the level, below", below, 0.07, 0.08)
}

// studentAbove is Above by Student's t alone.
func studentAbove(a, b []float64, bound, alpha float64) (Result, error) {
	d, err := PairedT(a, b, 1-2*alpha)
	e := exceeds(d, bound)
	return Result{d, e, e.Judge(alpha)}, err
}
