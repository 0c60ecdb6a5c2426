package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Counts say for how many queries each image is in the hardest and in the easiest tail: [n] each. With the same
// protocol and images, they compare encoders; see Stability.
type Counts struct{ Hard, Easy []uint16 }

// CountsType is the media type of encoded counts; the number is the version of the format.
const CountsType = "application/vnd.cidbench.counts.v1"

// ErrCounts says that bytes are not encoded counts.
var ErrCounts = errors.New("not encoded counts")

// countsMagic starts encoded counts; 1 is the version of the format.
const countsMagic = "cidcnt1\n"

// EncodeCounts writes the magic, then hard and then easy counts, of two bytes each, little-endian.
func EncodeCounts(c Counts) []byte {
	data := []byte(countsMagic)
	for _, counts := range [][]uint16{c.Hard, c.Easy} {
		for _, count := range counts {
			data = binary.LittleEndian.AppendUint16(data, count)
		}
	}
	return data
}

// DecodeCounts reads what EncodeCounts wrote. Every error wraps ErrCounts. Both tails are of the same size for
// every query, so both kinds of counts must add up to the same.
func DecodeCounts(data []byte) (Counts, error) {
	if len(data) < len(countsMagic) || string(data[:len(countsMagic)]) != countsMagic {
		return Counts{}, fmt.Errorf("%w: they do not start with %q", ErrCounts, countsMagic)
	}
	data = data[len(countsMagic):]
	if len(data) == 0 || len(data)%4 != 0 {
		return Counts{}, fmt.Errorf("%w: %d bytes are not two counts for each image", ErrCounts, len(data))
	}
	n := len(data) / 4
	decode := func(data []byte) (counts []uint16, total int) {
		for i := range n {
			counts = append(counts, binary.LittleEndian.Uint16(data[2*i:]))
			total += int(counts[i])
		}
		return counts, total
	}
	hard, hardTotal := decode(data)
	easy, easyTotal := decode(data[2*n:])
	if hardTotal != easyTotal {
		return Counts{}, fmt.Errorf("%w: hard counts add up to %d, easy ones to %d", ErrCounts, hardTotal, easyTotal)
	}
	return Counts{Hard: hard, Easy: easy}, nil
}

// Stability is the mean over pairs of encoders of Spearman's correlation between their counts, each [n]: 1 if
// difficulty belongs to the images, 0 if to the encoder. It is NaN where that is undefined: for fewer than two
// encoders, counts of different images, or counts that are all the same.
func Stability(counts [][]uint16) float64 {
	ranked := make([][]float64, len(counts))
	for i, c := range counts {
		if len(c) != len(counts[0]) {
			return math.NaN()
		}
		ranked[i] = countRanks(c)
	}
	total, pairs := 0.0, 0.0
	for i := range ranked {
		for j := range i {
			total += stat.Correlation(ranked[i], ranked[j], nil)
			pairs++
		}
	}
	return total / pairs
}

// countRanks are ranks from 1; ties share their mean.
func countRanks(counts []uint16) []float64 {
	images := map[uint16]int64{}
	for _, count := range counts {
		images[count]++
	}
	var r ranks
	doubled := map[uint16]int64{}
	for _, count := range slices.Sorted(maps.Keys(images)) {
		doubled[count] = r.next(images[count])
	}
	ranked := make([]float64, len(counts))
	for i, count := range counts {
		ranked[i] = float64(doubled[count]) / 2
	}
	return ranked
}
