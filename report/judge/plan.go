package judge

import (
	"errors"
	"fmt"
	"math"
	"slices"

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
}

// ContrastPlan is how far a contrast is from its margin, in points or in the unit of its statistic.
type ContrastPlan struct {
	Name     string         `json:"name"` // "hardest5 - all", or the statistic
	Unit     string         `json:"unit"`
	Relation bench.Relation `json:"relation"`
	Margin   float64        `json:"margin"`
	Pairs    int            `json:"pairs"`
	Estimate float64        `json:"estimate"` // mean of the paired differences
	SD       float64        `json:"sd"`       // of the paired differences
	SDBound  float64        `json:"sdBound"`  // upper bound of the true one, at Confidence
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
	Family int     `json:"family"` // claims judged together
	Alpha  float64 `json:"alpha"`  // level of the first decision among them
	Spread Spread  `json:"spread"`
	// Seeds is 0 if no number that anyone trains will do; Reason says why.
	Seeds  int    `json:"seeds"`
	Reason string `json:"reason,omitempty"`
	// HalfWidth is the distance from the estimate to its one-sided bound at Alpha, with that many seeds, in
	// points; the widest of the contrasts.
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
		d := x.Difference
		sd := d.SE * math.Sqrt(float64(x.N))
		q := ContrastPlan{
			Name: words.Name(x), Unit: "points", Relation: x.Relation, Margin: x.Margin, Pairs: x.N,
			Estimate: d.Estimate, SD: sd, Distance: d.Estimate - x.Bounds[0],
		}
		if x.Statistic != "" {
			q.Unit = "beyond chance"
		}
		q.SDBound, _ = stats.StdDevBound(x.N, sd, Confidence) // 0 without any spread
		if x.Relation == bench.Equivalent {
			q.Distance = x.Margin - math.Abs(d.Estimate)
		}
		q.Toward = stats.Supported
		if q.Distance < 0 {
			q.Distance, q.Toward = -q.Distance, stats.Refuted
		}
		p.Contrasts = append(p.Contrasts, q)
	}
	return p
}

// Needs is the number of seeds when so many claims are judged together: at the observed spread, and at its
// upper bound.
func (p Plan) Needs(family int) (needs []Need) {
	if len(p.Contrasts) == 0 {
		return nil
	}
	for _, spread := range []Spread{ObservedSpread, BoundedSpread} {
		n := Need{Family: family, Alpha: stats.FamilyAlpha(model.TotalAlpha, family), Spread: spread}
		if seeds, err := p.seeds(spread, n.Alpha); err != nil {
			n.Reason = err.Error()
		} else {
			n.Seeds = max(seeds, p.MinSeeds)
			for _, x := range p.Contrasts {
				width, _ := stats.HalfWidth(n.Seeds, x.sd(spread), n.Alpha) // 0 without any spread
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
