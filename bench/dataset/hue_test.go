package dataset

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// A class's colour must follow neither the tree nor its opposite, nor the texture: an encoder that sees colour
// alone would otherwise find, or fail to find, that hard negatives are near in meaning.
func TestHueFollowsNothing(t *testing.T) {
	tree := GlyphTree()
	classes := len(outlines) * len(textures)
	var hue, outline, texture []float64
	var siblings, near int // pairs of one outline, and those of them that are near in hue
	for a := range classes {
		for b := range a {
			apart := math.Abs(newGlyph(a).hue - newGlyph(b).hue)
			apart = min(apart, 1-apart)
			hue = append(hue, -apart)
			outline = append(outline, taxonomy.PathSimilarity(tree, a, b))
			kind := 0.
			if x, y := textures[a%len(textures)], textures[b%len(textures)]; x == y {
				kind = 2
			} else if x.family == y.family {
				kind = 1
			}
			texture = append(texture, kind)
			if a/len(textures) == b/len(textures) {
				siblings++
				if apart < .1 {
					near++
				}
			}
		}
	}
	// A rule by label, such as steps of the golden ratio, is at -0.05 for outlines.
	const most = 0.01
	for what, nearness := range map[string][]float64{"outline": outline, "texture": texture} {
		rho := stat.Correlation(ranks(hue), ranks(nearness), nil)
		t.Logf("Spearman of hue and %s: %+.4f", what, rho)
		if math.Abs(rho) > most {
			t.Errorf("near hues go with %s: Spearman %+.3f, want at most %g either way", what, rho, most)
		}
	}
	share := float64(near) / float64(siblings)
	t.Logf("siblings within a tenth of a turn: %.1f%%", 100*share)
	if share < .17 || share > .22 { // 19% of all pairs are
		t.Errorf("%.1f%% of the pairs of one outline are near in hue, want about 19%%", 100*share)
	}
	seen := map[float64]bool{}
	for label := range classes {
		seen[newGlyph(label).hue] = true
	}
	if len(seen) != classes {
		t.Errorf("%d hues for %d classes", len(seen), classes)
	}
}

// ranks are the mean ranks, so that ties are no order.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	out := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}
