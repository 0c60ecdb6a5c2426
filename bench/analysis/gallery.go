package analysis

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

// showcase picks queries for the gallery, the first of classes spread over all, and makes room for their rows.
// It returns the place of each.
func (v *survey) showcase() map[int32]int {
	var first []int32
	for _, queries := range v.queries {
		if len(queries) > 0 {
			first = append(first, queries[0])
		}
	}
	v.gallery = make([]Row, min(galleryRows, len(first)))
	shown := map[int32]int{}
	for i := range v.gallery {
		shown[first[i*len(first)/len(v.gallery)]] = i
	}
	return shown
}

// row shows the query that was ranked last.
func (w *worker) row(query int32) Row {
	labels := w.split.Labels
	r := Row{Query: int(query), Class: labels[query]}
	show := func(j int32) Neighbour { return Neighbour{Index: int(j), Class: labels[j], Dot: w.dots[j]} }
	for i := range galleryColumns {
		r.Hardest = append(r.Hardest, show(w.order[i]))
		r.Easiest = append(r.Easiest, show(w.order[len(w.order)-1-i]))
	}
	return r
}
