package words

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// Mark is a verdict as a glyph, which says the same without colour.
func Mark(v stats.Verdict) string {
	switch v {
	case stats.Supported:
		return "✓"
	case stats.Refuted:
		return "✗"
	case model.NothingToJudge:
		return "∅"
	case model.NotAsAsked:
		return "≠"
	}
	return "?"
}

// Label is a verdict as it is shown everywhere: never without its mark, nor, if it means nothing,
// without saying so.
func Label(v stats.Verdict, machinery bool) string {
	text := Mark(v) + " " + string(v)
	if machinery {
		text += " (meaningless)"
	}
	return text
}

// MachineryOnly warns of a tier whose verdicts mean nothing.
const MachineryOnly = "This only shows that the machinery works: its verdicts mean nothing for science. "

// Rules says which negatives an arm sees.
func Rules(arm *bench.Arm) string {
	switch {
	case arm.Features == bench.Untrained:
		return "no training"
	case arm.Features == bench.Pixels:
		return "no encoder"
	case len(arm.Rules) == 0:
		return "all negatives"
	}
	var said []string
	for _, r := range arm.Rules {
		said = append(said, r.String())
	}
	return strings.Join(said, " and ")
}

// Temperature means something only for trained arms.
func Temperature(a model.Arm) string {
	if a.Features != bench.Trained {
		return Absent
	}
	return fmt.Sprintf("%g", a.Temperature)
}
