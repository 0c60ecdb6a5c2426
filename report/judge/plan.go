package judge

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
	"github.com/cidbench/cidbench/report/words"
)

// Power is the chance of a verdict that a plan asks for, if the true difference is the one observed;
// Confidence is that of its upper bound on the spread.
const (
	Power      = 0.8
	Confidence = 0.8
)

// Plan is what the stored pairs of a claim say about the seeds that it needs.
type Plan struct {
	Claim     string         `json:"claim"`
	MinSeeds  int            `json:"minSeeds"`
	Pairs     int            `json:"pairs"` // least of the contrasts; a plan needs two
	Contrasts []ContrastPlan `json:"contrasts,omitempty"`
	Obstacle  string         `json:"obstacle,omitempty"` // why nothing can be planned from these pairs
}

// ContrastPlan is how far a contrast is from its margin, in the unit of the margin: a share of the gain, or that of its
// statistic.
type ContrastPlan struct {
	Name     string         `json:"name"` // "hardest5 - all", or the statistic
	Unit     string         `json:"unit"`
	Relation bench.Relation `json:"relation"`
	Margin   float64        `json:"margin"`
	Pairs    int            `json:"pairs"`
	Estimate float64        `json:"estimate"`
	SD       float64        `json:"sd"`      // of what is tested at the nearest bound, over seeds
	SDBound  float64        `json:"sdBound"` // upper bound of the true one, at Confidence
	// Distance from the estimate to the nearest bound of the relation, and the verdict on that side of it.
	Distance float64       `json:"distance"`
	Toward   stats.Verdict `json:"toward"`
}

// Spread says which standard deviation a need is reckoned with.
type Spread string

// The spreads. A few pairs leave the true one open, so the observed one promises too much half of the time.
const (
	ObservedSpread Spread = "observed"
	BoundedSpread  Spread = "bound"
)

// Need is the number of seeds for a verdict with the chance Power.
type Need struct {
	Alpha  float64 `json:"alpha"` // one-sided level of the verdict
	Spread Spread  `json:"spread"`
	// Seeds is 0 if no number that anyone trains will do; Reason says why.
	Seeds  int    `json:"seeds"`
	Reason string `json:"reason,omitempty"`
	// HalfWidth is the distance from the estimate to its one-sided bound at Alpha, with that many seeds, in the unit
	// of the margin; the widest of the contrasts.
	HalfWidth float64 `json:"halfWidth,omitempty"`
}

// PlanSeeds reads the pairs of a judged claim.
func PlanSeeds(c *model.Claim) Plan {
	p := Plan{Claim: c.ID, MinSeeds: c.MinSeeds, Pairs: math.MaxInt}
	for _, x := range c.Contrasts {
		p.Pairs = min(p.Pairs, x.N)
	}
	if p.Pairs < 2 {
		return p
	}
	for _, x := range c.Contrasts {
		if x.Found == nil {
			return Plan{Claim: c.ID, MinSeeds: c.MinSeeds, Pairs: p.Pairs, Obstacle: strings.Join(x.Obstacles, ", ")}
		}
		p.Contrasts = append(p.Contrasts, planContrast(x))
	}
	return p
}

func planContrast(x model.Contrast) ContrastPlan {
	q := ContrastPlan{Name: words.Name(x), Unit: x.Unit, Relation: x.Relation, Margin: x.Margin, Pairs: x.N, Estimate: x.Found.Value}
	bound := x.Bounds[0]
	if len(x.Bounds) == 2 && q.Estimate > 0 {
		bound = x.Bounds[1]
	}
	unit := 1.
	if x.Statistic == "" {
		q.Unit, unit = "share of the gain", *x.MeanGain
	}
	var tested []float64
	for _, p := range x.Pairs {
		if x.Statistic == "" {
			tested = append(tested, (p.Difference-bound*p.Gain)/unit)
		} else {
			tested = append(tested, p.Difference-bound)
		}
	}
	q.SD, _ = stats.StdDev(tested) // there are two pairs or more
	q.SDBound, _ = stats.StdDevBound(x.N, q.SD, Confidence)
	q.Distance = q.Estimate - bound
	if x.Relation == bench.Equivalent {
		q.Distance = x.Margin - math.Abs(q.Estimate)
	}
	q.Toward = stats.Supported
	if q.Distance < 0 {
		q.Distance, q.Toward = -q.Distance, stats.Refuted
	}
	return q
}

// Needs is the number of seeds at a one-sided level: at the observed spread, and at its upper bound.
func (p Plan) Needs(alpha float64) (needs []Need) {
	if len(p.Contrasts) == 0 {
		return nil
	}
	for _, spread := range []Spread{ObservedSpread, BoundedSpread} {
		n := Need{Alpha: alpha, Spread: spread}
		if seeds, err := p.seeds(spread, alpha); err != nil {
			n.Reason = err.Error()
		} else {
			n.Seeds = max(seeds, p.MinSeeds)
			for _, x := range p.Contrasts {
				width, _ := stats.HalfWidth(n.Seeds, x.sd(spread), alpha) // 0 without any spread
				n.HalfWidth = max(n.HalfWidth, width)
			}
		}
		needs = append(needs, n)
	}
	return needs
}

// Why no number of seeds can be named.
var (
	errNoSpread = errors.New("the pairs show no spread, so nothing can be planned from them")
	errOnMargin = fmt.Errorf("the estimate lies so near the margin that not even %d seeds would decide", stats.MaxSeeds)
)

// seeds follows combine: a claim is refuted by one contrast, at its share of the level, and supported by all.
func (p Plan) seeds(spread Spread, alpha float64) (int, error) {
	share := float64(len(p.Contrasts))
	refuting := slices.ContainsFunc(p.Contrasts, func(x ContrastPlan) bool { return x.Toward == stats.Refuted })
	var needed []int
	var hopeless error
	level, power := alpha, 1-(1-Power)/share // all must hold at once: each may miss by its share
	if refuting {
		level, power = alpha/share, Power
	}
	for _, x := range p.Contrasts {
		if refuting && x.Toward != stats.Refuted {
			continue
		}
		if n, err := x.seeds(spread, level, power); err != nil {
			hopeless = err
		} else {
			needed = append(needed, n)
		}
	}
	switch {
	case refuting && len(needed) > 0:
		return slices.Min(needed), nil
	case hopeless != nil:
		return 0, hopeless
	}
	return slices.Max(needed), nil
}

func (x ContrastPlan) seeds(spread Spread, alpha, power float64) (int, error) {
	switch {
	case x.SD == 0:
		return 0, errNoSpread
	case x.Distance == 0:
		return 0, errOnMargin
	case x.Relation == bench.Equivalent && x.Toward == stats.Refuted:
		alpha /= 2 // it may fail on either side
	case x.Relation == bench.Equivalent:
		power = (1 + power) / 2 // both bounds must clear the margin
	}
	n, err := stats.SampleSize(x.sd(spread), x.Distance, alpha, power)
	if err != nil {
		return 0, errOnMargin
	}
	return n, nil
}

func (x ContrastPlan) sd(s Spread) float64 {
	if s == BoundedSpread {
		return x.SDBound
	}
	return x.SD
}
