package analysis

import (
	"cmp"
	"slices"

	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// Consistency says whether images are among the hardest (or easiest) negatives of more queries, or of fewer,
// than if each query chose at random: then an image's count would be Binomial(queries, Rate), one query less
// if it is a query itself.
type Consistency struct {
	// Rate is the share of a query's negatives that are counted.
	Rate float64 `json:"rate"`
	// Mean is the count of an image, mean over images, and Variance the mean squared distance of counts from
	// their expectation; NullVariance is that of the binomial law.
	Mean         float64 `json:"mean"`
	Variance     float64 `json:"variance"`
	NullVariance float64 `json:"null_variance"`
	// Upper are the images with counts above the 99.9% quantile of the null, Lower those below its 0.1% quantile.
	Upper Extreme `json:"upper"`
	Lower Extreme `json:"lower"`
	// Histogram of counts, from 0 on.
	Histogram []Bin `json:"histogram"`
	// Most are the images with the highest counts, highest first, ties by index.
	Most []Image `json:"most"`
	// Classes are those with the highest mean counts, highest first, ties by label.
	Classes []ClassMean `json:"classes"`
}

// Extreme is a share of images beyond a quantile of the null.
type Extreme struct {
	Observed float64 `json:"observed"`
	Expected float64 `json:"expected"` // under the null, exactly: counts are whole numbers
}

// Bin holds the counts from From up to, not including, To; the last holds all from From on.
type Bin struct {
	From     int     `json:"from"`
	To       int     `json:"to"`
	Images   int     `json:"images"`
	Expected float64 `json:"expected"` // images under the null
}

// Image is an image with its count of queries.
type Image struct {
	Index int   `json:"index"`
	Class int32 `json:"class"`
	Count int   `json:"count"`
}

// ClassMean is the mean count of the images of a class.
type ClassMean struct {
	Class int     `json:"class"`
	Mean  float64 `json:"mean"`
}

const (
	histogramBins = 40
	mostImages    = 12
	mostClasses   = 5
	extremeTail   = 0.001
)

// laws are the null of counts.
type laws struct {
	law   [2]*binomial // of an image that is no query, and of one that is
	trait []int        // [n] which of the two holds for an image
}

func (v *survey) laws() *laws {
	rate := float64(v.tail) / float64(v.split.others)
	l := &laws{law: [2]*binomial{newBinomial(v.count, rate), newBinomial(v.count-1, rate)}, trait: make([]int, v.split.n)}
	if v.split.Queue != nil {
		return l
	}
	for _, queries := range v.queries {
		for _, q := range queries {
			l.trait[q] = 1
		}
	}
	return l
}

// excess compares counts with the null: the sum over images of squared distances from expectation, over that of
// the variances.
func (l *laws) excess(counts []int32) ratio {
	r := ratio{num: make([]float64, len(counts)), den: make([]float64, len(counts))}
	for j, count := range counts {
		law := l.law[l.trait[j]]
		d := float64(count) - law.mean()
		r.num[j], r.den[j] = d*d, law.variance()
	}
	return r
}

// excessDraws draws the excess variance of counts from the null. The hardest and the easiest share them.
func (p Protocol) excessDraws(l *laws, threads int) []float64 {
	variance := 0.0
	var squares [2][]float64 // squared distance from expectation, by count
	for k, law := range l.law {
		squares[k] = make([]float64, law.n+1)
		for count := range squares[k] {
			d := float64(count) - law.mean()
			squares[k][count] = d * d
		}
	}
	for _, k := range l.trait {
		variance += l.law[k].variance()
	}
	draws := make([]float64, p.Draws)
	parallel.Each(p.Draws, threads, func(_, i int) {
		random := rng.Stream(p.Seed, streamCounts, uint64(i))
		total := 0.0
		for _, k := range l.trait {
			total += squares[k][l.law[k].quantile(random.Float64())]
		}
		draws[i] = total/variance - 1
	})
	return draws
}

// consistency describes the counts of images and adds their excess variance to the statistics.
func (p Protocol) consistency(v *survey, statistics map[string]Statistic, threads int) (hard, easy Consistency) {
	l := v.laws()
	draws := p.excessDraws(l, threads)
	for _, tail := range []struct {
		id     string
		counts []int32
		to     *Consistency
	}{{HardConsistency, v.hard, &hard}, {EasyConsistency, v.easy, &easy}} {
		r := l.excess(tail.counts)
		s := Statistic{Value: r.value() - 1}
		s.Low, s.High = p.interval(r, threads)
		s.Low, s.High = s.Low-1, s.High-1
		s.Null = newNull(s.Value, draws)
		statistics[tail.id] = s

		n := float64(v.split.n)
		*tail.to = Consistency{
			Rate: l.law[0].p, Mean: float64(v.count*v.tail) / n, Variance: sum(r.num) / n, NullVariance: sum(r.den) / n,
			Histogram: l.histogram(tail.counts), Most: v.most(tail.counts), Classes: v.mostClasses(tail.counts),
		}
		tail.to.Upper, tail.to.Lower = l.extremes(tail.counts)
	}
	return hard, easy
}

func (l *laws) extremes(counts []int32) (upper, lower Extreme) {
	var low, high [2]int
	var below, above [2]float64
	for k, law := range l.law {
		low[k], high[k] = law.quantile(extremeTail), law.quantile(1-extremeTail)
		below[k], above[k] = law.between(0, low[k]), law.between(high[k]+1, law.n+1)
	}
	for j, count := range counts {
		k := l.trait[j]
		if int(count) > high[k] {
			upper.Observed++
		}
		if int(count) < low[k] {
			lower.Observed++
		}
		upper.Expected += above[k]
		lower.Expected += below[k]
	}
	n := float64(len(counts))
	return Extreme{upper.Observed / n, upper.Expected / n}, Extreme{lower.Observed / n, lower.Expected / n}
}

// histogram covers the counts there are and those that the null makes likely.
func (l *laws) histogram(counts []int32) []Bin {
	last := max(int(slices.Max(counts)), l.law[0].quantile(1-extremeTail))
	width := last/histogramBins + 1
	bins := make([]Bin, last/width+1)
	for _, count := range counts {
		bins[int(count)/width].Images++
	}
	var images [2]float64 // under each law
	for _, k := range l.trait {
		images[k]++
	}
	for i := range bins {
		bins[i].From, bins[i].To = i*width, (i+1)*width
		for k, law := range l.law {
			to := bins[i].To
			if i == len(bins)-1 {
				to = law.n + 1
			}
			bins[i].Expected += images[k] * law.between(bins[i].From, to)
		}
	}
	return bins
}

func (v *survey) most(counts []int32) []Image {
	images := make([]Image, len(counts))
	for j, count := range counts {
		images[j] = Image{Index: j, Class: v.split.pool.Labels[j], Count: int(count)}
	}
	slices.SortStableFunc(images, func(a, b Image) int { return b.Count - a.Count })
	return slices.Clone(images[:mostImages])
}

func (v *survey) mostClasses(counts []int32) []ClassMean {
	var classes []ClassMean
	for c, members := range v.split.members {
		total := 0
		for _, j := range members {
			total += int(counts[j])
		}
		if len(members) > 0 {
			classes = append(classes, ClassMean{Class: c, Mean: float64(total) / float64(len(members))})
		}
	}
	slices.SortStableFunc(classes, func(a, b ClassMean) int { return cmp.Compare(b.Mean, a.Mean) })
	return slices.Clone(classes[:min(mostClasses, len(classes))])
}
