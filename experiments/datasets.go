package experiments

import "github.com/cidbench/cidbench/bench/dataset"

// The glyphs are drawn, not downloaded; docs/data.md says what they show.
var datasets = []*dataset.Source{
	{
		Name: "glyphs", From: "drawn by cidbench: ten outlines times ten textures",
		Digest: "sha256:c334ee2b67a631c6b44b720fd8c801339e95369fa3a6bc5f4089e2e80f1a60ba",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(10_000, 5_000),
	},
	{
		Name: "glyphs-small", From: "the first images of glyphs",
		Digest: "sha256:fc9d49f0665a788cde7995a47e07575bacfc0401f5085e9bc787eec469ff593b",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(1_000, 500),
	},
}
