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
func newRow(query int32, r *ranker, labels []int32) Row {
	row := Row{Query: int(query), Class: labels[query]}
	show := func(j int32) Neighbour { return Neighbour{Index: int(j), Class: labels[j], Dot: r.dots[j]} }
	for i := range galleryColumns {
		row.Hardest = append(row.Hardest, show(r.order[i]))
		row.Easiest = append(row.Easiest, show(r.order[len(r.order)-1-i]))
	}
	return row
}
