package views

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

func split(t *testing.T) dataset.Split {
	t.Helper()
	images, err := dataset.Glyphs(100, 0)("")
	if err != nil {
		t.Fatal(err)
	}
	return images.Train
}

// TestEveryEpochShowsEveryImageOnce, in another order each time.
func TestEveryEpochShowsEveryImageOnce(t *testing.T) {
	c := Config{Augment: augment.Config{MinArea: 1}, Size: 32, Batch: 10, Groups: 1, Steps: 20}
	s := New(c, split(t), 1, 1)
	perEpoch := s.data.Len() / c.Batch
	var epochs [2][]int
	for epoch := range epochs {
		for step := range perEpoch {
			epochs[epoch] = append(epochs[epoch], s.choose(epoch*perEpoch+step)...)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have one order")
	}
	sort.Ints(epochs[0])
	for i, image := range epochs[0] {
		if i != image {
			t.Fatalf("image %d is shown never or twice", i)
		}
	}
}

// TestApart: no image is asked for while a queue as long as is promised holds it, an epoch has every image once, and the
// order is another each time. Without it, some are.
func TestApart(t *testing.T) {
	held := func(c Config, queue int) (found int) {
		s := New(c, split(t), 1, 1)
		var shown []int
		for step := range c.Steps {
			batch := s.choose(step)
			for _, image := range batch {
				if slices.Contains(shown[max(0, len(shown)-queue):], image) {
					found++
				}
			}
			shown = append(shown, batch...)
		}
		perEpoch := len(s.order) / c.Batch * c.Batch
		first := slices.Clone(shown[:perEpoch])
		if slices.Equal(first, shown[perEpoch:2*perEpoch]) {
			t.Error("two epochs have one order")
		}
		if slices.Sort(first); len(slices.Compact(first)) != perEpoch {
			t.Error("an image is shown twice in an epoch")
		}
		return found
	}
	for _, batch := range []int{1, 7, 10} { // 7 leaves an incomplete last batch
		c := Config{Augment: augment.Config{MinArea: 1}, Batch: batch, Groups: 1, Steps: 600 / batch, Apart: true}
		queue := c.Between(100)
		if queue < 35 || queue > 50 {
			t.Errorf("batch %d: %d images between two views of one", batch, queue)
		}
		if n := held(c, queue); n > 0 {
			t.Errorf("batch %d: %d queries met their image in a queue of %d", batch, n, queue)
		}
		if c.Apart = false; held(c, queue) == 0 {
			t.Errorf("batch %d: without Apart no query met its image either: the test shows nothing", batch)
		}
	}
}

// TestShuffleMovesKeysAlone: with views that are the images themselves, key i is the query at Order[i].
func TestShuffleMovesKeysAlone(t *testing.T) {
	s := New(Config{Augment: augment.Config{MinArea: 1}, Size: 32, Batch: 10, Groups: 1, Steps: 2, Shuffle: true}, split(t), 1, 3)
	b, err := s.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	query, key := b.Query.(*augment.Batch).Values, b.Key.(*augment.Batch).Values
	const area = 32 * 32
	moved := false
	for i, from := range b.Order {
		moved = moved || i != from
		if !slices.Equal(key[i*area:][:area], query[from*area:][:area]) { // the red planes come first
			t.Errorf("key %d is not the view of image %d", i, from)
		}
	}
	if !moved {
		t.Error("nothing is shuffled")
	}
	rows := make([]float32, 10)
	for i, from := range b.Order {
		rows[i] = float32(from)
	}
	if got := b.Unshuffle(rows); !slices.IsSorted(got) {
		t.Errorf("rows come back in the order %v", got)
	}
}

// Images per second and core from shards on the disk to two views each, as wide as CIFAR's and as ImageNet's.
func BenchmarkFromShards(b *testing.B) {
	for _, side := range []int{32, 256} {
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			dir := b.TempDir()
			w, err := shards.Create(dir, shards.Index{
				Name: "noise", Height: side, Width: side, Classes: []string{"a"}, Tree: *taxonomy.Copy(taxonomy.Flat("thing", "a")),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer w.Abort()
			pixels := make([]uint8, side*side*dataset.Channels)
			for i := range 512 {
				for p := range pixels {
					pixels[p] = uint8(i * p)
				}
				if err := w.Add(false, 0, pixels); err != nil {
					b.Fatal(err)
				}
			}
			x, err := w.Finish("", "")
			if err != nil {
				b.Fatal(err)
			}
			data, err := x.Source().Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			c := Config{Size: 32, Batch: 64, Groups: 1, Steps: 1 << 30, Augment: augment.Config{
				MinArea: 0.2, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, JitterProb: 0.8, GreyProb: 0.2, BlurProb: 0.5, BlurMin: 0.1, BlurMax: 2, FlipProb: 0.5,
			}}
			s := New(c, data.Train, 1, 1)
			step := 0
			for b.Loop() {
				if batch := s.make(step); batch.err != nil {
					b.Fatal(batch.err)
				}
				step++
			}
			b.ReportMetric(float64(64*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
