package embeddings

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// inMemory are the drawn rows without a file, of unit length.
func inMemory() *Rows {
	values, labels := draw(1)
	r := &Rows{From: []File{{Role: "images", Name: "drawn"}}, Dim: dim, Values: slices.Clone(values)}
	for i := range rows {
		row, squares := r.Values[i*dim:][:dim], 0.0
		for _, v := range row {
			squares += float64(v) * float64(v)
		}
		for d := range row {
			row[d] /= float32(math.Sqrt(squares))
		}
		if !slices.Contains(r.Classes, labels[i]) {
			r.Classes = append(r.Classes, labels[i])
		}
		r.Labels = append(r.Labels, int32(slices.Index(r.Classes, labels[i])))
	}
	return r
}

func TestRowsInMemoryAreThoseOfFiles(t *testing.T) {
	f := newFolder(t)
	values, labels := draw(1)
	want := mustAnalyze(t, Request{Embeddings: f.npy("z.npy", values, shape), Labels: f.lines("y.txt", labels), Tree: f.pairs()})
	in := inMemory()
	tree, err := taxonomy.ReadFile(f.pairs(), in.Classes)
	if err != nil {
		t.Fatal(err)
	}
	in.Tree = tree
	got := mustAnalyze(t, Request{Rows: in})
	for id, s := range want.Statistics {
		if math.Abs(got.Statistics[id].Value-s.Value) > 1e-3 { // rows are rounded once more
			t.Errorf("%s is %g, from files %g", id, got.Statistics[id].Value, s.Value)
		}
	}
	if len(got.Inputs) != 1 || got.Inputs[0].Name != "drawn" || got.TreeDigest == "" {
		t.Errorf("%+v", got)
	}
}

// TestQueueOfNoKnownClass: what knows no class is that of the queue with its labels, and nothing is said of classes.
func TestQueueOfNoKnownClass(t *testing.T) {
	f := newFolder(t)
	queue, held := draw(2)
	r := Request{Rows: inMemory(), Queue: f.npy("q.npy", queue, shape), Protocol: protocol}
	r.Protocol.Queries = rows
	out, err := Analyze(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	most, count := hardest(inMemory().Values, queue)
	if got := out.Hardest[0]; got.Index != most || math.Abs(got.Hard-float64(count)/rows) > 1e-12 || got.Class != "" || got.Near != held[most] || got.NearRows < 5 {
		t.Errorf("the hardest is %+v, want %d for %d queries, of %s", got, most, count, held[most])
	}
	if out.Negatives != rows || out.Bands[0].SameClass != nil || out.Chance.SameClass != nil || out.Hard.Classes != nil || out.Hard.Most[0].Class != -1 {
		t.Errorf("%+v", out)
	}
	for _, d := range analysis.All {
		if _, ok := out.Statistics[d.ID]; ok != slices.Contains(ofDifficulty, d.ID) || ok == (out.Absent[d.ID] != "") {
			t.Errorf("%s: %v, absent because %q", d.ID, ok, out.Absent[d.ID])
		}
	}
	// Classes by number are those of the rows.
	numbers := make([]string, rows)
	for i, label := range held {
		numbers[i] = strconv.Itoa(slices.Index(r.Rows.Classes, label))
	}
	r.Rows, r.QueueLabels = inMemory(), f.lines("q.txt", numbers)
	byNumber, err := Analyze(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.Rows, r.QueueLabels = inMemory(), f.lines("names.txt", held)
	byName, err := Analyze(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !sameNumbers(t, byNumber, byName) {
		t.Error("classes by number and by name give other numbers")
	}
	if byName.Hardest[0].Class != held[most] || byName.Bands[0].SameClass == nil {
		t.Errorf("%+v", byName.Hardest[0])
	}
	for i, band := range out.Bands {
		if math.Abs(band.Dot-byName.Bands[i].Dot) > 1e-12 {
			t.Errorf("band %d: dot product %g, with labels %g", i, band.Dot, byName.Bands[i].Dot)
		}
	}
}

// hardest is the negative that is among the hardest 5% of the most queries, and of how many.
func hardest(queries, queue []float32) (most, count int) {
	counts := make([]int, rows)
	for q := range rows {
		dots, order := make([]float64, rows), make([]int, rows)
		for j := range rows {
			length := 0.0
			for d, v := range queue[j*dim:][:dim] {
				dots[j] += float64(queries[q*dim+d]) * float64(v)
				length += float64(v) * float64(v)
			}
			dots[j], order[j] = dots[j]/math.Sqrt(length), j
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(dots[b], dots[a]) })
		for _, j := range order[:rows/20] {
			counts[j]++
		}
	}
	count = slices.Max(counts)
	return slices.Index(counts, count), count
}

// TestNearestClassIsThatOfMostRows by hand: four of the ten nearest are of class b.
func TestNearestClassIsThatOfMostRows(t *testing.T) {
	in := analysis.Input{Dim: 2}
	out := &Result{Classes: []string{"a", "b", "c", "d"}}
	for i, label := range []int32{0, 1, 1, 1, 1, 0, 0, 2, 2, 2, 3, 3, 3, 3, 3} {
		angle := float64(i) / 20
		in.Embeddings = append(in.Embeddings, float32(math.Cos(angle)), float32(math.Sin(angle)))
		in.Labels = append(in.Labels, label)
	}
	if class, n := out.near(in, []float32{1, 0}); class != "b" || n != 4 {
		t.Errorf("%d of class %s", n, class)
	}
}
