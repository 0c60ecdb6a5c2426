package negatives

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
)

// Shape is what the graph of Kept depends on: for all else rules are data, so that one graph serves many arms.
type Shape struct {
	// Slots is the number of rules that it has place for, Random that of those that draw from the random pool.
	Slots, Random int
}

// leastSlots are there for arms with fewer rules, too: a slot that is empty costs next to nothing when the graph runs
// (docs/performance.md), and a graph of its own takes seconds to compile.
const leastSlots = 3

// ShapeOf is that of the rules of an arm.
func ShapeOf(rules []Rule) Shape {
	s := Shape{Slots: max(leastSlots, len(rules))}
	for _, r := range rules {
		if r.Pool == Random {
			s.Random++
		}
	}
	return s
}

// A slot is a rule as numbers: keep or drop the hardest so many, of the query's class alone or of all. The easiest n are
// what is not among the hardest k-n. A slot that is not active changes nothing.
const (
	slotHardest = iota
	slotKeep
	slotSameClass
	slotActive
	SlotSize
)

// Slots are the rules as the input of Kept, [Slots, SlotSize], at a step of so many, for queues of k and so many classes.
// Those of the random pool come first; the order of rules changes nothing.
func Slots(rules []Rule, k, classes, step, steps int) []int32 {
	flag := func(b bool) int32 {
		if b {
			return 1
		}
		return 0
	}
	var drawn, ranked []int32
	for _, r := range rules {
		n, keep := r.Count(k, classes), r.Action == Keep
		if r.Pool == Easiest {
			n, keep = k-n, !keep
		}
		slot := []int32{int32(n), flag(keep), flag(r.Pool == SameClass), flag(r.Active(step, steps))}
		if r.Pool == Random {
			drawn = append(drawn, slot...)
		} else {
			ranked = append(ranked, slot...)
		}
	}
	return append(append(drawn, ranked...), make([]int32, (ShapeOf(rules).Slots-len(rules))*SlotSize)...)
}

// Draw sets pool, of k negatives, for those n that a rule of the random pool selects.
func (s *Selector) Draw(pool []bool, n int, rng *rand.Rand) {
	clear(pool)
	for i := range n { // a partial Fisher-Yates shuffle, from the identity every time
		j := i + rng.IntN(len(pool)-i)
		s.perm[i], s.perm[j] = s.perm[j], s.perm[i]
		pool[s.perm[i]] = true
	}
	for i := range s.perm {
		s.perm[i] = int32(i)
	}
}

// Kept is Selector.Select as a graph: which negatives each query sees, [B, K] of booleans. similarity is [B, K],
// queryClass [B], class [K] or [B, K], slots those of Slots; drawn has for each rule of the random pool what Draw selected,
// [B, K] of booleans.
func (s Shape) Kept(similarity, queryClass, class, slots *Node, drawn []*Node) *Node {
	g, d := similarity.Graph(), similarity.Shape().Dimensions
	if class.Rank() == 1 {
		class = InsertAxes(class, 0)
	}
	own := Equal(BroadcastToDims(InsertAxes(queryClass, -1), d...), BroadcastToDims(class, d...))
	keys := sortable(similarity)
	kept := BroadcastToDims(Const(g, true), d...)
	for i := range s.Slots {
		at := func(which int) *Node { return Reshape(Slice(slots, AxisElem(i), AxisElem(which))) }
		is := func(which int) *Node { return GreaterThan(at(which), zero(at(which))) }
		var pool *Node
		if i < len(drawn) {
			pool = drawn[i]
		} else {
			pool = LogicalAnd(hardest(keys, at(slotHardest), is(slotActive)), LogicalOr(own, LogicalNot(is(slotSameClass))))
		}
		hidden := LogicalXor(pool, BroadcastToDims(is(slotKeep), d...))
		kept = LogicalAnd(kept, LogicalNot(LogicalAnd(hidden, is(slotActive))))
	}
	return kept
}

// sortable maps floats to integers in the same order; the two zeros are one. It compares bits, since XLA's CPU takes floats
// next to zero for zero.
func sortable(x *Node) *Node {
	b := Bitcast(x, dtypes.Int32)
	return Where(LessThan(b, zero(b)), Sub(Scalar(b.Graph(), dtypes.Int32, int32(math.MinInt32)), b), b)
}

// hardest marks the n largest of each row of keys [B, K], ties by index: the lower is the harder. Sorting would take
// several times as long. The n-th largest is found bit by bit: the largest threshold that n keys reach; and where more
// keys equal it than there is place for, the bound on their index likewise. If it is not wanted it takes no time, and
// marks anything.
func hardest(keys, n, wanted *Node) *Node {
	g, rows, k := keys.Graph(), keys.Shape().Dim(0), keys.Shape().Dim(1)
	integer := func(v int) *Node { return Const(g, int32(v)) }
	n = BroadcastToDims(ConvertDType(n, dtypes.Float32), rows, 1)

	threshold, reach, above := largest(Where(wanted, integer(math.MinInt32), integer(0)), BroadcastToDims(integer(math.MinInt32), rows, 1),
		n, GreaterOrEqual, func(value *Node, of []*Node) *Node { return GreaterOrEqual(of[0], value) }, keys)
	tied := LogicalAnd(wanted, ReduceLogicalOr(GreaterThan(reach, n)))

	index, top := Iota(g, shapes.Make(dtypes.Int32, 1, k), 1), bits.Len(uint(k))
	bound, _, _ := largest(Where(tied, integer(-1<<(top-1)), integer(0)), BroadcastToDims(Where(tied, integer(0), integer(1<<top)), rows, 1),
		Sub(n, above), LessOrEqual, func(value *Node, of []*Node) *Node {
			keys, threshold, index := of[0], of[1], of[2]
			return LogicalAnd(Equal(keys, threshold), LessThan(index, value))
		}, keys, threshold, index)
	return LogicalOr(GreaterThan(keys, threshold), LogicalAnd(Equal(keys, threshold), LessThan(index, bound)))
}

// largest is for each row the largest integer of which it holds that so many as are in a set compare with n [rows, 1], where
// it holds of all up to it and of none above; with the number in its set, and in that of the next integer. (If none was
// tried that held, or did not, these are n and 0.) It is found by adding to the least [rows, 1] one power of two after the
// other. They are given as their negatives, from the first on, for only those have the highest: it leads from the least
// 32-bit integer to 0, since sums wrap around. A first of 0 adds nothing.
func largest(first, least, n *Node, compare func(count, n *Node) *Node, set func(value *Node, of []*Node) *Node, of ...*Node) (value, at, next *Node) {
	// All that the loop reads is its state, and nothing in it is repeated explicitly: GoMLX v0.28.3 loses such nodes.
	start := append([]*Node{first, least, n, n, ZerosLike(n)}, of...)
	loop := func(f func(state []*Node) []*Node) *Function {
		return NewClosure(first.Graph(), func(g *Graph) []*Node {
			var state []*Node
			for i, x := range start {
				state = append(state, Parameter(g, fmt.Sprint("state", i), x.Shape()))
			}
			return f(state)
		})
	}
	more := loop(func(state []*Node) []*Node { return []*Node{LessThan(state[0], Const(first.Graph(), int32(0)))} })
	try := loop(func(state []*Node) []*Node {
		power, value, n, at, next, of := state[0], state[1], state[2], state[3], state[4], state[5:]
		tried := Sub(value, power)
		number := count(set(tried, of))
		holds := compare(number, n)
		state = []*Node{Div(power, Const(first.Graph(), int32(2))), Where(holds, tried, value), n, Where(holds, number, at), Where(holds, next, number)}
		return append(state, of...)
	})
	end := While(more, try, start...)
	return end[1], end[3], end[4]
}

// count is the number of each row that is in a set, [rows, 1], as a product: exact up to 2^24. In a loop go-xla v0.4.2 has
// no sums, if they are used outside of it, too.
func count(set *Node) *Node {
	ones := BroadcastToDims(Const(set.Graph(), float32(1)), set.Shape().Dim(1))
	return InsertAxes(DotGeneral(ConvertDType(set, dtypes.Float32), []int{1}, nil, ones, []int{0}, nil), -1)
}

func zero(x *Node) *Node { return ScalarZero(x.Graph(), x.DType()) }
