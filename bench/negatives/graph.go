package negatives

import (
	"math/bits"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
)

// slot is a rule as numbers, so that one graph serves all arms with as many rules: keep or drop the hardest so many, of
// the query's class alone or of all. The easiest n are what is not among the hardest k-n.
const (
	slotHardest = iota
	slotKeep
	slotSameClass
	slotActive
	slotSize
)

// Slots are the rules as the input of Kept, [rules, 4], at a step of so many, for queues of k and so many classes.
func Slots(rules []Rule, k, classes, step, steps int) (slots []int32) {
	flag := func(b bool) int32 {
		if b {
			return 1
		}
		return 0
	}
	for _, r := range rules {
		n, keep := r.Count(k, classes), r.Action == Keep
		if r.Pool == Easiest {
			n, keep = k-n, !keep
		}
		slots = append(slots, int32(n), flag(keep), flag(r.Pool == SameClass), flag(r.Active(step, steps)))
	}
	return slots
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
// queryClass [B], class [K] or [B, K], slots those of Slots; drawn has for each rule what Draw selected of the random
// pool, [B, K] of booleans, and nil for rules of other pools.
func Kept(similarity, queryClass, class, slots *Node, drawn []*Node) *Node {
	kept := BroadcastToDims(Const(similarity.Graph(), true), similarity.Shape().Dimensions...)
	if len(drawn) == 0 {
		return kept
	}
	if class.Rank() == 1 {
		class = InsertAxes(class, 0)
	}
	own := Equal(BroadcastToDims(InsertAxes(queryClass, -1), similarity.Shape().Dimensions...), BroadcastToDims(class, similarity.Shape().Dimensions...))
	keys := sortable(similarity)
	for i, pool := range drawn {
		at := func(which int) *Node { return Reshape(Slice(slots, AxisElem(i), AxisElem(which))) }
		is := func(which int) *Node { return GreaterThan(at(which), zero(at(which))) }
		if pool == nil {
			pool = LogicalAnd(hardest(keys, at(slotHardest)), LogicalOr(own, LogicalNot(is(slotSameClass))))
		}
		seen := LogicalNot(LogicalXor(pool, BroadcastToShape(is(slotKeep), pool.Shape())))
		kept = LogicalAnd(kept, LogicalOr(seen, LogicalNot(is(slotActive))))
	}
	return kept
}

// sortable maps floats to integers in the same order; the two zeros are one.
func sortable(x *Node) *Node {
	x = Where(Equal(x, zero(x)), ZerosLike(x), x)
	b := Bitcast(x, dtypes.Int32)
	return Where(LessThan(b, zero(b)), BitwiseXor(b, Scalar(b.Graph(), dtypes.Int32, 0x7fffffff)), b)
}

// hardest marks the n largest of each row of keys [B, K], ties by index: the lower is the harder. Sorting would take
// several times as long. The n-th largest is found bit by bit: the largest threshold that n keys reach; and among the
// keys that equal it the bound on their index likewise.
func hardest(keys, n *Node) *Node {
	g := keys.Graph()
	integer := func(v int64) *Node { return Scalar(g, dtypes.Int32, v) }
	count := func(set *Node) *Node { return ReduceAndKeep(ConvertDType(set, dtypes.Int32), ReduceSum, 1) }
	rows, k := keys.Shape().Dim(0), keys.Shape().Dim(1)
	over := func(x *Node) *Node { return BroadcastToDims(x, rows, k) } // a column over its rows

	threshold := BroadcastToDims(integer(-1<<31), rows, 1)
	for bit := 31; bit >= 0; bit-- {
		higher := BroadcastToDims(integer(0), rows, 1) // from the least, the highest bit leads to 0
		if bit < 31 {
			higher = Add(threshold, integer(1<<bit))
		}
		reached := GreaterOrEqual(count(GreaterOrEqual(keys, over(higher))), BroadcastToDims(n, rows, 1))
		threshold = Where(reached, higher, threshold)
	}
	above, level := GreaterThan(keys, over(threshold)), Equal(keys, over(threshold))
	ties := Sub(BroadcastToDims(n, rows, 1), count(above))

	index := Iota(g, shapes.Make(dtypes.Int32, rows, k), 1)
	bound := BroadcastToDims(integer(0), rows, 1)
	for bit := bits.Len(uint(k)) - 1; bit >= 0; bit-- {
		higher := Add(bound, integer(1<<bit))
		fits := LessOrEqual(count(LogicalAnd(level, LessThan(index, over(higher)))), ties)
		bound = Where(fits, higher, bound)
	}
	return LogicalOr(above, LogicalAnd(level, LessThan(index, over(bound))))
}

func zero(x *Node) *Node { return ScalarZero(x.Graph(), x.DType()) }
