package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// lattice draws embeddings whose entries are all +-1/4, in 16 dimensions: dot products are exact and many tie.
// Classes have different sizes.
func lattice(seed uint64) Input {
	random := rand.New(rand.NewPCG(seed, 3))
	in := Input{Dim: 16, Table: taxonomy.Table{Superclass: []int{0, 0, 1, 1, 1, 2}}}
	for i := range 130 {
		label := int32(random.IntN(6))
		if i < 12 {
			label = int32(i % 6)
		}
		v := make([]float64, in.Dim)
		for d := range v {
			v[d] = 0.25
			if random.Float64() < 0.3+0.08*float64(label) {
				v[d] = -0.25
			}
		}
		in.add(v, label)
	}
	in.Path, in.WuPalmer = matrix[float64](6, 6), matrix[float64](6, 6)
	for c := range 6 {
		for d := range c {
			in.Path[c][d], in.WuPalmer[c][d] = float64(1+random.IntN(4))/8, random.Float64()
			in.Path[d][c], in.WuPalmer[d][c] = in.Path[c][d], in.WuPalmer[c][d]
		}
		in.Path[c][c], in.WuPalmer[c][c] = 1, 1
	}
	return in
}

func inputs() map[string]Input {
	queued, other := lattice(3), lattice(4)
	queued.Labels, queued.Embeddings = queued.Labels[:110], queued.Embeddings[:110*queued.Dim]
	queued.Queue = &Queue{Embeddings: other.Embeddings, Labels: other.Labels}
	for j, c := range queued.Queue.Labels {
		if c == 4 { // of which no image can be a query
			queued.Queue.Labels[j] = 1
		}
	}
	return map[string]Input{
		"queue":   queued,
		"ties":    lattice(1),
		"no ties": plan{dim: 5, superclasses: 3, each: 3, images: 14, superWeight: 0.5, classWeight: 0.5, noise: 1, seed: 2}.input(),
	}
}

// pair is a query with one of its negatives.
type pair struct {
	image, place int // place in the order, 0 the hardest
	dot          float64
}

// negatives are what queries see, and how many of them.
func negatives(in Input) (pool Queue, n int) {
	if in.Queue != nil {
		return *in.Queue, len(in.Queue.Labels)
	}
	return Queue{in.Embeddings, in.Labels}, len(in.Labels) - 1
}

// rankPlainly orders the negatives of a query.
func rankPlainly(in Input, q int) []pair {
	var pairs []pair
	pool, _ := negatives(in)
	for j := range pool.Labels {
		if j == q && in.Queue == nil {
			continue
		}
		dot := 0.0
		for d := range in.Dim {
			dot += float64(in.Embeddings[q*in.Dim+d]) * float64(pool.Embeddings[j*in.Dim+d])
		}
		pairs = append(pairs, pair{image: j, dot: dot})
	}
	sort.SliceStable(pairs, func(a, b int) bool { return pairs[a].dot > pairs[b].dot })
	for i := range pairs {
		pairs[i].place = i
	}
	return pairs
}

// spearman is the correlation of mean ranks, each found by comparing with all others.
func spearman(x, y []float64) float64 {
	rank := func(v []float64) []float64 {
		r := make([]float64, len(v))
		for i := range v {
			for j := range v {
				switch {
				case v[j] < v[i]:
					r[i]++
				case v[j] == v[i]:
					r[i] += 0.5
				}
			}
		}
		return r
	}
	x, y = rank(x), rank(y)
	mx, my := sum(x)/float64(len(x)), sum(y)/float64(len(y))
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	if xx*yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// referenceValues computes the values of all statistics with plain loops over queries and negatives.
func referenceValues(in Input, queries []int, tail float64) map[string]float64 {
	pool, n := negatives(in)
	size := max(1, int(math.Round(tail*float64(n))))
	total, opposites := map[string]float64{}, 0.0
	hard, easy := make([]float64, len(pool.Labels)), make([]float64, len(pool.Labels))
	for _, q := range queries {
		class := in.Labels[q]
		pairs := rankPlainly(in, q)
		var wins, fights float64
		for _, a := range pairs {
			for _, b := range pairs {
				if pool.Labels[a.image] == class && pool.Labels[b.image] != class {
					fights++
					if a.dot > b.dot {
						wins++
					} else if a.dot == b.dot {
						wins += 0.5
					}
				}
			}
		}
		total[SameClassAUC] += wins / fights
		for _, m := range []struct {
			similarity         [][]float64
			others, all, oppos string
		}{{in.Path, SemanticPath, SemanticPathAll, AnticorrelatedPath}, {in.WuPalmer, SemanticWuPalmer, SemanticWuPalmerAll, AnticorrelatedWuPalmer}} {
			var dots, meaning, otherDots, otherMeaning, middle, opposite []float64
			for _, a := range pairs {
				s := m.similarity[class][pool.Labels[a.image]]
				dots, meaning = append(dots, a.dot), append(meaning, s)
				if pool.Labels[a.image] == class {
					continue
				}
				otherDots, otherMeaning = append(otherDots, a.dot), append(otherMeaning, s)
				quarter := func(f float64) int { return int(math.Round(f * float64(n))) }
				if a.place >= quarter(0.25) && a.place < quarter(0.75) {
					middle = append(middle, s)
				}
				if a.place >= n-size && a.dot < 0 {
					opposite = append(opposite, s)
				}
			}
			total[m.all] += spearman(dots, meaning)
			total[m.others] += spearman(otherDots, otherMeaning)
			if len(opposite) > 0 {
				total[m.oppos] += sum(opposite) - float64(len(opposite))*sum(middle)/float64(len(middle))
				opposites += float64(len(opposite)) / 2 // of two measures
			}
		}
		for _, a := range pairs {
			if a.dot < 0 {
				total[NegativeShare] += 1 / float64(n)
				if a.place >= n-size {
					total[AnticorrelatedShare] += 1 / float64(size)
				}
			}
			if a.place < size {
				hard[a.image]++
			}
			if a.place >= n-size {
				easy[a.image]++
			}
		}
	}
	for id := range total {
		if id == AnticorrelatedPath || id == AnticorrelatedWuPalmer {
			total[id] /= opposites
		} else {
			total[id] /= float64(len(queries))
		}
	}
	rate := float64(size) / float64(n)
	for id, counts := range map[string][]float64{HardConsistency: hard, EasyConsistency: easy} {
		observed, expected := 0.0, 0.0
		for j, count := range counts {
			trials := float64(len(queries))
			if in.Queue == nil && slices.Contains(queries, j) {
				trials--
			}
			observed += (count - trials*rate) * (count - trials*rate)
			expected += trials * rate * (1 - rate)
		}
		total[id] = observed/expected - 1
	}
	return total
}

func chosenQueries(t *testing.T, p Protocol, in Input) []int {
	t.Helper()
	s, err := newSplit(in)
	if err != nil {
		t.Fatal(err)
	}
	var queries []int
	for _, class := range p.queries(s) {
		for _, q := range class {
			queries = append(queries, int(q))
		}
	}
	return queries
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*(1+math.Abs(b)) }

func TestStatisticsAreThoseOfPlainLoops(t *testing.T) {
	for name, in := range inputs() {
		for _, tail := range []float64{0.05, 0.2} {
			p := testProtocol
			p.Tail = tail
			m, want := mustRun(t, p, in), referenceValues(in, chosenQueries(t, p, in), tail)
			if len(m.Statistics) != len(want) || len(want) != len(All) {
				t.Errorf("%s: %d statistics, the reference has %d, %d are defined", name, len(m.Statistics), len(want), len(All))
			}
			for _, d := range All {
				got, ok := m.Statistics[d.ID]
				if !ok || !near(got.Value, want[d.ID], 1e-9) {
					t.Errorf("%s, tail %g: %s = %v, want %v", name, tail, d.ID, got.Value, want[d.ID])
				}
				if d.HasNull != (got.Null != nil) {
					t.Errorf("%s: null of %s is %v", name, d.ID, got.Null)
				}
				if !(got.Low <= got.Value+0.1 && got.High >= got.Value-0.1 && got.Low <= got.High) {
					t.Errorf("%s: %s = %g with interval [%g, %g]", name, d.ID, got.Value, got.Low, got.High)
				}
			}
		}
	}
}

func TestBandsAreThoseOfPlainLoops(t *testing.T) {
	for name, in := range inputs() {
		m, queries := mustRun(t, testProtocol, in), chosenQueries(t, testProtocol, in)
		if len(m.Percentiles) != 100 || len(m.Cuts) != 6 {
			t.Fatalf("%d percentiles, %d cuts", len(m.Percentiles), len(m.Cuts))
		}
		pool, n := negatives(in)
		edges := map[int][2]int{}
		for i := range 100 {
			edges[i] = [2]int{i * n / 100, (i + 1) * n / 100}
		}
		round := func(f float64) int { return max(1, int(math.Round(f*float64(n)))) }
		for i, e := range [][2]int{{0, round(0.001)}, {0, round(0.01)}, {0, round(0.05)}, {round(0.25), round(0.75)}, {n - round(0.05), n}, {n - round(0.01), n}} {
			edges[100+i] = e
		}
		for i, got := range append(slices.Clone(m.Percentiles), m.Cuts...) {
			var want Percentile
			var pairs, others, path, wuPalmer float64
			for _, q := range queries {
				c := in.Labels[q]
				for _, a := range rankPlainly(in, q)[edges[i][0]:edges[i][1]] {
					d := pool.Labels[a.image]
					pairs++
					want.Dot += a.dot
					want.Path += in.Path[c][d]
					want.WuPalmer += in.WuPalmer[c][d]
					if c == d {
						want.SameClass++
						continue
					}
					others++
					path += in.Path[c][d]
					wuPalmer += in.WuPalmer[c][d]
					if in.Superclass[c] == in.Superclass[d] {
						want.SameSuperclass++
					}
				}
			}
			for _, x := range []struct {
				what      string
				got, want float64
			}{
				{"dot", got.Dot, want.Dot / pairs}, {"same class", got.SameClass, want.SameClass / pairs},
				{"same superclass", got.SameSuperclass, want.SameSuperclass / pairs}, {"path", got.Path, want.Path / pairs},
				{"Wu-Palmer", got.WuPalmer, want.WuPalmer / pairs}, {"path of others", *got.PathOther, path / others},
				{"Wu-Palmer of others", *got.WuPalmerOther, wuPalmer / others},
			} {
				if !near(x.got, x.want, 1e-6) {
					t.Errorf("%s, %g to %g: %s %g, want %g", name, got.From, got.To, x.what, x.got, x.want)
				}
			}
		}
		if m.Cuts[0].To != 0.001 || m.Cuts[3].From != 0.25 || m.Cuts[4].From != 0.95 || m.Percentiles[99].To != 1 {
			t.Errorf("edges are labelled wrongly: %+v", m.Cuts)
		}
	}
}

func TestGalleryAndUniformityAreThoseOfPlainLoops(t *testing.T) {
	for name, in := range inputs() {
		m, energy := mustRun(t, testProtocol, in), 0.0
		queries := chosenQueries(t, testProtocol, in)
		pool, n := negatives(in)
		for _, q := range queries {
			for _, a := range rankPlainly(in, q) {
				squared := 0.0
				for d := range in.Dim {
					diff := float64(in.Embeddings[q*in.Dim+d]) - float64(pool.Embeddings[a.image*in.Dim+d])
					squared += diff * diff
				}
				energy += math.Exp(-2 * squared)
			}
		}
		if want := math.Log(energy / float64(len(queries)*n)); !near(m.Uniformity, want, 1e-6) {
			t.Errorf("%s: uniformity %g, want %g", name, m.Uniformity, want)
		}
		seen := map[int32]bool{}
		for _, row := range m.Gallery {
			if seen[row.Class] || row.Class != in.Labels[row.Query] || !slices.Contains(queries, row.Query) {
				t.Errorf("%s: query %d of class %d is shown", name, row.Query, row.Class)
			}
			seen[row.Class] = true
			pairs := rankPlainly(in, row.Query)
			for i := range galleryColumns {
				for k, got := range []Neighbour{row.Hardest[i], row.Easiest[i]} {
					want := pairs[[]int{i, len(pairs) - 1 - i}[k]]
					if got.Index != want.image || got.Class != pool.Labels[want.image] || !near(float64(got.Dot), want.dot, 1e-6) {
						t.Errorf("%s: query %d shows %+v, want %+v", name, row.Query, got, want)
					}
				}
			}
		}
		if in.Queue == nil && len(m.Gallery) != 6 || in.Queue != nil && len(m.Gallery) != 5 {
			t.Errorf("%s: gallery of %d", name, len(m.Gallery))
		}
	}
}

// TestNullsAreTheStatisticsOfShuffledInput takes the shuffles of the first draws and analyses input shuffled so:
// its values must be those draws.
func TestNullsAreTheStatisticsOfShuffledInput(t *testing.T) {
	for name, in := range inputs() {
		p := testProtocol
		p.Queries = len(in.Labels) // all, so that a shuffle of labels leaves the queries the same
		s, err := newSplit(in)
		if err != nil {
			t.Fatal(err)
		}
		v := p.survey(t.Context(), s, 1)
		for i, r := range p.relabellings(s, 1)[:3] {
			shuffled, draw := in, 0.0
			labels := make([]int32, s.n)
			for j, c := range r.class {
				labels[j] = int32(c)
			}
			if in.Queue != nil {
				shuffled.Queue = &Queue{in.Queue.Embeddings, labels}
			} else {
				shuffled.Labels = labels
			}
			for c := range v.labelNull {
				draw += v.labelNull[c][i] / float64(v.count)
			}
			if want := mustRun(t, p, shuffled).Statistics[SameClassAUC].Value; !near(draw, want, 1e-9) {
				t.Errorf("%s: draw %d of %s is %g, want %g", name, i, SameClassAUC, draw, want)
			}
		}
		mean := 0.0
		for c := range v.labelNull {
			mean += sum(v.labelNull[c]) / float64(v.count*p.Draws)
		}
		if null := mustRun(t, p, in).Statistics[SameClassAUC].Null; !near(null.Mean, mean, 1e-9) || math.Abs(mean-0.5) > 4*null.SD/math.Sqrt(float64(p.Draws)) {
			t.Errorf("%s: null of %s %+v, mean of draws %g, expected 0.5", name, SameClassAUC, null, mean)
		}
		random := rand.New(rand.NewPCG(4, 4))
		for range 3 {
			place := random.Perm(s.classes)
			moved := in
			moved.Path, moved.WuPalmer = matrix[float64](s.classes, s.classes), matrix[float64](s.classes, s.classes)
			for c := range place {
				for d := range place {
					moved.Path[c][d], moved.WuPalmer[c][d] = in.Path[place[c]][place[d]], in.WuPalmer[place[c]][place[d]]
				}
			}
			want := mustRun(t, p, moved)
			for _, stat := range v.treeStatistics(newSemanticSimilarity(in.Path), newSemanticSimilarity(in.WuPalmer)) {
				draw := 0.0
				for c := range place {
					draw += stat.class(c, place, make([]float64, s.classes))
				}
				if got, want := draw/sum(stat.den), want.Statistics[stat.id].Value; !near(got, want, 1e-9) {
					t.Errorf("%s: %s with the classes moved is %g, want %g", name, stat.id, got, want)
				}
			}
		}
	}
}
