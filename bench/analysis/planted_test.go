package analysis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// clustered has classes within superclasses, in the embeddings as in the tree.
var clustered = plan{dim: 32, superclasses: 6, each: 3, images: 12, superWeight: 1, classWeight: 1, noise: 0.5, seed: 3}

func TestClustersAreFound(t *testing.T) {
	m := mustRun(t, testProtocol, clustered.input())
	if v := m.Statistics[SameClassAUC].Value; v < 0.98 {
		t.Errorf("same-class AUC %g of tight classes", v)
	}
	for _, id := range []string{SameClassAUC, SemanticPath, SemanticWuPalmer, SemanticPathAll, SemanticWuPalmerAll} {
		s := m.Statistics[id]
		if s.Value <= s.Null.Mean || s.Low <= s.Null.Mean || s.Null.PGreater > 0.01 || s.Null.PLess < 0.99 {
			t.Errorf("%s = %+v, null %+v: planted, not found", id, s, s.Null)
		}
	}
	hardest, easiest := m.Percentiles[0], m.Percentiles[99]
	if hardest.SameClass < 0.9 || easiest.SameClass > 0.01 || m.Cuts[2].SameSuperclass < m.Cuts[4].SameSuperclass || hardest.Path < 0.9 || hardest.Dot < easiest.Dot {
		t.Errorf("hardest %+v, easiest %+v", hardest, easiest)
	}
}

// TestOppositeSiblings puts the classes of a superclass opposite to each other: what is near in meaning is easy, and
// the anti-correlated are near.
func TestOppositeSiblings(t *testing.T) {
	p := clustered
	p.superclasses, p.each = 9, 2
	in := p.input()
	random := rand.New(rand.NewPCG(1, 1))
	in.Embeddings, in.Labels = nil, nil
	axis := make([][]float64, 9)
	for k := range axis {
		axis[k] = make([]float64, p.dim)
		for d := range axis[k] {
			axis[k][d] = random.NormFloat64()
		}
	}
	for i := range 18 * 12 {
		c, v := i%18, make([]float64, p.dim)
		for d := range v {
			v[d] = axis[c/2][d]*float64(1-2*(c%2)) + 0.2*random.NormFloat64()
		}
		in.add(v, int32(c))
	}
	m := mustRun(t, testProtocol, in)
	for id, less := range map[string]bool{SemanticPath: true, SemanticWuPalmer: true, AnticorrelatedPath: false, AnticorrelatedWuPalmer: false} {
		s := m.Statistics[id]
		if less && (s.Value >= 0 || s.Null.PLess > 0.01) || !less && (s.Value <= 0 || s.Null.PGreater > 0.01) {
			t.Errorf("%s = %+v, null %+v", id, s, s.Null)
		}
	}
	if s := m.Statistics[AnticorrelatedShare]; s.Value < 0.99 || s.Null != nil {
		t.Errorf("share of anti-correlated negatives %+v", s)
	}
}

// TestOppositeTwins: with two images a class, opposite to each other, the same-class negative is the easiest.
func TestOppositeTwins(t *testing.T) {
	p := plan{dim: 32, superclasses: 10, each: 6, images: 2, noise: 1, seed: 1}
	in := p.input()
	for i := range 60 {
		for d := range in.Dim {
			in.Embeddings[(i+60)*in.Dim+d] = -in.Embeddings[i*in.Dim+d]
		}
	}
	if s := mustRun(t, testProtocol, in).Statistics[SameClassAUC]; s.Value != 0 || s.Null.PLess > 0.01 || s.Null.PGreater < 1 {
		t.Errorf("%+v, null %+v", s, s.Null)
	}
}

// TestReversedSimilarityReversesSemantics: the same numbers with the other sign.
func TestReversedSimilarityReversesSemantics(t *testing.T) {
	in := clustered.input()
	before := mustRun(t, testProtocol, in).Statistics
	for _, row := range slices.Concat(in.Path, in.WuPalmer) {
		for d := range row {
			row[d] = -row[d]
		}
	}
	after := mustRun(t, testProtocol, in).Statistics
	for _, id := range []string{SemanticPath, SemanticWuPalmer, SemanticPathAll, SemanticWuPalmerAll, AnticorrelatedPath, AnticorrelatedWuPalmer} {
		a, b := before[id], after[id]
		if !near(a.Value, -b.Value, 1e-12) || !near(a.Null.Mean, -b.Null.Mean, 1e-12) || a.Null.PGreater != b.Null.PLess {
			t.Errorf("%s: %+v %+v, reversed %+v %+v", id, a, a.Null, b, b.Null)
		}
	}
	if before[SameClassAUC] == (Statistic{}) || before[SameClassAUC].Value != after[SameClassAUC].Value {
		t.Error("the tree changes the same-class statistic")
	}
}

// TestShuffledLabelsMeanNothing: the same images, but labels at random.
func TestShuffledLabelsMeanNothing(t *testing.T) {
	in := clustered.input()
	random := rand.New(rand.NewPCG(6, 6))
	random.Shuffle(len(in.Labels), func(i, j int) { in.Labels[i], in.Labels[j] = in.Labels[j], in.Labels[i] })
	m := mustRun(t, testProtocol, in)
	for _, id := range []string{SameClassAUC, SemanticPath, SemanticWuPalmer, SemanticPathAll, SemanticWuPalmerAll} {
		s := m.Statistics[id]
		if math.Abs(s.Value-s.Null.Mean) > 4*s.Null.SD || min(s.Null.PGreater, s.Null.PLess) < 0.01 {
			t.Errorf("%s = %+v, null %+v", id, s, s.Null)
		}
	}
}

// TestHubsAreFound plants images that are near everything, and their opposites.
func TestHubsAreFound(t *testing.T) {
	plain := plan{dim: 64, superclasses: 10, each: 3, images: 20, noise: 1, offset: 0.6, seed: 4}
	p := testProtocol
	p.Queries = 200
	in := plain.input()
	before := mustRun(t, p, in)
	hubs := []int{17, 100, 333, 599}
	for i, hub := range hubs {
		row := in.Embeddings[hub*in.Dim:][:in.Dim]
		clear(row)
		row[0] = float32(1 - 2*(i%2)) // 17 and 333 along the offset that all share, 100 and 599 against it
	}
	m := mustRun(t, p, in)
	for _, tail := range []struct {
		id          string
		c, before   Consistency
		most, least []int
	}{{HardConsistency, m.Hard, before.Hard, []int{17, 333}, []int{100, 599}}, {EasyConsistency, m.Easy, before.Easy, []int{100, 599}, []int{17, 333}}} {
		top := []int{tail.c.Most[0].Index, tail.c.Most[1].Index}
		slices.Sort(top)
		if !slices.Equal(top, tail.most) || tail.c.Most[1].Count < 180 || tail.c.Most[2].Count > 150 {
			t.Errorf("%s: most consistent %+v, want %v", tail.id, tail.c.Most, tail.most)
		}
		s := m.Statistics[tail.id]
		if s.Null.PGreater > 0.01 || s.Value <= before.Statistics[tail.id].Value || tail.c.Upper.Observed < 2./600 {
			t.Errorf("%s = %+v, null %+v, upper %+v", tail.id, s, s.Null, tail.c.Upper)
		}
	}
}

func TestEvenSpheresHaveNoHubs(t *testing.T) {
	p := testProtocol
	p.Queries = 300
	m := mustRun(t, p, plan{dim: 256, superclasses: 10, each: 3, images: 10, noise: 1, seed: 5}.input())
	for _, id := range []string{HardConsistency, EasyConsistency} {
		if v := m.Statistics[id].Value; math.Abs(v) > 0.5 {
			t.Errorf("%s = %g of directions at random", id, v)
		}
	}
	if u := m.Uniformity; u > -3.8 || u < -4 { // -4 + the logarithm of E exp(4 x.y), about 8/dim
		t.Errorf("uniformity %g of directions at random", u)
	}
}

// TestCollapsedEncoder: all images in one place have no order, and nothing is undefined.
func TestCollapsedEncoder(t *testing.T) {
	in := clustered.input()
	clear(in.Embeddings)
	for i := range in.Labels {
		in.Embeddings[i*in.Dim] = 1
	}
	m := mustRun(t, testProtocol, in)
	if m.Statistics[SameClassAUC].Value != 0.5 || m.Statistics[SemanticPath].Value != 0 || m.Statistics[SemanticPath].Null.PGreater != 1 || m.Uniformity != 0 {
		t.Errorf("%+v", m.Statistics)
	}
	for _, id := range []string{AnticorrelatedPath, AnticorrelatedWuPalmer} {
		if _, ok := m.Statistics[id]; ok || m.Absent[id] == "" {
			t.Errorf("%s is there without anti-correlated negatives", id)
		}
	}
	if _, err := json.Marshal(m); err != nil {
		t.Error(err)
	}
}

func TestFlatTreeHasNoSemantics(t *testing.T) {
	in := clustered.input()
	for c := range in.Path {
		for d := range in.Path {
			if c != d {
				in.Path[c][d] = 0.25
			}
		}
	}
	m := mustRun(t, testProtocol, in)
	if _, ok := m.Statistics[SemanticPath]; ok || m.Absent[SemanticPath] == "" {
		t.Error("a correlation with what is constant")
	}
	if s := m.Statistics[SemanticPathAll]; s.Value <= 0 {
		t.Errorf("with same-class negatives: %+v", s)
	}
	if _, ok := m.Statistics[SemanticWuPalmer]; !ok {
		t.Error("Wu-Palmer is gone too")
	}
}

func TestThreadsDoNotChangeBytes(t *testing.T) {
	for name, in := range inputs() {
		var want []byte
		var counts Counts
		for _, threads := range []int{1, 2, 7} {
			m, err := testProtocol.Run(t.Context(), in, threads)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err) // NaN, for one
			}
			if want == nil {
				want, counts = got, m.Counts
			}
			if !bytes.Equal(got, want) || !slices.Equal(m.Counts.Hard, counts.Hard) || !slices.Equal(m.Counts.Easy, counts.Easy) {
				t.Errorf("%s: %d threads give other numbers than 1", name, threads)
			}
		}
		if strings.Contains(string(want), "null\":null") {
			t.Errorf("%s: %s", name, want)
		}
	}
}

func TestSeedMovesNullsNotValuesOfAllQueries(t *testing.T) {
	in := inputs()["no ties"]
	p := testProtocol
	p.Queries = len(in.Labels)
	a := mustRun(t, p, in)
	p.Seed++
	b := mustRun(t, p, in)
	for id, s := range a.Statistics {
		other := b.Statistics[id]
		if !near(s.Value, other.Value, 1e-9) {
			t.Errorf("%s = %v with one seed, %v with another", id, s.Value, other.Value)
		}
		sameNull := s.Null != nil && s.Null.Mean == other.Null.Mean
		if sameNull || s.Low == other.Low && s.High == other.High && s.Low != s.High {
			t.Errorf("%s: null or interval does not depend on the seed: %+v, %+v", id, s, other)
		}
	}
}

// rejections checks that p values are at most 5% about as often: within what a binomial law makes likely at
// 1 in 10,000 a side.
func rejections(t *testing.T, what string, p []float64) {
	t.Helper()
	n := 0
	for _, v := range p {
		if v <= 0.05 {
			n++
		}
	}
	law := distuv.Binomial{N: float64(len(p)), P: 0.05}
	if law.CDF(float64(n)) < 1e-4 || 1-law.CDF(float64(n-1)) < 1e-4 {
		t.Errorf("%s: %d of %d p values are at most 5%%", what, n, len(p))
	}
}

// TestPValuesAreCalibrated on embeddings at random, which the labels and the tree know nothing of.
func TestPValuesAreCalibrated(t *testing.T) {
	p := Protocol{Queries: 120, Tail: 0.1, Draws: 99, Resamples: 19}
	greater, less := map[string][]float64{}, map[string][]float64{}
	for seed := range uint64(200) {
		p.Seed = seed
		m := mustRun(t, p, plan{dim: 6, superclasses: 6, each: 3, images: 7, noise: 1, seed: seed}.input())
		for id, s := range m.Statistics {
			if s.Null != nil && id != HardConsistency && id != EasyConsistency {
				greater[id] = append(greater[id], s.Null.PGreater)
				less[id] = append(less[id], s.Null.PLess)
			}
		}
	}
	if len(greater) != 7 {
		t.Errorf("%d statistics", len(greater))
	}
	for id := range greater {
		rejections(t, id+", greater", greater[id])
		rejections(t, id+", less", less[id])
	}
}

// TestConsistencyIsCalibrated on tails that each query draws at random.
func TestConsistencyIsCalibrated(t *testing.T) {
	s, err := newSplit(plan{dim: 6, superclasses: 6, each: 3, images: 20, noise: 1}.input())
	if err != nil {
		t.Fatal(err)
	}
	var greater, less, values []float64
	for seed := range uint64(200) {
		p := Protocol{Queries: 100, Tail: 0.05, Draws: 199, Resamples: 19, Seed: seed}
		v := &survey{split: s, queries: p.queries(s), count: p.Queries, tail: share(p.Tail, s.n-1), hard: make([]int32, s.n), easy: make([]int32, s.n)}
		random := rand.New(rand.NewPCG(seed, 8))
		for _, class := range v.queries {
			for _, q := range class {
				others := slices.DeleteFunc(random.Perm(s.n), func(j int) bool { return j == int(q) })
				for i := range v.tail {
					v.hard[others[i]]++
					v.easy[others[len(others)-1-i]]++
				}
			}
		}
		statistics := map[string]Statistic{}
		hard, _ := p.consistency(v, statistics, 2)
		stat := statistics[HardConsistency]
		greater, less, values = append(greater, stat.Null.PGreater), append(less, stat.Null.PLess), append(values, stat.Value)
		if math.Abs(hard.Mean-hard.Rate*float64(99*100+260*100)/360) > 0.1 {
			t.Fatalf("mean count %g at rate %g", hard.Mean, hard.Rate)
		}
	}
	rejections(t, "greater", greater)
	rejections(t, "less", less)
	if mean := sum(values) / 200; math.Abs(mean) > 4*math.Sqrt(2./360/200) { // the variance of a sample variance
		t.Errorf("mean excess %g of 200 draws from the null", mean)
	}
}

// Whoever cancels an analysis gets no result.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m, err := testProtocol.Run(ctx, clustered.input(), 2); !errors.Is(err, context.Canceled) || m != nil {
		t.Errorf("%v, %v", m, err)
	}
}
