package analysis

import (
	"context"
	"math"
)

// Measures is what an analysis found. Its JSON is the same bytes for the same input and protocol, whatever the
// threads, and holds no NaN.
type Measures struct {
	Images  int `json:"images"`
	Queries int `json:"queries"`
	Classes int `json:"classes"`
	// Queue is the number of negatives of every query, if they are not the other images.
	Queue int `json:"queue,omitempty"`
	// Statistics by id, see All. Absent says why one is missing.
	Statistics map[string]Statistic `json:"statistics"`
	Absent     map[string]string    `json:"absent,omitempty"`
	// Percentiles are 100 ranges of difficulty, from the hardest. Cuts are the hardest 0.1%, 1% and 5%, the
	// middle half, and the easiest 5% and 1%, each of at least one negative a query.
	Percentiles []Percentile `json:"percentiles"`
	Cuts        []Percentile `json:"cuts"`
	// Hard and Easy say how consistently images are in the tails of difficulty.
	Hard Consistency `json:"hard"`
	Easy Consistency `json:"easy"`
	// Gallery shows a few queries, spread over the classes, with their extreme negatives.
	Gallery []Row `json:"gallery"`
	// Uniformity is that of Wang and Isola (ICML 2020): the logarithm of the mean of exp(-2|x-y|^2) over
	// queries and their negatives, at most 0, lower the more evenly embeddings fill the sphere.
	Uniformity float64 `json:"uniformity"`
	// Counts are behind Hard and Easy; they are kept apart as an artifact.
	Counts Counts `json:"-"`
}

// Run analyses embeddings on so many threads. A cancelled context ends it with its error.
func (p Protocol) Run(ctx context.Context, in Input, threads int) (*Measures, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	s, err := newSplit(in)
	if err != nil {
		return nil, err
	}
	v := p.survey(ctx, s, threads)
	if err := ctx.Err(); err != nil { // some of the queries were not visited
		return nil, err
	}
	bands := v.bands()
	m := &Measures{
		Images: len(s.Labels), Queries: v.count, Classes: s.classes,
		Statistics: map[string]Statistic{}, Absent: map[string]string{},
		Percentiles: bands[:percentiles], Cuts: bands[percentiles:],
		Gallery: v.gallery, Uniformity: v.uniformity(),
		Counts: Counts{Hard: narrow(v.hard), Easy: narrow(v.easy)},
	}
	if in.Queue != nil {
		m.Queue = s.n
	}
	p.classMeans(v, m.Statistics, threads)
	p.semantics(v, m.Statistics, m.Absent, threads)
	m.Hard, m.Easy = p.consistency(v, m.Statistics, threads)
	return m, nil
}

// narrow fits counts into uint16, which maxQueries makes sure they do.
func narrow(counts []int32) []uint16 {
	out := make([]uint16, len(counts))
	for j, count := range counts {
		out[j] = uint16(count)
	}
	return out
}

func (v *survey) uniformity() float64 {
	energy := 0.0
	for _, class := range v.classes {
		energy += class.energy
	}
	return math.Log(energy / (float64(v.count) * float64(v.split.others)))
}

// classMeans adds the statistics that do not depend on the tree.
func (p Protocol) classMeans(v *survey, statistics map[string]Statistic, threads int) {
	mean := func(perQuery int, of func(classSums) float64) ratio {
		r := ratio{num: make([]float64, len(v.classes)), den: make([]float64, len(v.classes))}
		for c, sums := range v.classes {
			r.num[c], r.den[c] = of(sums), float64(len(v.queries[c])*perQuery)
		}
		return r
	}
	draws := make([]float64, p.Draws)
	for i := range draws {
		for c := range v.classes {
			draws[i] += v.labelNull[c][i]
		}
		draws[i] /= float64(v.count)
	}
	statistics[SameClassAUC] = p.statistic(mean(1, func(s classSums) float64 { return s.auc }), draws, threads)
	statistics[AnticorrelatedShare] = p.statistic(mean(v.tail, func(s classSums) float64 { return s.opposite }), nil, threads)
	statistics[NegativeShare] = p.statistic(mean(v.split.others, func(s classSums) float64 { return s.negative }), nil, threads)
}

// Row shows a query with its extreme negatives.
type Row struct {
	Query int   `json:"query"` // index of the image
	Class int32 `json:"class"`
	// Hardest starts with the hardest negative, Easiest with the easiest.
	Hardest []Neighbour `json:"hardest"`
	Easiest []Neighbour `json:"easiest"`
}

// Neighbour is a negative of a query.
type Neighbour struct {
	Index int     `json:"index"`
	Class int32   `json:"class"`
	Dot   float32 `json:"dot"`
}

const (
	galleryRows    = 6
	galleryColumns = 8
)

// showcase picks queries for the gallery, the first of classes spread over all, and makes room for their rows. It
// returns the place of each.
func showcase(queries [][]int32) (gallery []Row, shown map[int32]int) {
	var first []int32
	for _, ofClass := range queries {
		if len(ofClass) > 0 {
			first = append(first, ofClass[0])
		}
	}
	gallery, shown = make([]Row, min(galleryRows, len(first))), map[int32]int{}
	for i := range gallery {
		shown[first[i*len(first)/len(gallery)]] = i
	}
	return gallery, shown
}

// newRow shows a query, the one that was ranked last.
func newRow(query, class int32, r *ranker, labels []int32) Row {
	row := Row{Query: int(query), Class: class}
	show := func(j int32) Neighbour { return Neighbour{Index: int(j), Class: labels[j], Dot: r.dots[j]} }
	for i := range galleryColumns {
		row.Hardest = append(row.Hardest, show(r.order[i]))
		row.Easiest = append(row.Easiest, show(r.order[len(r.order)-1-i]))
	}
	return row
}
