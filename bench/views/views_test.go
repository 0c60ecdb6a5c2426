package views

import (
	"slices"
	"sort"
	"testing"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
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
	c := Config{Augment: augment.Config{MinArea: 1}, Batch: 10, Groups: 1, Steps: 20}
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

// TestShuffleMovesKeysAlone: with views that are the images themselves, key i is the query at Order[i].
func TestShuffleMovesKeysAlone(t *testing.T) {
	s := New(Config{Augment: augment.Config{MinArea: 1}, Batch: 10, Groups: 1, Steps: 2, Shuffle: true}, split(t), 1, 3)
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
