package icons

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/rng"
)

// TwinLevel is the correlation above which two drawings of a class are taken for one.
const TwinLevel = 0.95

// A drawing is a render as it is compared: what is drawn, without the white around it, brought to Side pixels on its
// longer side, with mean 0 and length 1. So copies with other margins are found. It is nil if next to nothing is drawn.
func drawing(grey []uint8) []float32 {
	const ink, least = 250, 0.005
	left, top, right, bottom, dark := renderSide, renderSide, -1, -1, 0
	for i, g := range grey {
		dark += white - int(g)
		if g < ink {
			x, y := i%renderSide, i/renderSide
			left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		}
	}
	if float64(dark) < least*white*renderSide*renderSide {
		return nil
	}
	scale := float64(max(right-left, bottom-top)+1) / Side
	pixels := window{Side / 2, Side / 2, float64(left+right+1) / 2, float64(top+bottom+1) / 2, scale, 0}.show(grey)

	sum := 0.0
	for _, p := range pixels {
		sum += float64(p)
	}
	mean, length := sum/float64(len(pixels)), 0.0
	values := make([]float32, len(pixels))
	for i, p := range pixels {
		values[i] = float32(float64(p) - mean)
		length += float64(float64(values[i]) * float64(values[i]))
	}
	if length == 0 { // a square, and nothing on it
		return nil
	}
	for i := range values {
		values[i] = float32(float64(values[i]) / math.Sqrt(length))
	}
	return values
}

// alike is the correlation of two drawings, -1 to 1.
func alike(a, b Picture) float64 {
	sum := 0.0
	for i, v := range a.drawing {
		sum += float64(float64(v) * float64(b.drawing[i]))
	}
	return sum
}

// inTwoClasses are the pictures whose drawing, to the last pixel, is one of another class too: nobody knows which is
// right.
func inTwoClasses(pictures []Picture) map[int]bool {
	at := map[[sha256.Size]byte][]int{}
	for i, p := range pictures {
		h := sha256.New()
		_ = binary.Write(h, binary.LittleEndian, p.drawing) // a hash never fails to write
		sum := [sha256.Size]byte(h.Sum(nil))
		at[sum] = append(at[sum], i)
	}
	out := map[int]bool{}
	for _, same := range at {
		if slices.ContainsFunc(same, func(i int) bool { return pictures[i].Label != pictures[same[0]].Label }) {
			for _, i := range same {
				out[i] = true
			}
		}
	}
	return out
}

// twins are the pictures that go so that no two of a class are alike. Which of two goes is drawn once for all, by name,
// so that no set is favoured.
func twins(pictures []Picture) map[int]bool {
	out := map[int]bool{}
	for _, class := range byClass(pictures) {
		rank := map[int]uint64{}
		for _, i := range class {
			rank[i] = rng.Stream(orderSeed, keyed(pictures[i].ID())).Uint64()
		}
		slices.SortFunc(class, func(i, j int) int { return cmp.Compare(rank[i], rank[j]) })
		var kept []int
		for _, i := range class {
			if slices.ContainsFunc(kept, func(j int) bool { return alike(pictures[i], pictures[j]) > TwinLevel }) {
				out[i] = true
				continue
			}
			kept = append(kept, i)
		}
	}
	return out
}

// byClass are the places of the pictures of each class that has any.
func byClass(pictures []Picture) map[int32][]int {
	classes := map[int32][]int{}
	for i, p := range pictures {
		classes[p.Label] = append(classes[p.Label], i)
	}
	return classes
}

// Twins says how many pictures of test have one of their class in training that is more alike than a level.
type Twins struct {
	Level float64
	Share float64 // of test
}

// remaining measures that of the set.
func (s *Set) remaining() []Twins {
	train := byClass(s.Train)
	found := []Twins{{Level: TwinLevel}, {Level: 0.9}, {Level: 0.85}, {Level: 0.8}}
	for _, p := range s.Test {
		most := -1.0
		for _, i := range train[p.Label] {
			most = max(most, alike(p, s.Train[i]))
		}
		for k := range found {
			if most > found[k].Level {
				found[k].Share += 1 / float64(len(s.Test))
			}
		}
	}
	return found
}
