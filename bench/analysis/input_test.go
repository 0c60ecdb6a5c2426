package analysis

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

var testProtocol = Protocol{Queries: 60, Tail: 0.05, Draws: 199, Resamples: 99, Seed: 1}

// plan describes an input whose structure is planted: each embedding is the sum of a part of its superclass, one
// of its class and noise, with these weights, in random directions.
type plan struct {
	dim, superclasses, each, images  int // each: classes of a superclass; images: of a class
	superWeight, classWeight, offset float64
	noise                            float64
	seed                             uint64
}

func (p plan) input() Input {
	random := rand.New(rand.NewPCG(p.seed, 9))
	direction := func() []float64 {
		v := make([]float64, p.dim)
		for i := range v {
			v[i] = random.NormFloat64() / math.Sqrt(float64(p.dim))
		}
		return v
	}
	classes := p.superclasses * p.each
	in := Input{Dim: p.dim}
	super, class := make([][]float64, p.superclasses), make([][]float64, classes)
	for i := range super {
		super[i] = direction()
	}
	for c := range class {
		class[c] = direction()
		in.Superclass = append(in.Superclass, c/p.each)
	}
	for i := range classes * p.images {
		c := i % classes
		v, noise := make([]float64, p.dim), direction()
		for d := range v {
			v[d] = p.superWeight*super[c/p.each][d] + p.classWeight*class[c][d] + p.noise*noise[d]
		}
		v[0] += p.offset
		in.add(v, int32(c))
	}
	in.tree(p.each)
	return in
}

// add appends an image, its embedding scaled to unit length.
func (in *Input) add(v []float64, label int32) {
	norm := 0.0
	for _, x := range v {
		norm += x * x
	}
	for _, x := range v {
		in.Embeddings = append(in.Embeddings, float32(x/math.Sqrt(norm)))
	}
	in.Labels = append(in.Labels, label)
}

// tree sets similarities as of three levels: superclasses hold so many classes each, and pairs of superclasses are
// near.
func (in *Input) tree(each int) {
	classes := len(in.Superclass)
	in.Path, in.WuPalmer = matrix[float64](classes, classes), matrix[float64](classes, classes)
	for c := range classes {
		for d := range classes {
			depth := 3 // of the common ancestor, the root being 0
			for _, size := range []int{1, each, 2 * each} {
				if c/size != d/size {
					depth--
				}
			}
			in.Path[c][d] = 1 / float64(1+2*(3-depth))
			in.WuPalmer[c][d] = float64(1+depth) / 4
		}
	}
}

func mustRun(t testing.TB, p Protocol, in Input) *Measures {
	t.Helper()
	m, err := p.Run(t.Context(), in, 2)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestBadInputIsRefused(t *testing.T) {
	good := plan{dim: 8, superclasses: 4, each: 3, images: 10, noise: 1, seed: 1}
	for name, tc := range map[string]struct {
		spoil func(in *Input)
		want  string
	}{
		"NaN embedding":     {func(in *Input) { in.Embeddings[11] = float32(math.NaN()) }, "image 1: embeddings are not finite"},
		"infinite":          {func(in *Input) { in.Embeddings[0] = float32(math.Inf(1)) }, "image 0: embeddings are not finite"},
		"not unit length":   {func(in *Input) { in.Embeddings[0] += 0.5 }, "image 0 has length"},
		"zero":              {func(in *Input) { clear(in.Embeddings) }, "has length 0"},
		"length":            {func(in *Input) { in.Embeddings = in.Embeddings[1:] }, "959 numbers"},
		"dimension":         {func(in *Input) { in.Dim = 0 }, "dimension 0"},
		"few images":        {func(in *Input) { in.Labels = in.Labels[:100]; in.Embeddings = in.Embeddings[:800] }, "100 images"},
		"label too large":   {func(in *Input) { in.Labels[3] = 12 }, "label 12"},
		"negative label":    {func(in *Input) { in.Labels[3] = -1 }, "label -1"},
		"class of one":      {func(in *Input) { lone(in, 1) }, "class 5 has 1 images"},
		"class of none":     {func(in *Input) { lone(in, 0) }, "class 5 has 0 images"},
		"two classes":       {func(in *Input) { in.Superclass = in.Superclass[:2] }, "2 classes"},
		"rows":              {func(in *Input) { in.Path = in.Path[1:] }, "path similarity: 11 rows"},
		"columns":           {func(in *Input) { in.WuPalmer[4] = in.WuPalmer[4][1:] }, "Wu-Palmer similarity: row 4 has 11"},
		"similarity is NaN": {func(in *Input) { in.Path[1][2] = math.NaN() }, "classes 1 and 2"},
	} {
		in := good.input()
		tc.spoil(&in)
		if _, err := testProtocol.Run(t.Context(), in, 1); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, tc.want)
		} else if strings.Contains(tc.want, "not finite") != errors.Is(err, ErrNotFinite) {
			t.Errorf("%s: ErrNotFinite is wrong for %v", name, err)
		}
	}
}

func TestBadQueueIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(in *Input)
		want  string
	}{
		"few":                {func(in *Input) { in.Queue.Labels = in.Queue.Labels[:100] }, "100 images"},
		"length":             {func(in *Input) { in.Queue.Embeddings = in.Queue.Embeddings[1:] }, "2079 numbers are not a queue of 130"},
		"length of queries":  {func(in *Input) { in.Embeddings = in.Embeddings[1:] }, "1759 numbers are not 110"},
		"not unit length":    {func(in *Input) { in.Queue.Embeddings[0] += 0.5 }, "queue: analysis: embedding of image 0 has length"},
		"label":              {func(in *Input) { in.Queue.Labels[7] = 6 }, "image 7 has label 6"},
		"label of a query":   {func(in *Input) { in.Labels[7] = 6 }, "image 7 has label 6"},
		"two classes":        {func(in *Input) { fold(in.Queue.Labels, 2) }, "holds 2 classes"},
		"no class of theirs": {func(in *Input) { clearTo(in.Labels, 4) }, "0 images are of one"},
	} {
		in := inputs()["queue"]
		tc.spoil(&in)
		if _, err := testProtocol.Run(t.Context(), in, 1); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, tc.want)
		}
	}
}

func fold(labels []int32, classes int32) {
	for i := range labels {
		labels[i] %= classes
	}
}

func clearTo(labels []int32, class int32) {
	for i := range labels {
		labels[i] = class
	}
}

// lone leaves class 5 so many images; the others become class 4.
func lone(in *Input, left int) {
	for i, l := range in.Labels {
		if l == 5 {
			if left == 0 {
				in.Labels[i] = 4
			} else {
				left--
			}
		}
	}
}

func TestProtocolIsChecked(t *testing.T) {
	if err := testProtocol.Validate(); err != nil {
		t.Error(err)
	}
	ids := map[string]bool{testProtocol.ID(): true}
	for name, change := range map[string]func(p *Protocol){
		"no queries":    func(p *Protocol) { p.Queries = 0 },
		"many queries":  func(p *Protocol) { p.Queries = 1 << 16 },
		"no tail":       func(p *Protocol) { p.Tail = 0 },
		"tail NaN":      func(p *Protocol) { p.Tail = math.NaN() },
		"tail of half":  func(p *Protocol) { p.Tail = 0.5 },
		"few draws":     func(p *Protocol) { p.Draws = 18 },
		"many draws":    func(p *Protocol) { p.Draws = 1_000_000_000 },
		"few resamples": func(p *Protocol) { p.Resamples = 18 },
	} {
		p := testProtocol
		change(&p)
		if p.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := p.Run(t.Context(), plan{dim: 8, superclasses: 4, each: 3, images: 10, noise: 1}.input(), 1); err == nil {
			t.Errorf("%s: run", name)
		}
		ids[p.ID()] = true
	}
	p := testProtocol
	p.Seed++
	ids[p.ID()] = true
	if len(ids) != 10 {
		t.Errorf("%d ids for 10 protocols", len(ids))
	}
	if want := "analysis1-q60-tail-0.05-draws-199-resamples-99-seed-1"; testProtocol.ID() != want {
		t.Errorf("id %s, want %s", testProtocol.ID(), want)
	}
}

func TestQueriesAreSpreadOverClasses(t *testing.T) {
	s, err := newSplit(plan{dim: 4, superclasses: 4, each: 3, images: 10, noise: 1}.input())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ queries, least, most, total int }{{5, 0, 1, 5}, {12, 1, 1, 12}, {31, 2, 3, 31}, {1000, 10, 10, 120}} {
		p, total, seen := testProtocol, 0, map[int32]bool{}
		p.Queries = tc.queries
		for c, chosen := range p.queries(s) {
			if len(chosen) < tc.least || len(chosen) > tc.most {
				t.Errorf("%d queries: %d of class %d", tc.queries, len(chosen), c)
			}
			for _, q := range chosen {
				if s.Labels[q] != int32(c) || seen[q] {
					t.Errorf("%d queries: image %d as one of class %d, or twice", tc.queries, q, c)
				}
				seen[q] = true
				total++
			}
		}
		if total != tc.total {
			t.Errorf("%d queries: chose %d", tc.queries, total)
		}
	}
}
