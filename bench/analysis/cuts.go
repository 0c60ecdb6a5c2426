package analysis

// percentiles is the number of equal ranges that negatives are divided into.
const percentiles = 100

// cut is a range of places [from, to) of a query's ordered negatives.
type cut struct {
	label    [2]float64
	from, to int
}

// cutsOf divides n negatives into percentiles, and then into the cuts of the paper and their mirror images.
func cutsOf(n int) []cut {
	var cuts []cut
	for i := range percentiles {
		cuts = append(cuts, cut{
			label: [2]float64{float64(i) / percentiles, float64(i+1) / percentiles},
			from:  i * n / percentiles, to: (i + 1) * n / percentiles,
		})
	}
	for _, f := range []float64{0.001, 0.01, 0.05} {
		cuts = append(cuts, cut{label: [2]float64{0, f}, to: share(f, n)})
	}
	cuts = append(cuts, cut{label: [2]float64{0.25, 0.75}, from: share(0.25, n), to: share(0.75, n)})
	for _, f := range []float64{0.05, 0.01} {
		cuts = append(cuts, cut{label: [2]float64{1 - f, 1}, from: n - share(f, n), to: n})
	}
	return cuts
}

// cutSums are sums over the negatives in a cut of the queries of a class.
type cutSums struct {
	dot             float64
	same, sibling   float64
	others          float64
	path, wuPalmer  float64 // over the others
	ownPath, ownWuP float64 // over those of the query's class
}

// tally counts the negatives of the queries of one class by cut and class.
type tally struct {
	cuts  []cut
	dot   []float64
	count [][]int32 // [cuts][C]
}

func newTally(cuts []cut, classes int) *tally {
	return &tally{cuts: cuts, dot: make([]float64, len(cuts)), count: matrix[int32](len(cuts), classes)}
}

func (t *tally) reset() {
	clear(t.dot)
	for _, row := range t.count {
		clear(row)
	}
}

// add counts the negatives of a query.
func (t *tally) add(r *ranker, labels []int32) {
	for i, cut := range t.cuts {
		count, dot := t.count[i], t.dot[i]
		for _, j := range r.order[cut.from:cut.to] {
			count[labels[j]]++
			dot += float64(r.dots[j])
		}
		t.dot[i] = dot
	}
}

// sums says what the negatives of queries of class c were.
func (t *tally) sums(s *split, c int) []cutSums {
	sums := make([]cutSums, len(t.cuts))
	for i, row := range t.count {
		sums[i].dot = t.dot[i]
		for d, count := range row {
			n := float64(count)
			if d == c {
				sums[i].same, sums[i].ownPath, sums[i].ownWuP = n, n*s.Path[c][c], n*s.WuPalmer[c][c]
				continue
			}
			if s.Superclass[d] == s.Superclass[c] {
				sums[i].sibling += n
			}
			sums[i].others += n
			sums[i].path += n * s.Path[c][d]
			sums[i].wuPalmer += n * s.WuPalmer[c][d]
		}
	}
	return sums
}

// contrast fills a row of survey.extremes: that of class c, for the cut of the hardest fraction.
func (t *tally) contrast(row []float64, c int, fraction, queries float64) {
	all, inTail := make([]float64, len(row)), make([]float64, len(row))
	for i, cut := range t.cuts {
		for d, n := range t.count[i] {
			switch {
			case d == c:
			case i < percentiles:
				all[d] += float64(n)
			case cut.label == [2]float64{0, fraction}:
				inTail[d] += float64(n)
			}
		}
	}
	if sum(inTail) == 0 {
		return // all of its own class
	}
	for d := range row {
		row[d] = queries * (inTail[d]/sum(inTail) - all[d]/sum(all))
	}
}

// Percentile is what the negatives in a range of difficulty are like, mean over queries and negatives.
type Percentile struct {
	// From and To are fractions of a query's negatives, 0 the hardest.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Dot is the dot product with the query.
	Dot float64 `json:"dot"`
	// SameClass is the share of the query's class, SameSuperclass that of other classes below the same node.
	SameClass      float64 `json:"same_class"`
	SameSuperclass float64 `json:"same_superclass"`
	// Path and WuPalmer are the semantic similarity to the query.
	Path     float64 `json:"path"`
	WuPalmer float64 `json:"wu_palmer"`
	// PathOther and WuPalmerOther leave out negatives of the query's class; they are missing where no others are.
	PathOther     *float64 `json:"path_other,omitempty"`
	WuPalmerOther *float64 `json:"wu_palmer_other,omitempty"`
}

// bands are the percentiles and cuts over all queries.
func (v *survey) bands() []Percentile {
	bands := make([]Percentile, len(v.cuts))
	for i, cut := range v.cuts {
		var t cutSums
		for _, class := range v.classes {
			s := class.cuts[i]
			t.dot += s.dot
			t.same += s.same
			t.sibling += s.sibling
			t.others += s.others
			t.path += s.path
			t.wuPalmer += s.wuPalmer
			t.ownPath += s.ownPath
			t.ownWuP += s.ownWuP
		}
		n := t.same + t.others
		bands[i] = Percentile{
			From: cut.label[0], To: cut.label[1], Dot: t.dot / n, SameClass: t.same / n, SameSuperclass: t.sibling / n,
			Path: (t.path + t.ownPath) / n, WuPalmer: (t.wuPalmer + t.ownWuP) / n,
		}
		if t.others > 0 {
			path, wuPalmer := t.path/t.others, t.wuPalmer/t.others
			bands[i].PathOther, bands[i].WuPalmerOther = &path, &wuPalmer
		}
	}
	return bands
}
