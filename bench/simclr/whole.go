package simclr

import (
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language

	"github.com/cidbench/cidbench/bench/trainer"
)

// see is the step as one graph: queries are both views of all images, in the order of others.
func see(s trainer.Scene) trainer.Queries {
	images := s.Classes.Shape().Dim(0)
	n := 2 * images
	// The encoder sees each view in groups of its own.
	z := s.Encoder.Apply(s.Params, s.Stats, Concatenate([]*Node{s.Query, s.Key}, 0), 2*s.Groups)
	pairs := DotGeneral(z.Embedding, []int{1}, nil, z.Embedding, []int{1}, nil)
	classes := Concatenate([]*Node{s.Classes, s.Classes}, 0)

	var keys, rest, restColumns [][]int32
	eachPair(images, func(i, j int) {
		keys = append(keys, []int32{int32(i), int32(j)})
	}, func(i, j int) {
		rest, restColumns = append(rest, []int32{int32(i), int32(j)}), append(restColumns, []int32{int32(j)})
	})
	pick := func(from *Node, places [][]int32, dims ...int) *Node {
		return Reshape(Gather(from, Const(from.Graph(), places)), dims...)
	}
	return trainer.Queries{
		Similarity: pick(pairs, rest, n, n-2), Positive: pick(pairs, keys, n),
		Classes: classes, Negatives: pick(classes, restColumns, n, n-2), Stats: z.Stats,
	}
}
