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

func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		rel           Relation
		shift, margin float64
		want          Verdict
	}{
		{NonInferior, 0, 0.5, Supported},
		{NonInferior, -0.3, 0.5, Supported},
		{NonInferior, -0.5, 0.5, Inconclusive},
		{NonInferior, 0.1, 0, Inconclusive}, // better, but not shown to be
		{NonInferior, -0.7, 0.5, Refuted},
		{Greater, 0.3, 0, Supported},
		{Greater, 0.1, 0, Inconclusive},
		{Greater, -0.3, 0, Refuted},
		{Greater, 1.0, 0.5, Supported},
		{Greater, 0.6, 0.5, Inconclusive},
		{Greater, 0.3, 0.5, Refuted},
		{Equivalent, 0, 0.5, Supported},
		{Equivalent, 0, 0.1, Inconclusive}, // no significant difference is no equivalence
		{Equivalent, 0.4, 0.5, Inconclusive},
		{Equivalent, 0.6, 0.5, Inconclusive},
		{Equivalent, 0.67, 0.5, Inconclusive}, // outside by the 90% interval, not by the 95% one
		{Equivalent, 0.8, 0.5, Refuted},
		{Equivalent, -0.8, 0.5, Refuted},
	} {
		a, b := shifted(tc.shift)
		got, err := Test(tc.rel, a, b, tc.margin, 0.05)
		if err != nil || got.Verdict != tc.want {
			t.Errorf("%s within %v at %v: %+v, %v, want %s", tc.rel, tc.margin, tc.shift, got, err, tc.want)
		}
		if got.N != 5 || got.DF != 4 || !near(got.Interval.Level, 0.9, 1e-12) || !near(got.Estimate, tc.shift, 1e-9) {
			t.Errorf("%s: %+v", tc.rel, got.Difference)
		}
	}
}

// The published MoCo v2 baseline is 67.5 with 0.1 over seeds; other faithful
// implementations differ by about a point.
func TestTargetVerdicts(t *testing.T) {
	band := Band{Seed: 0.1, Implementation: 1}
	for name, tc := range map[string]struct {
		x    []float64
		want Verdict
	}{
		"reproduced":                       {[]float64{67.4, 67.5, 67.7}, Supported},
		"reproduced by another library":    {[]float64{66.85, 66.9, 66.95}, Supported},
		"too noisy to tell":                {[]float64{66.5, 67.5, 68.5}, Inconclusive},
		"between the bands":                {[]float64{66.49, 66.5, 66.51}, Inconclusive},
		"below":                            {[]float64{60.7, 60.8, 60.9}, Refuted},
		"above":                            {[]float64{71.0, 71.1, 71.2}, Refuted},
		"near on average, seeds disagree":  {[]float64{64, 67.5, 71}, Inconclusive},
		"below, but two seeds are too few": {[]float64{65.5, 65.9}, Inconclusive},
	} {
		got, err := TestTarget(tc.x, 67.5, band, 0.05)
		if err != nil || got.Verdict != tc.want {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, tc.want)
		}
	}
	got, err := TestTarget([]float64{67.4, 67.5, 67.9}, 67.5, band, 0.05)
	if err != nil || !near(got.Estimate, 0.1, 1e-9) {
		t.Errorf("estimate is not the distance from the target: %+v, %v", got, err)
	}
}

func TestZeroSpreadDecidesAndWarns(t *testing.T) {
	a, b := []float64{1, 2, 3}, []float64{0.5, 1.5, 2.5}
	for _, tc := range []struct {
		rel    Relation
		margin float64
		want   Verdict
	}{
		{Greater, 0, Supported}, {Greater, 1, Refuted}, {Greater, 0.5, Inconclusive},
		{Equivalent, 1, Supported}, {Equivalent, 0.25, Refuted}, {Equivalent, 0.5, Inconclusive},
		{NonInferior, 0, Supported},
	} {
		got, err := Test(tc.rel, a, b, tc.margin, 0.05)
		if err != nil || got.Verdict != tc.want || got.Warning != ZeroSpread {
			t.Errorf("%s within %v: %+v, %v, want %s", tc.rel, tc.margin, got, err, tc.want)
		}
	}
}

func TestRelationsRefuseBadArguments(t *testing.T) {
	a, b := shifted(0)
	for name, tc := range map[string]struct {
		rel           Relation
		a             []float64
		margin, alpha float64
		want          error
	}{
		"negative margin":     {Greater, a, -1, 0.05, ErrRange},
		"margin not a number": {Greater, a, nan, 0.05, ErrRange},
		"infinite margin":     {NonInferior, a, inf, 0.05, ErrRange},
		"equivalence in zero": {Equivalent, a, 0, 0.05, ErrRange},
		"alpha zero":          {Greater, a, 0, 0, ErrRange},
		"alpha a half":        {Greater, a, 0, 0.5, ErrRange},
		"alpha not a number":  {Greater, a, 0, nan, ErrRange},
		"equals needs target": {Equals, a, 1, 0.05, ErrRelation},
		"unknown":             {"better", a, 1, 0.05, ErrRelation},
		"unpaired":            {Greater, a[:4], 1, 0.05, ErrUnpaired},
		"metric missing":      {Greater, []float64{1, 2, 3, 4, nan}, 1, 0.05, ErrNotFinite},
	} {
		if got, err := Test(tc.rel, tc.a, b, tc.margin, tc.alpha); !errors.Is(err, tc.want) || got != (Result{}) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, tc.want)
		}
	}
	for name, tc := range map[string]struct {
		x             []float64
		target, alpha float64
		band          Band
		want          error
	}{
		"one seed":            {[]float64{67.5}, 67.5, 0.05, Band{0.1, 1}, ErrTooFew},
		"no target":           {a, nan, 0.05, Band{0.1, 1}, ErrNotFinite},
		"no tolerance":        {a, 67.5, 0.05, Band{0.1, 0.1}, ErrRange},
		"negative seed band":  {a, 67.5, 0.05, Band{-0.1, 1}, ErrRange},
		"bad implementation":  {a, 67.5, 0.05, Band{0.1, nan}, ErrRange},
		"alpha not a number ": {a, 67.5, nan, Band{0.1, 1}, ErrRange},
	} {
		if got, err := TestTarget(tc.x, tc.target, tc.band, tc.alpha); !errors.Is(err, tc.want) || got != (Result{}) {
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
