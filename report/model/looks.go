package model

import ()

// Looks is the plan of a report whose claims were judged on more and more seeds until they were decided, and
// how far it got. A claim has the verdict of the first look that decided it.
type Looks struct {
	Method string `json:"method"`
	// Seeds are the paired seeds of each look, planned before the first.
	Seeds []int `json:"seeds"`
	// Alpha is the level over all looks; the report's is that of each.
	Alpha float64 `json:"alpha"`
	// Taken counts the looks of which every run was there.
	Taken int `json:"taken"`
	// Open are the claims that a further look may decide.
	Open []string `json:"open"`
	// Stopped says why looks were left out while claims were open.
	Stopped string `json:"stopped,omitempty"`
}

// Next is the number of seeds that the next look asks for, 0 if there is none to take.
func (l *Looks) Next() int {
	if len(l.Open) == 0 || l.Taken == len(l.Seeds) {
		return 0
	}
	return l.Seeds[l.Taken]
}
