package dataset

import (
	"math"
	"math/cmplx"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// The tests of this file measure what an encoder could get by with instead of learning the classes.

// The nuisance must carry no class information: by one-way analysis of variance of each of its parameters, and by
// a classifier that sees them all.
func TestNuisanceIsFreeOfClass(t *testing.T) {
	const classes, perClass = 100, 150
	var x [][]float64
	var y []int32
	for i := range classes * perClass {
		n := reflect.ValueOf(drawNuisance(newStream("train", i)))
		var row []float64
		for p := range n.NumField() {
			row = append(row, n.Field(p).Float())
		}
		x, y = append(x, row), append(y, int32(i%classes))
	}
	standardise(x)
	// Under equal distributions F has mean 1 and this deviation; with 17 parameters, 4.5 deviations by chance have
	// a probability under 0.001, and the streams are fixed.
	deviation := math.Sqrt(2. / (classes - 1))
	for p := range x[0] {
		f := anova(x, y, p, classes)
		name := reflect.TypeFor[nuisance]().Field(p).Name
		t.Logf("%-10s F = %.2f", name, f)
		if math.Abs(f-1) > 4.5*deviation {
			t.Errorf("the distribution of %s differs between classes: F = %.2f", name, f)
		}
	}
	train, test := x[:10_000], x[10_000:]
	got := accuracy(nearestNeighbours(train, y[:10_000], test, classes), y[10_000:])
	t.Logf("classes from the nuisance: %.1f%%", got)
	if got > 2 {
		t.Errorf("the nuisance gives away the class of %.1f%% of the images, chance is 1%%", got)
	}
}

// Colour alone and plain pixels must stay far from giving the class away, while features that see shape and
// texture wherever they lie must do far better: the classes are there to be learnt, and not for free.
func TestShortcuts(t *testing.T) {
	if testing.Short() {
		t.Skip("fits classifiers for several seconds")
	}
	d := glyphs()
	const train, test = 5_000, 2_500 // half of each split is telling enough
	want := d.Test.Labels[:test]
	type span struct{ low, high float64 } // of the accuracy, percent; chance is 1 for a class, 10 for its parts
	for _, c := range []struct {
		name                    string
		feature                 func(image []uint8) []float64
		classify                func(x [][]float64, y []int32, test [][]float64, classes int) []int32
		class, outline, texture span
	}{
		{"mean colour, neighbours", meanColour, nearestNeighbours, span{1.5, 10}, span{0, 20}, span{0, 20}},
		{"mean and deviation of colour, neighbours", colourStatistics, nearestNeighbours, span{2, 15}, span{0, 25}, span{0, 25}},
		{"pixels, nearest class mean", allPixels, nearestMean, span{2, 15}, span{0, 25}, span{0, 30}},
		{"pixels at half size, ridge", halfSize, ridge, span{2, 20}, span{0, 30}, span{0, 40}},
		{"silhouette, neighbours", silhouette, nearestNeighbours, span{15, 100}, span{90, 100}, span{0, 50}},
		{"spectrum of grey, ridge", spectrum, ridge, span{8, 100}, span{0, 30}, span{50, 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := slices.Concat(each(d.Train, train, c.feature), each(d.Test, test, c.feature))
			standardise(x)
			got := c.classify(x[:train], d.Train.Labels[:train], x[train:], len(d.Classes))
			within := func(what string, accuracy float64, bounds span) {
				t.Logf("%s %.1f%%", what, accuracy)
				if accuracy < bounds.low || accuracy > bounds.high {
					t.Errorf("%s: %.1f%% right, want %v to %v", what, accuracy, bounds.low, bounds.high)
				}
			}
			within("class", accuracy(got, want), c.class)
			within("outline", agreement(got, want, func(label int32) int32 { return label / 10 }), c.outline)
			within("texture", agreement(got, want, func(label int32) int32 { return label % 10 }), c.texture)
		})
	}
}

func allPixels(image []uint8) []float64 {
	x := make([]float64, len(image))
	for i, v := range image {
		x[i] = float64(v) / 255
	}
	return x
}

func meanColour(image []uint8) []float64 { return colourStatistics(image)[:Channels] }

// colourStatistics is the mean and then the standard deviation of each channel.
func colourStatistics(image []uint8) []float64 {
	x := make([]float64, 2*Channels)
	n := float64(len(image) / Channels)
	for i, v := range image {
		x[i%Channels] += float64(v) / n
	}
	for i, v := range image {
		x[Channels+i%Channels] += math.Pow(float64(v)-x[i%Channels], 2) / n
	}
	for c := Channels; c < len(x); c++ {
		x[c] = math.Sqrt(x[c])
	}
	return x
}

// halfSize averages blocks of 2x2 pixels.
func halfSize(image []uint8) []float64 {
	x := make([]float64, len(image)/4)
	for i, v := range image {
		row, col, c := i/Channels/side, i/Channels%side, i%Channels
		x[(row/2*side/2+col/2)*Channels+c] += float64(v) / 4
	}
	return x
}

// silhouette is the strength of each harmonic of the coloured region around its centroid: how many lobes it has.
func silhouette(image []uint8) []float64 {
	var points []complex128
	var centroid complex128
	for i := 0; i < len(image); i += Channels {
		const coloured = 40 // beyond the tint and the noise of the background
		if p := image[i : i+Channels]; slices.Max(p)-slices.Min(p) > coloured {
			at := complex(float64(i/Channels%side), float64(i/Channels/side))
			points = append(points, at)
			centroid += at
		}
	}
	count := complex(float64(len(points))+1e-9, 0)
	var size float64
	for _, p := range points {
		size += cmplx.Abs(p-centroid/count) / real(count)
	}
	var x []float64
	for harmonic := 1; harmonic <= 8; harmonic++ {
		var sum complex128
		for _, p := range points {
			// Points far out tell lobes from gaps, so they weigh more.
			r, theta := cmplx.Polar(p - centroid/count)
			sum += cmplx.Rect(math.Pow(r/size, 3), float64(harmonic)*theta) / count
		}
		x = append(x, cmplx.Abs(sum))
	}
	return x
}

// spectrum is the logarithm of the power of the grey image at each frequency: it forgets where things are.
func spectrum(image []uint8) []float64 {
	var rows [side][side/2 + 1]complex128 // transformed along x
	for r := range side {
		for c := range side {
			p := image[(r*side+c)*Channels:]
			grey := float64(int(p[0])+int(p[1])+int(p[2])) / (3 * 255)
			for k := range rows[r] {
				rows[r][k] += complex(grey, 0) * turns[k*c%side]
			}
		}
	}
	var x []float64
	for k := range rows[0] {
		for l := range side {
			var sum complex128
			for r := range side {
				sum += rows[r][k] * turns[l*r%side]
			}
			x = append(x, math.Log(.1+real(sum)*real(sum)+imag(sum)*imag(sum)))
		}
	}
	return x
}

// turns[n] is exp(-2 pi i n/side).
var turns = func() (t [side]complex128) {
	for n := range t {
		t[n] = cmplx.Rect(1, -2*math.Pi*float64(n)/side)
	}
	return t
}()

// each returns the features of the first n images.
func each(s Split, n int, feature func([]uint8) []float64) [][]float64 {
	x := make([][]float64, n)
	for i := range x {
		image := s.Buffer()
		if err := s.Read(i, image); err != nil {
			panic(err) // drawn, not read
		}
		x[i] = feature(image)
	}
	return x
}

// standardise brings every column of x to mean 0 and standard deviation 1.
func standardise(x [][]float64) {
	for j := range x[0] {
		var sum, squares float64
		for _, row := range x {
			sum += row[j]
			squares += row[j] * row[j]
		}
		mean := sum / float64(len(x))
		deviation := math.Sqrt(squares/float64(len(x)) - mean*mean)
		for _, row := range x {
			row[j] = (row[j] - mean) / max(deviation, 1e-9)
		}
	}
}

// anova is the F statistic of column p between the classes.
func anova(x [][]float64, y []int32, p, classes int) float64 {
	means, counts := make([]float64, classes), make([]float64, classes)
	var mean float64
	for i, row := range x {
		means[y[i]] += row[p]
		counts[y[i]]++
		mean += row[p] / float64(len(x))
	}
	var between, within float64
	for c := range means {
		means[c] /= counts[c]
		between += counts[c] * math.Pow(means[c]-mean, 2)
	}
	for i, row := range x {
		within += math.Pow(row[p]-means[y[i]], 2)
	}
	return between / float64(classes-1) / (within / float64(len(x)-classes))
}

// nearestMean predicts the class whose mean is nearest.
func nearestMean(x [][]float64, y []int32, test [][]float64, classes int) []int32 {
	means, counts := make([][]float64, classes), make([]float64, classes)
	for i, row := range x {
		if means[y[i]] == nil {
			means[y[i]] = make([]float64, len(row))
		}
		counts[y[i]]++
		for j, v := range row {
			means[y[i]][j] += v
		}
	}
	for c := range means {
		for j := range means[c] {
			means[c][j] /= counts[c]
		}
	}
	result := make([]int32, len(test))
	for i, row := range test {
		best := math.Inf(1)
		for c, mean := range means {
			if d := distance(row, mean); d < best {
				best, result[i] = d, int32(c)
			}
		}
	}
	return result
}

// nearestNeighbours predicts the most frequent class among the 20 nearest.
func nearestNeighbours(x [][]float64, y []int32, test [][]float64, classes int) []int32 {
	const k = 20
	type neighbour struct {
		distance float64
		label    int32
	}
	result := make([]int32, len(test))
	for i, row := range test {
		var nearest []neighbour // ascending
		for j, other := range x {
			d := distance(row, other)
			if len(nearest) == k && d >= nearest[k-1].distance {
				continue
			}
			at, _ := slices.BinarySearchFunc(nearest, d, func(n neighbour, d float64) int {
				if n.distance < d {
					return -1
				}
				return 1
			})
			nearest = slices.Insert(nearest, at, neighbour{d, y[j]})
			nearest = nearest[:min(k, len(nearest))]
		}
		votes := make([]int, classes)
		for _, n := range nearest {
			votes[n.label]++
		}
		result[i] = int32(slices.Index(votes, slices.Max(votes)))
	}
	return result
}

func distance(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return sum
}

// ridge fits one least-squares direction per class, with weak shrinkage, and predicts the largest response. The
// columns of x have mean 0.
func ridge(x [][]float64, y []int32, test [][]float64, classes int) []int32 {
	dense := func(x [][]float64) *mat.Dense { return mat.NewDense(len(x), len(x[0]), slices.Concat(x...)) }
	train, oneHot := dense(x), mat.NewDense(len(x), classes, nil)
	for i, label := range y {
		oneHot.Set(i, int(label), 1)
	}
	gram := mat.NewSymDense(len(x[0]), nil)
	gram.SymOuterK(1, train.T())
	for j := range x[0] {
		gram.SetSym(j, j, gram.At(j, j)+.01*float64(len(x)))
	}
	var cholesky mat.Cholesky
	cholesky.Factorize(gram) // shrinkage makes it positive definite
	var target, weights, scores mat.Dense
	target.Mul(train.T(), oneHot)
	if err := cholesky.SolveTo(&weights, &target); err != nil {
		panic(err)
	}
	scores.Mul(dense(test), &weights)
	result := make([]int32, len(test))
	for i := range result {
		result[i] = int32(floats.MaxIdx(scores.RawRowView(i)))
	}
	return result
}

// accuracy is the share of equal labels, in percent.
func accuracy(got, want []int32) float64 {
	return agreement(got, want, func(label int32) int32 { return label })
}

// agreement is the share of labels equal in the given view, in percent.
func agreement(got, want []int32, view func(int32) int32) float64 {
	var right float64
	for i := range got {
		if view(got[i]) == view(want[i]) {
			right++
		}
	}
	return 100 * right / float64(len(got))
}
