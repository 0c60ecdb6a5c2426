package study_test

import (
	"testing"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/bench/views"
	"github.com/cidbench/cidbench/study"
)

// A queue that is too long for the pictures is made shorter: to half of them, and where the tier keeps a query's image out
// of it, to what lies between two views of one.
func TestYoursHaveAShorterQueue(t *testing.T) {
	const images = 107
	dir := t.TempDir()
	w, err := shards.Create(dir, shards.Index{
		Name: "photos", Height: 32, Width: 32, Classes: []string{"a"}, Tree: *taxonomy.Copy(taxonomy.Flat("thing", "a")),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for i := range images + 3 {
		if err := w.Add(i >= images, 0, make([]uint8, 32*32*dataset.Channels)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish("", ""); err != nil {
		t.Fatal(err)
	}
	for apart, want := range map[bool]int{false: 48, true: 32} {
		tier := *tiny("tiny")
		train := tier.Train.(moco.Config)
		train.Queue, train.Apart = 512, apart
		tier.Train = train
		catalogue := *small
		catalogue.Tiers, catalogue.Plans = []*bench.Tier{&tier}, nil
		_, mine, err := study.Data{Catalogue: &catalogue, Dir: dir}.Yours(t.Context(), "photos", "tiny", false, study.ImportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := mine.Train.(moco.Config)
		if between := (views.Config{Batch: got.Batch, Apart: true}).Between(images); got.Queue != want || apart && got.Queue > between || got.Apart != apart {
			t.Errorf("apart %t: a queue of %d, want %d; %d images lie between two views of one", apart, got.Queue, want, between)
		}
	}
}
