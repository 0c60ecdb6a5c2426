package analysis

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
	// PathOther and WuPalmerOther leave out negatives of the query's class; they are missing where no others
	// are.
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
