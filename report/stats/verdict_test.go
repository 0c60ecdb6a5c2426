package stats

import (
	"errors"
	"testing"
)

// shifted is a baseline of five seeds plus a shift and a spread of about 0.16 in
// the paired differences: one-sided 95% half-width 0.15.
func shifted(by float64) (a, b []float64) {
	b = []float64{60.1, 60.4, 59.8, 60.0, 60.3}
	for i, noise := range []float64{0.2, -0.2, 0.1, -0.1, 0} {
		a = append(a, b[i]+by+noise)
	}
	return a, b
}

// relation is a test of what a claim may state about two arms.
type relation struct {
	name string
	test func(a, b []float64, margin, alpha float64) (Result, error)
}

var (
	nonInferior = relation{"non-inferior", func(a, b []float64, margin, alpha float64) (Result, error) { return Above(a, b, -margin, alpha) }}
	greater     = relation{"greater", Above}
	equivalent  = relation{"equivalent", Within}
)

func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		rel           relation
		shift, margin float64
		want          Verdict
	}{
		{nonInferior, 0, 0.5, Supported},
		{nonInferior, -0.3, 0.5, Supported},
		{nonInferior, -0.5, 0.5, Inconclusive},
		{nonInferior, 0.1, 0, Inconclusive}, // better, but not shown to be
		{nonInferior, -0.7, 0.5, Refuted},
		{greater, 0.3, 0, Supported},
		{greater, 0.1, 0, Inconclusive},
		{greater, -0.3, 0, Refuted},
		{greater, 1.0, 0.5, Supported},
		{greater, 0.6, 0.5, Inconclusive},
		{greater, 0.3, 0.5, Refuted},
		{equivalent, 0, 0.5, Supported},
		{equivalent, 0, 0.1, Inconclusive}, // no significant difference is no equivalence
		{equivalent, 0.4, 0.5, Inconclusive},
		{equivalent, 0.6, 0.5, Inconclusive},
		{equivalent, 0.67, 0.5, Inconclusive}, // outside by the 90% interval, not by the 95% one
		{equivalent, 0.8, 0.5, Refuted},
		{equivalent, -0.8, 0.5, Refuted},
	} {
		a, b := shifted(tc.shift)
		got, err := tc.rel.test(a, b, tc.margin, 0.05)
		if err != nil || got.Verdict != tc.want {
			t.Errorf("%s within %v at %v: %+v, %v, want %s", tc.rel.name, tc.margin, tc.shift, got, err, tc.want)
		}
		if got.N != 5 || got.DF != 4 || !near(got.Interval.Level, 0.9, 1e-12) || !near(got.Estimate, tc.shift, 1e-9) {
			t.Errorf("%s: %+v", tc.rel.name, got.Difference)
		}
	}
}

func TestZeroSpreadDecidesAndWarns(t *testing.T) {
	a, b := []float64{1, 2, 3}, []float64{0.5, 1.5, 2.5}
	for _, tc := range []struct {
		rel    relation
		margin float64
		want   Verdict
	}{
		{greater, 0, Supported}, {greater, 1, Refuted}, {greater, 0.5, Inconclusive},
		{equivalent, 1, Supported}, {equivalent, 0.25, Refuted}, {equivalent, 0.5, Inconclusive},
		{nonInferior, 0, Supported},
	} {
		got, err := tc.rel.test(a, b, tc.margin, 0.05)
		if err != nil || got.Verdict != tc.want || got.Warning != ZeroSpread {
			t.Errorf("%s within %v: %+v, %v, want %s", tc.rel.name, tc.margin, got, err, tc.want)
		}
	}
}

func TestRelationsRefuseBadArguments(t *testing.T) {
	a, b := shifted(0)
	for name, tc := range map[string]struct {
		rel           relation
		a             []float64
		margin, alpha float64
		want          error
	}{
		"negative margin":     {equivalent, a, -1, 0.05, ErrRange},
		"margin not a number": {greater, a, nan, 0.05, ErrRange},
		"infinite margin":     {nonInferior, a, inf, 0.05, ErrRange},
		"equivalence in zero": {equivalent, a, 0, 0.05, ErrRange},
		"alpha zero":          {greater, a, 0, 0, ErrRange},
		"alpha a half":        {greater, a, 0, 0.5, ErrRange},
		"alpha not a number":  {greater, a, 0, nan, ErrRange},
		"unpaired":            {greater, a[:4], 1, 0.05, ErrUnpaired},
		"metric missing":      {greater, []float64{1, 2, 3, 4, nan}, 1, 0.05, ErrNotFinite},
	} {
		if got, err := tc.rel.test(tc.a, b, tc.margin, tc.alpha); !errors.Is(err, tc.want) || got != (Result{}) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, tc.want)
		}
	}
}

func TestJudgeNeverDecidesBothWays(t *testing.T) {
	for _, tc := range []struct {
		e    Evidence
		want Verdict
	}{
		{Evidence{0.01, 0.99}, Supported}, {Evidence{0.99, 0.01}, Refuted}, {Evidence{0.3, 0.7}, Inconclusive},
		{Evidence{0.05, 0.95}, Inconclusive}, {Evidence{0, 0}, Inconclusive}, {Evidence{nan, nan}, Inconclusive},
	} {
		if got := tc.e.Judge(0.05); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.e, got, tc.want)
		}
	}
}
