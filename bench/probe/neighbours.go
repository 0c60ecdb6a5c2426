package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/nn"
)

// Weighted is the classifier with which MoCo's CIFAR-10 notebook watches training (github.com/facebookresearch/moco,
// colab/moco_cifar10_demo.ipynb, knn_predict), after Wu et al. (Unsupervised feature learning via non-parametric instance
// discrimination, CVPR 2018): the nearest training images vote on a test image, by cosine in the space of the embeddings,
// each with exp(cosine/Temperature). Images are seen plain, without views.
type Weighted struct {
	// Neighbours is the number that vote; the notebook has 200, and a temperature of 0.1.
	Neighbours  int     `json:"neighbours"`
	Temperature float64 `json:"temperature"`
}

// Given says whether it is measured: the zero value is not.
func (w Weighted) Given() bool { return w != Weighted{} }

// id is empty where nothing is measured, so that what was measured before keeps its name.
func (w Weighted) id() string {
	if !w.Given() {
		return ""
	}
	return fmt.Sprintf("-weighted1-knn-%d-t-%g", w.Neighbours, w.Temperature)
}

func (w Weighted) validate() error {
	if w.Given() && (w.Neighbours < 1 || !(w.Temperature > 0) || math.IsInf(w.Temperature, 1)) {
		return errors.New("probe: weighted: neighbours and temperature must be positive, or both 0 for none")
	}
	return nil
}

// run counts the test images that are classified correctly.
func (w Weighted) run(ctx context.Context, device nn.Device, s Subject) (int, error) {
	var sides [2]*mat.Dense
	for i, split := range []dataset.Split{s.Data.Train, s.Data.Test} {
		if split.Len() == 0 {
			return 0, errors.New("probe: weighted: there are no training or no test images")
		}
		values, err := s.Embeddings(split)
		if err == nil {
			err = finite(values)
		}
		if err != nil {
			return 0, err
		}
		sides[i] = dense(Set{Dim: len(values) / split.Len(), Values: values, Labels: split.Labels})
	}
	// Divided by the vote of the nearest, which changes no outcome, so that no temperature is too low for a number.
	vote := func(cosine, most float64) float64 { return math.Exp((cosine - most) / w.Temperature) }
	predicted, err := nearest(ctx, device, sides[0], s.Data.Train.Labels, sides[1], len(s.Data.Classes), w.Neighbours, vote)
	return right(predicted, s.Data.Test.Labels), err
}

// Chunk is the number of test images whose cosines with all training images are held at once.
const Chunk = 250

// nearest lets the k nearest training images by cosine vote, all where there are fewer, each with a weight by its cosine
// and that of the nearest. Of images that are as near the earlier counts as nearer; ties of votes go to the lower class.
func nearest(ctx context.Context, device nn.Device, x *mat.Dense, labels []int32, y *mat.Dense, classes, k int, weight func(cosine, most float64) float64) ([]int32, error) {
	product, err := device.Program(rowProducts, "products of rows")
	if err != nil {
		return nil, err
	}
	rows, dim := y.Dims()
	n, _ := x.Dims()
	k = min(k, n)
	train := tensors.FromFlatDataAndDimensions(unitRows(x, 0, n), n, dim)
	defer nn.Release([]*tensors.Tensor{train})
	predicted := make([]int32, rows)
	neighbours, votes := make([]int32, 0, k+1), make([]float64, classes)
	for start := 0; start < rows; start += Chunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(start+Chunk, rows)
		test := tensors.FromFlatDataAndDimensions(unitRows(y, start, end), end-start, dim)
		cosines, err := call(product, test, train)
		if err != nil {
			return nil, fmt.Errorf("probe: cosines: %w", err)
		}
		for i := start; i < end; i++ {
			row := cosines[(i-start)*n:][:n]
			neighbours = largest(neighbours[:0], row, k)
			clear(votes)
			for _, j := range neighbours {
				votes[labels[j]] += weight(float64(row[j]), float64(row[neighbours[0]]))
			}
			predicted[i] = int32(slices.Index(votes, slices.Max(votes)))
		}
	}
	return predicted, nil
}

// unitRows are rows from to to of m, scaled to unit length (a zero row stays zero).
func unitRows(m *mat.Dense, from, to int) []float32 {
	_, dim := m.Dims()
	out := make([]float32, 0, (to-from)*dim)
	for i := from; i < to; i++ {
		norm := mat.Norm(m.RowView(i), 2)
		for _, v := range m.RawRowView(i) {
			if norm > 0 {
				v /= norm
			}
			out = append(out, float32(v))
		}
	}
	return out
}

// largest appends the places of the k largest values, by insertion: k is small beside them and most values lose at once.
func largest(places []int32, values []float32, k int) []int32 {
	for j, v := range values {
		if len(places) == k && v <= values[places[k-1]] {
			continue
		}
		at := len(places)
		for at > 0 && v > values[places[at-1]] {
			at--
		}
		places = slices.Insert(places, at, int32(j))
		if len(places) > k {
			places = places[:k]
		}
	}
	return places
}
