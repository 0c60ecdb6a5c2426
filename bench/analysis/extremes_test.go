package analysis

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// plainExtremes computes the statistics of Extremes with plain loops: by class of the query, the mean similarity of what is
// of other classes in the tail, less that of all of other classes, weighed by the class's queries.
func plainExtremes(in Input, queries []int) map[string]float64 {
	pool, n := negatives(in)
	values := map[string]float64{}
	for _, tail := range extremes {
		for id, similarity := range map[string][][]float64{tail.path: in.Path, tail.wuPalmer: in.WuPalmer} {
			total, asked := 0.0, 0
			for class := range in.Superclass {
				var inTail, all []float64
				ofClass := 0
				for _, q := range queries {
					if in.Labels[q] != int32(class) {
						continue
					}
					ofClass++
					for _, a := range rankPlainly(in, q) {
						if other := pool.Labels[a.image]; other != int32(class) {
							all = append(all, similarity[class][other])
							if a.place < share(tail.fraction, n) {
								inTail = append(inTail, similarity[class][other])
							}
						}
					}
				}
				if len(inTail) > 0 {
					total += float64(ofClass) * (sum(inTail)/float64(len(inTail)) - sum(all)/float64(len(all)))
					asked += ofClass
				}
			}
			values[id] = total / float64(asked)
		}
	}
	return values
}

func TestExtremesAreThoseOfPlainLoops(t *testing.T) {
	for name, in := range inputs() {
		p := testProtocol
		p.Hardest = true
		m, want := mustRun(t, p, in), plainExtremes(in, chosenQueries(t, p, in))
		for _, d := range Extremes {
			if got, ok := m.Statistics[d.ID]; !ok || got.Null == nil || !near(got.Value, want[d.ID], 1e-9) {
				t.Errorf("%s: %s = %+v, want %v", name, d.ID, got, want[d.ID])
			}
		}
		// Without them nothing else changes.
		without := mustRun(t, testProtocol, in)
		for _, d := range Extremes {
			delete(m.Statistics, d.ID)
		}
		if !reflect.DeepEqual(m, without) {
			t.Errorf("%s: the other measures are others with the extremes", name)
		}
	}
	if with := (Protocol{Hardest: true}).ID(); with == (Protocol{}).ID() {
		t.Error("the protocol has one name with and without the extremes")
	}
}

// TestExtremeNullsMoveTheTree: a draw of the null is the statistic where the classes have other places.
func TestExtremeNullsMoveTheTree(t *testing.T) {
	p, in := testProtocol, lattice(1)
	p.Hardest = true
	s, err := newSplit(in)
	if err != nil {
		t.Fatal(err)
	}
	statistics := p.survey(t.Context(), s, 1).treeStatistics(newSemanticSimilarity(in.Path), newSemanticSimilarity(in.WuPalmer))
	place := rand.New(rand.NewPCG(4, 4)).Perm(s.classes)
	moved := in
	moved.Path, moved.WuPalmer = matrix[float64](s.classes, s.classes), matrix[float64](s.classes, s.classes)
	for c := range place {
		for d := range place {
			moved.Path[c][d], moved.WuPalmer[c][d] = in.Path[place[c]][place[d]], in.WuPalmer[place[c]][place[d]]
		}
	}
	want, checked := mustRun(t, p, moved), 0
	for _, stat := range statistics[len(statistics)-len(Extremes):] {
		draw := 0.0
		for c := range place {
			draw += stat.class(c, place, make([]float64, s.classes))
		}
		if got, want := draw/sum(stat.den), want.Statistics[stat.id].Value; near(got, want, 1e-9) {
			checked++
		} else {
			t.Errorf("%s with the classes moved is %g, want %g", stat.id, got, want)
		}
	}
	if checked != len(Extremes) {
		t.Errorf("%d draws agree", checked)
	}
}

// TestPlantedExtremes: where classes lie by the tree, the hardest negatives are near in meaning; with shuffled labels they
// are not.
func TestPlantedExtremes(t *testing.T) {
	p, in := testProtocol, clustered.input()
	p.Hardest = true
	for id, s := range mustRun(t, p, in).Statistics {
		if d, _ := Define(id); d.Unit == extremeUnit && (s.Value <= 0 || s.Null.PGreater > 0.01 || s.Low <= 0) {
			t.Errorf("%s = %+v, null %+v", id, s, s.Null)
		}
	}
	random := rand.New(rand.NewPCG(6, 6))
	random.Shuffle(len(in.Labels), func(i, j int) { in.Labels[i], in.Labels[j] = in.Labels[j], in.Labels[i] })
	for id, s := range mustRun(t, p, in).Statistics {
		if d, _ := Define(id); d.Unit == extremeUnit && min(s.Null.PGreater, s.Null.PLess) < 0.005 {
			t.Errorf("labels at random: %s = %+v, null %+v", id, s, s.Null)
		}
	}
}
