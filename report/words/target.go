package words

import (
	"fmt"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

// NotSame says which targets are not met, as a reason for which nothing is decided; empty if there is none.
func NotSame(targets []model.Target) string {
	var missed []model.Target
	for _, t := range targets {
		if t.Held == model.Outside {
			missed = append(missed, t)
		}
	}
	if len(missed) == 0 {
		return ""
	}
	return "not the same experiment yet: " + Joined(missed, "; ", func(t model.Target) string {
		return fmt.Sprintf("%s is at %s points by the %s %s, where %s to %s is expected of what is published (%s)",
			t.Arm, Maybe(t.Mean, Plain), Measure(t.Measure), After(t), Plain(t.Band.Low), Plain(t.Band.High), Plain(t.Published))
	})
}

// Measure names the probe that a target is measured by.
func Measure(m bench.Measure) string {
	if m == bench.Weighted {
		return "neighbours of embeddings"
	}
	return "linear probe"
}

// After is "after step 97 of 19400", or "at the end".
func After(t model.Target) string {
	if t.Step == t.Steps {
		return "at the end"
	}
	return fmt.Sprintf("after step %d of %d", t.Step, t.Steps)
}

// TargetSeeds are those that a target was measured at, and that their runs are not finished if they are not.
func TargetSeeds(t model.Target) string {
	if len(t.Seeds) == 0 {
		return Absent
	}
	text := Joined(t.Seeds, ", ", func(seed uint64) string { return fmt.Sprint(seed) })
	if t.Begun {
		text += " (still training)"
	}
	return text
}

// HalfWidths says what makes the band of a target as wide as it is.
func HalfWidths(t model.Target) string {
	seeds := max(len(t.Figures), t.SeedsN)
	switch {
	case seeds < 2:
		return fmt.Sprintf("%s points by implementations; nothing is published of seeds", Plain(t.ImplementationsHalf))
	case t.SD == 0:
		return fmt.Sprintf("%s points by %d seeds", Plain(t.SeedsHalf), seeds)
	}
	return fmt.Sprintf("%s points by %d seeds, %s by implementations: the root of the sum of their squares", Plain(t.SeedsHalf), seeds, Plain(t.ImplementationsHalf))
}
