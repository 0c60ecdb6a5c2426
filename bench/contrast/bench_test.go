package contrast_test

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/negatives"
)

// BenchmarkGraph is the loss of the default tier's batch in the graph on XLA's CPU, for an arm that sees all negatives, one
// whose rule ranks, and one whose rule draws.
func BenchmarkGraph(b *testing.B) {
	const rows, k, classes = 64, 4096, 100
	rng := rand.New(rand.NewPCG(4, 4))
	similarity, own, of := make([]float32, rows*k), make([]int32, rows), make([]int32, k)
	for i := range similarity {
		similarity[i] = float32(rng.NormFloat64())
	}
	device := backendtest.Open(b, backendtest.XLA(b), 1)
	for name, rules := range map[string][]negatives.Rule{
		"all":      nil,
		"hardest5": {{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.05}},
		"random5":  {{Action: negatives.Keep, Pool: negatives.Random, Fraction: 0.05}},
	} {
		b.Run(name, func(b *testing.B) {
			c := contrast.New(0.2, rules, k, classes, 800, 1)
			shape := c.Shape()
			e := graph.MustNewExec(device.Backend, func(in []*graph.Node) []*graph.Node {
				rest := in[3:]
				l := shape.Take(&rest).Loss(in[0], graph.Squeeze(graph.Slice(in[0], graph.AxisRange(), graph.AxisElem(0)), 1), in[1], in[2])
				return []*graph.Node{l.InfoNCE, l.Weights}
			})
			args := []any{tensors.FromFlatDataAndDimensions(similarity, rows, k), tensors.FromFlatDataAndDimensions(own, rows), tensors.FromFlatDataAndDimensions(of, k)}
			for _, in := range c.Inputs(1, 1, rows, k) {
				args = append(args, in)
			}
			e.MustCall(args...)
			cpu := func() float64 {
				var u syscall.Rusage
				syscall.Getrusage(syscall.RUSAGE_SELF, &u)
				return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
			}
			before := cpu()
			for b.Loop() {
				e.MustCall(args...)
			}
			b.ReportMetric((cpu()-before)/float64(b.N), "cpu-ms/op")
		})
	}
}
