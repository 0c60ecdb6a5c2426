package analysis

import (
	"bytes"
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
	data, _ := binary.Append([]byte(countsMagic), binary.LittleEndian, slices.Concat(c.Hard, c.Easy)) // never an error
	return data
}

// DecodeCounts reads what EncodeCounts wrote. Every error wraps ErrCounts. Both tails are of the same size for
// every query, so both kinds of counts must add up to the same.
func DecodeCounts(data []byte) (Counts, error) {
	data, ok := bytes.CutPrefix(data, []byte(countsMagic))
	if !ok {
		return Counts{}, fmt.Errorf("%w: they do not start with %q", ErrCounts, countsMagic)
	}
	if len(data) == 0 || len(data)%4 != 0 {
		return Counts{}, fmt.Errorf("%w: %d bytes are not two counts for each image", ErrCounts, len(data))
	}
	n := len(data) / 4
	counts, totals := make([]uint16, 2*n), [2]int{}
	for i := range counts {
		counts[i] = binary.LittleEndian.Uint16(data[2*i:])
		totals[i/n] += int(counts[i])
	}
	if totals[0] != totals[1] {
		return Counts{}, fmt.Errorf("%w: hard counts add up to %d, easy ones to %d", ErrCounts, totals[0], totals[1])
	}
	return Counts{Hard: counts[:n:n], Easy: counts[n:]}, nil
}

// Stability is the mean over pairs of encoders of Spearman's correlation between their counts, each [n]: 1 if
// difficulty belongs to the images, 0 if to the encoder. It is NaN where that is undefined: for fewer than two
// encoders, counts of different images, or counts that are all the same.
func Stability(counts [][]uint16) float64 { return Agreement(counts).Mean(-1) }

// Agreements are Spearman's correlations of the counts of encoders, by pair.
type Agreements [][]float64

// Agreement correlates the counts of every two encoders, each [n].
func Agreement(counts [][]uint16) Agreements {
	ranked, all := make([][]float64, len(counts)), make(Agreements, len(counts))
	for i, c := range counts {
		ranked[i], all[i] = countRanks(c), make([]float64, len(counts))
		for j := range i {
			if len(c) == len(counts[j]) {
				all[i][j] = stat.Correlation(ranked[i], ranked[j], nil)
			} else {
				all[i][j] = math.NaN()
			}
			all[j][i] = all[i][j]
		}
	}
	return all
}

// Mean is that over the pairs without one encoder, or over all with -1; NaN without pairs.
func (a Agreements) Mean(without int) float64 {
	total, pairs := 0.0, 0.0
	for i := range a {
		for j := range i {
			if i != without && j != without {
				total += a[i][j]
				pairs++
			}
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
