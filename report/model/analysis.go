package model

import (
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/report/stats"
)

// Analysis is what the embeddings of an arm show after a step: means over the seeds that were analysed.
type Analysis struct {
	Arm         string      `json:"arm"`
	Temperature float64     `json:"temperature"`
	Step        int         `json:"step"`   // 0: as initialised
	N           int         `json:"n"`      // seeds
	Final       bool        `json:"final"`  // at the end of training, on which claims rest
	Images      int         `json:"images"` // each a negative of each of the Queries
	Queries     int         `json:"queries"`
	Statistics  []Statistic `json:"statistics"`
	// Percentiles and Cuts are stretches of the negatives by difficulty, from the hardest.
	Percentiles []analysis.Percentile `json:"percentiles"`
	Cuts        []analysis.Percentile `json:"cuts"`
	Hard        Consistency           `json:"hard"`
	Easy        Consistency           `json:"easy"`
	Gallery     []GalleryRow          `json:"gallery"` // queries of the first seed with their hardest and easiest negatives
	Runs        []RunRef              `json:"runs"`
}

// Find returns a statistic by id, nil if the analysis lacks it.
func (a *Analysis) Find(id string) *Statistic {
	for i := range a.Statistics {
		if a.Statistics[i].ID == id {
			return &a.Statistics[i]
		}
	}
	return nil
}

// Statistic is one number of an analysis, over seeds.
type Statistic struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Unit  string   `json:"unit"`
	Null  *float64 `json:"null,omitempty"` // what chance gives, nil if the statistic has no null
	Mean  float64  `json:"mean"`
	Least float64  `json:"least"` // of the seeds
	Most  float64  `json:"most"`
	// SD is over seeds, nil for one. Seeds hold each seed's own value with its bootstrap interval.
	SD    *float64    `json:"sd,omitempty"`
	Seeds []SeedValue `json:"seeds"`
	// Permutation combines the p values of the seeds, however these depend on each other; nil if the
	// statistic has no permutation null.
	Permutation *stats.Evidence `json:"permutation,omitempty"`
}

// SeedValue is a statistic of one encoder.
type SeedValue struct {
	Seed        uint64          `json:"seed"`
	Value       float64         `json:"value"`
	Low         float64         `json:"low"`
	High        float64         `json:"high"`
	Permutation *stats.Evidence `json:"permutation,omitempty"`
}

// Consistency says how often images are hard (or easy) negatives, beside the binomial null.
type Consistency struct {
	Rate      float64        `json:"rate"`      // share of a query's negatives that counts as hard (or easy)
	Histogram []analysis.Bin `json:"histogram"` // of the first seed's counts
	// Upper and Lower are shares of the images whose count lies beyond the null's extreme quantiles, means
	// over seeds.
	Upper     analysis.Extreme `json:"upper"`
	Lower     analysis.Extreme `json:"lower"`
	Stability *float64         `json:"stability,omitempty"` // mean rank correlation of the counts between seeds; nil for one
	// Most are the images of the first seed that are so most consistently, Classes the classes.
	Most    []Picture    `json:"most"`
	Classes []ClassCount `json:"classes"`
}

// Picture is an image of the data set. PNG is empty where the data are not at hand.
type Picture struct {
	Index     int    `json:"index"`
	Class     string `json:"class"`
	Caption   string `json:"caption,omitempty"`   // what the image is here, such as its dot product with the query
	SameClass bool   `json:"sameClass,omitempty"` // a negative of the query's own class
	PNG       []byte `json:"-"`
}

// ClassCount is the mean count of the images of a class.
type ClassCount struct {
	Class string  `json:"class"`
	Mean  float64 `json:"mean"`
}

// GalleryRow is a query with negatives.
type GalleryRow struct {
	Query   Picture   `json:"query"`
	Hardest []Picture `json:"hardest"`
	Easiest []Picture `json:"easiest"`
}
