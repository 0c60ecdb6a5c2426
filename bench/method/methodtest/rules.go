package methodtest

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/negatives"
)

func rules(t *testing.T, c Case) {
	scale, classes := c.Method.Scale(), len(Data().Classes)
	half := negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}
	all, some := start(t, c), start(t, c, func(s *method.Start) { s.Rules = []negatives.Rule{half} })
	m, n := advance(t, all, 1), advance(t, some, 1)
	if m.Kept != float64(scale.Negatives) || n.Kept != float64(half.Count(scale.Negatives, classes)) {
		t.Errorf("%g and %g negatives kept of %d", m.Kept, n.Kept, scale.Negatives)
	}
	if m.Positive != n.Positive || !(n.Loss < m.Loss) {
		t.Errorf("fewer negatives, and the same start: %+v and %+v", m, n)
	}
	advance(t, all, 1)
	advance(t, some, 1)
	if bytes.Equal(save(t, all), save(t, some)) {
		t.Error("the rules make no difference")
	}
}

// lateRules: a rule that begins at half of training leaves the first half as it is without rules, and begins at the
// same step where a training was resumed, before that step or after it.
func lateRules(t *testing.T, c Case) {
	late := []negatives.Rule{{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5, After: 0.5}}
	with := func(s *method.Start) { s.Rules = late }
	scale := c.Method.Scale()
	middle, kept := int(math.Round(0.5*float64(scale.Steps))), late[0].Count(scale.Negatives, len(Data().Classes))
	all, some := start(t, c), start(t, c, with)
	advance(t, all, middle-2)
	advance(t, some, middle-2)
	early := save(t, some)
	for range 2 { // the last of the first half
		if diff := cmp.Diff(advance(t, all, 1), advance(t, some, 1)); diff != "" {
			t.Errorf("step %d, before the rule begins: %s", some.Step(), diff)
		}
	}
	if !bytes.Equal(save(t, all), save(t, some)) {
		t.Error("the rule changed the training before it began")
	}
	m, n := advance(t, all, 1), advance(t, some, 1)
	if m.Kept != float64(scale.Negatives) || n.Kept != float64(kept) || !(n.Loss < m.Loss) {
		t.Errorf("from the middle on all against the harder half: %+v and %+v", m, n)
	}
	begun := save(t, some)
	advance(t, some, 2)
	for _, state := range [][]byte{early, begun} {
		resumed := start(t, c, with)
		if err := resumed.Restore(state); err != nil {
			t.Fatal(err)
		}
		if advance(t, resumed, some.Step()-resumed.Step()); !bytes.Equal(save(t, resumed), save(t, some)) {
			t.Error("a resumed training ends in other bytes")
		}
	}
}

// oneGraph: a step that is one graph, as where a backend compiles, trains like that of two with the contrast between them,
// and goes on from each other's states. Rounding grows: a ReLU or a negative at a cut falls on the other side.
func oneGraph(t *testing.T, c Case) {
	rule := func(action negatives.Action, pool negatives.Pool, fraction float64) negatives.Rule {
		return negatives.Rule{Action: action, Pool: pool, Fraction: fraction}
	}
	late := rule(negatives.Drop, negatives.Hardest, 0.5)
	late.After = 0.2
	for name, rules := range map[string][]negatives.Rule{
		"all":        nil,
		"hardest":    {rule(negatives.Keep, negatives.Hardest, 0.1)},
		"easiest":    {rule(negatives.Drop, negatives.Easiest, 0.7)},
		"random":     {rule(negatives.Keep, negatives.Random, 0.2)},
		"same class": {rule(negatives.Drop, negatives.SameClass, 1)},
		"three":      {rule(negatives.Keep, negatives.Random, 0.6), late, rule(negatives.Drop, negatives.SameClass, 0.3)},
	} {
		one := start(t, c, func(s *method.Start) { s.Rules, s.Device.Compiles = rules, true })
		two := start(t, c, func(s *method.Start) { s.Rules, s.Device = rules, backendtest.Go(t) })
		alike(t, name, one, two)
		if err := one.Restore(save(t, two)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(save(t, one), save(t, two)) {
			t.Errorf("%s: a state of one kind is another in the other", name)
		}
	}
}

// compilations: trainings on one client that differ in seed, rules or temperature are one executable; one whose rules
// draw, which the host does for them, is another. Where operations run one by one nothing is compiled, and the graphs
// of another temperature are others.
func compilations(t *testing.T, c Case) {
	half := negatives.Rule{Action: negatives.Keep, Pool: negatives.Hardest, Fraction: 0.5}
	random, late := half, half
	random.Pool, late.Pool, late.After = negatives.Random, negatives.SameClass, 0.5
	with := func(rules ...negatives.Rule) func(*method.Start) { return func(s *method.Start) { s.Rules = rules } }
	warmer, first, temperature, draws := c, 2, 2, 0
	warmer.Method = c.Method.AtTemperature(0.6)
	if c.device.Compiles {
		first, temperature, draws = 1, 0, 1
	}
	for _, cell := range []struct {
		name    string
		trainer method.Trainer
		most    int // graphs, where those of other tests are there already
	}{
		{"the first training", start(t, c), first},
		{"another seed", start(t, c, seed(2)), 0},
		{"a rule that ranks", start(t, c, with(half)), 0},
		{"two rules, of which one begins later", start(t, c, with(half, late)), 0},
		{"another temperature", start(t, warmer), temperature},
		{"a rule that draws", start(t, c, with(random)), draws},
		{"that and another", start(t, c, with(half, random)), 0},
	} {
		before := c.device.Built()
		advance(t, cell.trainer, 2)
		if built := c.device.Built() - before; built > cell.most {
			t.Errorf("%s: %d graphs were built, want at most %d", cell.name, built, cell.most)
		}
	}
}

// alike: both train alike for some steps.
func alike(t *testing.T, name string, one, two method.Trainer) {
	t.Helper()
	for i := range 5 {
		got, err := one.Advance(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		want, err := two.Advance(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, a, b float64) {
			if !(math.Abs(a-b) < 1e-3) {
				t.Errorf("%s, step %d: %s is %g in one graph, and %g in two", name, i+1, what, a, b)
			}
		}
		near("the loss", got.Loss, want.Loss)
		near("the number kept", got.Kept, want.Kept)
		near("the positive", got.Positive, want.Positive)
		near("uniformity", got.Uniformity, want.Uniformity)
		for b := range got.Bands {
			near("the similarity of a band", got.Bands[b].Similarity, want.Bands[b].Similarity)
		}
	}
}

// largerPictures: views are cropped from pictures that are larger than the encoder's input, in the graph of a step as on
// the host, and features are those of the centre: here of all but the frame.
func largerPictures(t *testing.T, c Case) {
	data := *Data()
	data.Height, data.Width = data.Height+2*frame, data.Width+2*frame
	for _, split := range []*dataset.Split{&data.Train, &data.Test} {
		*split = dataset.Split{Reader: framed{*split}, Labels: split.Labels, Height: data.Height, Width: data.Width}
	}
	on := func(s *method.Start) { s.Data = &data }
	one := start(t, c, on, func(s *method.Start) { s.Device.Compiles = true })
	alike(t, "larger pictures", one, start(t, c, on, func(s *method.Start) { s.Device = backendtest.Go(t) }))

	got, err := one.Features(data.Test)
	if err != nil {
		t.Fatal(err)
	}
	want, err := one.Features(Data().Test)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range want.Values {
		if math.Abs(float64(v-got.Values[i])) > 1e-3 {
			t.Fatalf("feature %d of the centre is %g, and %g of a picture that is nothing else", i, got.Values[i], v)
		}
	}
}

const frame = 2 // pixels

// framed puts a white frame around images.
type framed struct{ dataset.Split }

func (f framed) Read(i int, image []uint8) error {
	inner := f.Buffer()
	if err := f.Split.Read(i, inner); err != nil {
		return err
	}
	for j := range image {
		image[j] = 255
	}
	row, wide := f.Width*dataset.Channels, (f.Width+2*frame)*dataset.Channels
	for y := range f.Height {
		copy(image[(y+frame)*wide+frame*dataset.Channels:], inner[y*row:][:row])
	}
	return nil
}
