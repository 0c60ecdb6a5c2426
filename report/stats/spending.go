package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// OBrienFleming returns the one-sided levels at which a claim is judged when it is looked at with looks[0], looks[1]
// and so on seeds, so that it goes wrong at any look with probability at most alpha. Each look has what the spending
// function of Lan and DeMets (Discrete sequential boundaries for clinical trials, Biometrika 1983) of the type of
// O'Brien and Fleming (Biometrics 1979) spends up to it, less what it spent before: next to nothing early, most of
// alpha last. Looks 5, 8 and 12 at alpha 0.025 have 0.00052, 0.0055 and 0.0190. Looks that are not taken keep their
// share.
//
// Levels that sum to alpha need no model of how looks depend on each other. The usual ones have one: they are larger
// at the last look (0.0231 here), by what is certain to be rejected twice, and exact for normal values of known
// variance. With t tests of 5, 8 and 12 seeds they are wrong in 0.0264 of the cases, not in 0.025, and these in 0.0222
// (normal differences; TestLooksKeepTheirAlpha).
//
// The error is ErrRange if alpha does not lie between 0 and 0.5, or looks are none, not rising or of fewer than 2
// seeds.
func OBrienFleming(alpha float64, looks []int) ([]float64, error) {
	if err := checkOpen("alpha", alpha, 0.5); err != nil {
		return nil, err
	}
	if len(looks) == 0 {
		return nil, fmt.Errorf("%w: no looks", ErrRange)
	}
	last := float64(looks[len(looks)-1])
	levels, before := make([]float64, len(looks)), 0.0
	for k, n := range looks {
		if n < 2 || k > 0 && n <= looks[k-1] {
			return nil, fmt.Errorf("%w: looks %v, must rise from 2 or more", ErrRange, looks)
		}
		spent := Spent(alpha, float64(n)/last)
		levels[k], before = spent-before, spent
	}
	return levels, nil
}

// Spent is how much of alpha the spending function has spent at information t, in (0, 1]: 2 - 2 Phi(z(1-alpha/2) /
// sqrt t).
func Spent(alpha, t float64) float64 {
	normal := distuv.UnitNormal
	return 2 * normal.Survival(normal.Quantile(1-alpha/2)/math.Sqrt(t))
}
