package negatives

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/nn"
)

// keeper is Select through Kept, on a device and for queries that share one row of classes.
type keeper struct {
	device   nn.Device
	compiled map[Shape]*Exec
}

func newKeeper(d nn.Device) keeper { return keeper{d, map[Shape]*Exec{}} }

func (g keeper) kept(t testing.TB, rules []Rule, similarity []float32, queryClass, class []int32, classes, step, steps int, drawn [][]bool) []bool {
	t.Helper()
	b, k := len(queryClass), len(class)
	shape := ShapeOf(rules)
	if shape.Random != len(drawn) {
		t.Fatalf("%d rules draw, and %d were drawn", shape.Random, len(drawn))
	}
	e := g.compiled[shape]
	if e == nil {
		e = MustNewExec(g.device.Backend, func(in []*Node) []*Node {
			return []*Node{shape.Kept(in[0], in[1], in[2], in[3], in[4:])}
		}).SetMaxCache(-1)
		g.compiled[shape] = e
	}
	args := []any{
		tensors.FromFlatDataAndDimensions(similarity, b, k), tensors.FromFlatDataAndDimensions(queryClass, b),
		tensors.FromFlatDataAndDimensions(class, k),
		tensors.FromFlatDataAndDimensions(Slots(rules, k, classes, step, steps), shape.Slots, SlotSize),
	}
	for _, pool := range drawn {
		args = append(args, tensors.FromFlatDataAndDimensions(pool, b, k))
	}
	out, err := e.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	var kept []bool
	out[0].MustConstFlatData(func(v any) { kept = slices.Clone(v.([]bool)) })
	return kept
}

// awkward are values in which an order of floats and one of bit patterns differ, or nothing does.
func awkward(rng *rand.Rand, k int) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}
	row := make([]float32, k)
	kind := rng.IntN(4)
	for j := range row {
		switch kind {
		case 0:
			row[j] = 2*rng.Float32() - 1
		case 1:
			row[j] = float32(rng.IntN(3)) / 2
		case 2:
			row[j] = special[rng.IntN(len(special))]
		case 3:
			row[j] = 0.25
		}
	}
	return row
}

// TestKeptAgainstSelect: the graph keeps what Select keeps, for every pool and action, with ties, infinities and few
// negatives.
func TestKeptAgainstSelect(t *testing.T) { backendtest.Each(t, keptAgainstSelect) }

func keptAgainstSelect(t *testing.T, d nn.Device) {
	graph, rng := newKeeper(d), rand.New(rand.NewPCG(7, 7))
	var rules []Rule
	for _, action := range []Action{Keep, Drop} {
		for _, pool := range []Pool{Hardest, Easiest, Random, SameClass} {
			for _, fraction := range []float64{0.001, 0.3, 1} {
				rules = append(rules, Rule{Action: action, Pool: pool, Fraction: fraction})
			}
			rules = append(rules, Rule{Action: action, Pool: pool, ClassPrior: true})
		}
	}
	for i := range 150 {
		b, k, classes := 1+rng.IntN(4), 1+rng.IntN(40), 1+rng.IntN(5)
		if d.Compiles { // each shape takes its time
			b, k = 4, []int{1, 2, 7, 40}[rng.IntN(4)]
		}
		arm := []Rule{rules[i%len(rules)]}
		for range rng.IntN(3) {
			arm = append(arm, rules[rng.IntN(len(rules))])
		}
		for r := range arm {
			arm[r].After = []float64{0, 0, 0.5}[rng.IntN(3)]
		}
		step, steps := rng.IntN(10), 10
		class, queryClass := make([]int32, k), make([]int32, b)
		for j := range class {
			class[j] = int32(rng.IntN(classes+1) - 1)
		}
		var similarity []float32
		for q := range queryClass {
			queryClass[q] = int32(rng.IntN(classes))
			similarity = append(similarity, awkward(rng, k)...)
		}

		selector := NewSelector(k, classes)
		want := make([]bool, b*k)
		var active, drawing []Rule
		for _, r := range arm {
			if r.Active(step, steps) {
				active = append(active, r)
			}
			if r.Pool == Random {
				drawing = append(drawing, r)
			}
		}
		drawn := make([][]bool, len(drawing))
		for q := range queryClass {
			selector.Select(want[q*k:][:k], active, similarity[q*k:][:k], queryClass[q], class, rand.New(rand.NewPCG(uint64(q), 1)))
			draws := rand.New(rand.NewPCG(uint64(q), 1))
			for r, rule := range drawing {
				pool := make([]bool, k)
				if rule.Active(step, steps) {
					selector.Draw(pool, rule.Count(k, classes), draws)
				}
				drawn[r] = append(drawn[r], pool...)
			}
		}
		if got := graph.kept(t, arm, similarity, queryClass, class, classes, step, steps, drawn); !slices.Equal(got, want) {
			t.Fatalf("%v of %v at step %d:\nkept     %v\nselected %v", arm, similarity, step, got, want)
		}
	}
}

// FuzzKept: no similarities, however they are spelled as bits, part the graph from Select.
func FuzzKept(f *testing.F) { fuzzKept(f, backendtest.Go(f)) }

// FuzzKeptOnXLA: the same as XLA compiles it.
func FuzzKeptOnXLA(f *testing.F) {
	if testing.Short() {
		f.Skip("XLA compiles for seconds")
	}
	fuzzKept(f, backendtest.Open(f, backendtest.XLA(f), 1))
}

func fuzzKept(f *testing.F, d nn.Device) {
	graph := newKeeper(d)
	f.Add([]byte{0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 128, 127}, uint16(2), false)
	f.Fuzz(func(t *testing.T, bits []byte, n uint16, easiest bool) {
		const k = 16
		row := make([]float32, k)
		for j := range min(k, len(bits)/4) {
			row[j] = math.Float32frombits(binary.LittleEndian.Uint32(bits[4*j:]))
			if row[j] != row[j] {
				t.Skip("a loss that is not a number ends a training")
			}
		}
		pool := Hardest
		if easiest {
			pool = Easiest
		}
		rules := []Rule{{Action: Keep, Pool: pool, Fraction: float64(1+n%k) / k}}
		class, want := make([]int32, k), make([]bool, k)
		NewSelector(k, 1).Select(want, rules, row, 0, class, nil)
		if got := graph.kept(t, rules, row, []int32{0}, class, 1, 0, 1, nil); !slices.Equal(got, want) {
			t.Fatalf("%v of %v:\nkept     %v\nselected %v", rules, row, got, want)
		}
	})
}
