package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"
)

// applied is run through Apply: the output, the new running statistics, the gradient of the input and those of the
// parameters, all in the layouts of Forward and Backward.
func applied(t *testing.T, l Layer, cpu bool, x *tensors.Tensor, params, stats []*tensors.Tensor, dy *tensors.Tensor) (out []*tensors.Tensor) {
	t.Helper()
	groups := x.Shape().Dimensions[0]
	e, err := NewExec(backend(), func(in []*Node) []*Node {
		x, dy, p := in[0], in[1], in[2:2+len(params)]
		a := NewApply(p, in[2+len(params):])
		a.Train, a.Groups, a.CPU = true, groups, cpu
		y := outwards(l.Apply(a, inwards(x)), groups)
		return append(append([]*Node{y}, a.NewStats...), Gradient(ReduceAllSum(Mul(y, dy)), append([]*Node{x}, p...)...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	args := []any{x, dy}
	for _, p := range append(append([]*tensors.Tensor{}, params...), stats...) {
		args = append(args, p)
	}
	if out, err = e.Call(args...); err != nil {
		t.Fatal(err)
	}
	return out
}

// inwards turns [groups, channels, batch, h, w] into [groups*batch, h, w, channels], and columns into rows.
func inwards(x *Node) *Node {
	if x.Rank() == 2 {
		return Transpose(x, 0, 1)
	}
	g, c, n, h, w := dims5(x)
	return Reshape(TransposeAllAxes(x, 0, 2, 3, 4, 1), g*n, h, w, c)
}

func outwards(x *Node, groups int) *Node {
	if x.Rank() == 2 {
		return Transpose(x, 0, 1)
	}
	d := x.Shape().Dimensions
	return TransposeAllAxes(Reshape(x, groups, d[0]/groups, d[1], d[2], d[3]), 0, 4, 1, 2, 3)
}

// TestApply: every layer and its gradients are the same in both ways.
func TestApply(t *testing.T) {
	for _, c := range layers {
		for _, cpu := range []bool{false, true} {
			rng := rand.New(rand.NewPCG(5, 6))
			x := random(rng, c.in...)
			params, stats := draw(rng, c.layer.Params()), draw(rng, c.layer.Stats())
			y := run(t, c.layer, x, params, stats, nil)
			dy := random(rng, y[0].Shape().Dimensions...)
			want := slices.Concat(y, run(t, c.layer, x, params, stats, dy))
			got := applied(t, c.layer, cpu, x, params, stats, dy)
			if len(got) != len(want) {
				t.Fatalf("%s: %d results, want %d", c.name, len(got), len(want))
			}
			for i := range got {
				compare(t, fmt.Sprintf("%s, on a CPU %t: result %d", c.name, cpu, i), flat(t, got[i]), flat(t, want[i]), 2e-3)
			}
		}
	}
}
