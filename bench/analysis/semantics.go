package analysis

import (
	"math"
	"slices"

	"github.com/cidbench/cidbench/bench/parallel"
	"github.com/cidbench/cidbench/bench/rng"
)

// semanticSimilarity is a measure of the semantic similarity of classes.
type semanticSimilarity struct {
	value [][]float64 // [C][C]
	// level is [C][C]: the place of a value among the different values of its row, 0 the smallest.
	level  [][]int32
	levels int // the most that a row has
}

func newSemanticSimilarity(value [][]float64) *semanticSimilarity {
	s := &semanticSimilarity{value: value, level: make([][]int32, len(value))}
	for c, row := range value {
		values := slices.Compact(slices.Sorted(slices.Values(row)))
		s.levels = max(s.levels, len(values))
		s.level[c] = make([]int32, len(row))
		for d, v := range row {
			at, _ := slices.BinarySearch(values, v)
			s.level[c][d] = int32(at)
		}
	}
	return s
}

// flat says that every class finds all others equally similar, so that nothing can correlate with it.
func (s *semanticSimilarity) flat(same bool) bool {
	for c, row := range s.value {
		others := slices.Clone(row)
		if !same {
			others = slices.Delete(others, c, c+1)
		}
		if slices.Min(others) != slices.Max(others) {
			return false
		}
	}
	return true
}

// correlation is the sum over the queries of class c of Spearman's correlation between difficulty and semantic
// similarity, ties sharing the mean of their ranks, with each class moved to its place in the tree. count is scratch memory for each level. Where all classes are equally similar to c it is 0.
func (s *semanticSimilarity) correlation(c int, t *rankTotals, in *split, place []int, count []float64) float64 {
	row := s.level[place[c]]
	clear(count)
	total := 0.0
	for d, n := range in.sizes {
		if d == c {
			if !t.same {
				continue
			}
			n = float64(in.same(c))
		}
		count[row[place[d]]] += n
		total += n
	}
	// From counts to ranks, less their mean: each level's is the middle of the places it takes.
	before, spread := 0.0, 0.0
	for level, n := range count {
		rank := before + n/2 - total/2
		before += n
		spread += n * rank * rank
		count[level] = rank
	}
	if spread == 0 {
		return 0
	}
	covariance := 0.0 // the mean of the other ranks drops out, since these add up to 0
	for d, r := range t.sum[c] {
		covariance += r * count[row[place[d]]]
	}
	return covariance / math.Sqrt(spread)
}

// contrast sums weights times similarity over the classes, for queries of class c, with each class moved to its
// place in the tree.
func (s *semanticSimilarity) contrast(c int, weights [][]float64, place []int) float64 {
	row, total := s.value[place[c]], 0.0
	for d, w := range weights[c] {
		total += w * row[place[d]]
	}
	return total
}

// treeStatistic depends on the tree, through class: the sum over the queries of class c, with each class moved to
// its place. count is scratch memory.
type treeStatistic struct {
	id     string
	class  func(c int, place []int, count []float64) float64
	den    []float64 // [C] what the sum is divided by
	absent string    // why there is no value, or empty
}

func (v *survey) treeStatistics(path, wuPalmer *semanticSimilarity) []treeStatistic {
	queries, contrasted := make([]float64, len(v.classes)), make([]float64, len(v.classes))
	for c := range v.classes {
		queries[c], contrasted[c] = float64(len(v.queries[c])), v.classes[c].contrasted
	}
	correlation := func(id string, s *semanticSimilarity, t *rankTotals) treeStatistic {
		stat := treeStatistic{id: id, den: queries, class: func(c int, place []int, count []float64) float64 {
			return s.correlation(c, t, v.split, place, count[:s.levels])
		}}
		if s.flat(t.same) {
			stat.absent = "all classes are equally similar"
		}
		return stat
	}
	contrast := func(id string, s *semanticSimilarity, weights [][]float64, den []float64, absent string) treeStatistic {
		stat := treeStatistic{id: id, den: den, class: func(c int, place []int, _ []float64) float64 {
			return s.contrast(c, weights, place)
		}}
		if sum(den) == 0 {
			stat.absent = absent
		}
		return stat
	}
	const none = "no negative of another class in the easiest tail is anti-correlated with its query"
	statistics := []treeStatistic{
		correlation(SemanticPath, path, &v.others), correlation(SemanticWuPalmer, wuPalmer, &v.others),
		correlation(SemanticPathAll, path, &v.all), correlation(SemanticWuPalmerAll, wuPalmer, &v.all),
		contrast(AnticorrelatedPath, path, v.anticorrelated, contrasted, none), contrast(AnticorrelatedWuPalmer, wuPalmer, v.anticorrelated, contrasted, none),
	}
	for k, weights := range v.extremes {
		asked := make([]float64, len(v.classes)) // queries with negatives of other classes in the tail
		for c, row := range weights {
			if slices.ContainsFunc(row, func(w float64) bool { return w != 0 }) {
				asked[c] = queries[c]
			}
		}
		const own = "all of the hardest negatives are of the query's class"
		statistics = append(statistics, contrast(extremes[k].path, path, weights, asked, own), contrast(extremes[k].wuPalmer, wuPalmer, weights, asked, own))
	}
	return statistics
}

// semantics adds the statistics that depend on the tree, with a null that shuffles the classes' places in it, or why
// one is absent.
func (p Protocol) semantics(v *survey, statistics map[string]Statistic, absent map[string]string, threads int) {
	path, wuPalmer := newSemanticSimilarity(v.split.Path), newSemanticSimilarity(v.split.WuPalmer)
	levels, classes := max(path.levels, wuPalmer.levels), v.split.classes
	identity := make([]int, classes)
	for c := range identity {
		identity[c] = c
	}
	present := slices.DeleteFunc(v.treeStatistics(path, wuPalmer), func(s treeStatistic) bool {
		if s.absent != "" {
			absent[s.id] = s.absent
		}
		return s.absent != ""
	})
	draws := matrix[float64](len(present), p.Draws)
	parallel.Each(p.Draws, threads, func(_, i int) {
		place, count := rng.Stream(p.Seed, streamTree, uint64(i)).Perm(classes), make([]float64, levels)
		for k, s := range present {
			num := 0.0
			for c := range classes {
				num += s.class(c, place, count)
			}
			draws[k][i] = num / sum(s.den)
		}
	})
	count := make([]float64, levels)
	for k, s := range present {
		r := ratio{num: make([]float64, classes), den: s.den}
		for c := range classes {
			r.num[c] = s.class(c, identity, count)
		}
		statistics[s.id] = p.statistic(r, draws[k], threads)
	}
}
