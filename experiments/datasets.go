package experiments

import "github.com/cidbench/cidbench/bench/dataset"

// The glyphs are drawn, not downloaded; docs/data.md says what they show.
var datasets = []*dataset.Source{
	{
		Name: "glyphs", From: "drawn by cidbench: ten outlines times ten textures",
		Digest: "sha256:6a26a2b5b350a288aa7ceda1d5f4ca04c5fe3f06710426bd497641ac21f57445",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(10_000, 5_000),
	},
	{
		Name: "glyphs-small", From: "the first images of glyphs",
		Digest: "sha256:694905712762d37ee3742e7bcea1648670a3003a275d18310eff8f9033de63f6",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(1_000, 500),
	},
}
