package analysis

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCountsRoundTrip(t *testing.T) {
	m := mustRun(t, testProtocol, clustered.input())
	back, err := DecodeCounts(EncodeCounts(m.Counts))
	if err != nil || !slices.Equal(back.Hard, m.Counts.Hard) || !slices.Equal(back.Easy, m.Counts.Easy) {
		t.Errorf("%v: read back %v for %v", err, back, m.Counts)
	}
	tail, total := share(testProtocol.Tail, m.Images-1), 0
	for _, count := range back.Hard {
		total += int(count)
	}
	if len(back.Hard) != m.Images || total != m.Queries*tail {
		t.Errorf("%d hard counts that add up to %d, want %d to %d", len(back.Hard), total, m.Images, m.Queries*tail)
	}
}

func TestWhatIsNotCountsIsRefused(t *testing.T) {
	good := EncodeCounts(Counts{Hard: []uint16{1, 2, 3}, Easy: []uint16{6, 0, 0}})
	if _, err := DecodeCounts(good); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing":    nil,
		"no images":  []byte(countsMagic),
		"magic":      append([]byte("cidcnt2\n"), good[8:]...),
		"cut":        good[:len(good)-1],
		"cut by one": good[:len(good)-2],
		"longer":     append(slices.Clone(good), 0),
		"totals":     append(slices.Clone(good[:len(good)-1]), 1),
	} {
		if _, err := DecodeCounts(data); !errors.Is(err, ErrCounts) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeCounts(f *testing.F) {
	f.Add(EncodeCounts(Counts{Hard: []uint16{1, 2, 3}, Easy: []uint16{6, 0, 0}}))
	f.Add([]byte(countsMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		counts, err := DecodeCounts(data)
		if err != nil {
			if !errors.Is(err, ErrCounts) {
				t.Errorf("%v is not ErrCounts", err)
			}
			return
		}
		if !bytes.Equal(EncodeCounts(counts), data) {
			t.Errorf("%x is read as %v, which is written otherwise", data, counts)
		}
	})
}

func TestStability(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var counts [3][]uint16
	for range 50 {
		for i := range counts {
			counts[i] = append(counts[i], uint16(random.IntN(9)))
		}
	}
	float := func(x []uint16) (y []float64) {
		for _, v := range x {
			y = append(y, float64(v))
		}
		return y
	}
	a, b, c := counts[0], counts[1], counts[2]
	want := (spearman(float(a), float(b)) + spearman(float(a), float(c)) + spearman(float(b), float(c))) / 3
	if got := Stability([][]uint16{a, b, c}); !near(got, want, 1e-12) {
		t.Errorf("stability %g, want %g", got, want)
	}
	if got := Stability([][]uint16{a, a}); !near(got, 1, 1e-12) {
		t.Errorf("stability %g of the same counts", got)
	}
	for name, undefined := range map[string][][]uint16{"none": nil, "one": {a}, "lengths": {a, b[1:]}, "constant": {a, make([]uint16, 50)}} {
		if got := Stability(undefined); !math.IsNaN(got) {
			t.Errorf("%s: stability %g", name, got)
		}
	}
}

// TestStabilityTellsImagesFromEncoders: encoders that share their hubs agree, others do not.
func TestStabilityTellsImagesFromEncoders(t *testing.T) {
	encoder := func(seed uint64, hubs bool) []uint16 {
		p := plan{dim: 16, superclasses: 5, each: 3, images: 20, noise: 1, seed: seed}
		if hubs {
			p.offset = 1
		}
		in := p.input()
		for i := range in.Labels { // how far each image lies along the offset depends on the image
			row := in.Embeddings[i*in.Dim:][:in.Dim]
			if hubs {
				row[0] = float32(0.2 + 0.6*float64(i)/float64(len(in.Labels)))
			}
			rest := 0.0
			for _, v := range row[1:] {
				rest += float64(v) * float64(v)
			}
			scale := math.Sqrt((1 - float64(row[0])*float64(row[0])) / rest)
			for d := range row[1:] {
				row[1+d] *= float32(scale)
			}
		}
		return mustRun(t, testProtocol, in).Counts.Hard
	}
	if s := Stability([][]uint16{encoder(1, true), encoder(2, true), encoder(3, true)}); s < 0.3 {
		t.Errorf("stability %g of encoders with the same hubs", s)
	}
	if s := Stability([][]uint16{encoder(1, false), encoder(2, false), encoder(3, false)}); math.Abs(s) > 0.2 {
		t.Errorf("stability %g of unrelated encoders", s)
	}
}
