package words

import (
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

const MachineryOnly = "This only shows that the machinery works: its verdicts mean nothing for science. "
