package main

import (
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/backend/backendtest"
)

// TestPictures does all work with pictures, beside torchvision if it is there: all sides make the same of them, and the table
// has the rate of each.
func TestPictures(t *testing.T) {
	s, _ := testSession(t)
	s.length = Length{Rounds: 1, Block: 1}
	if err := s.pictures(t.Context()); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	s.report.write(&table)
	for _, want := range []string{
		"### Pictures: a JPEG of 500x375 pixels and ", "### Pictures: images of 256 pixels to two views of 224 each: 1 x 1 threads",
		"| side | alone, images/s | in turn, images/s | processor, ms an image |", "\n| go | ",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, table.String())
		}
	}
	if got := len(s.report.Comparisons); got != 8 {
		t.Errorf("%d comparisons, want 8", got)
	}
	for _, c := range s.report.Comparisons {
		if m := c.Sides[0]; c.Images < 8 || m.InTurn.Median <= 0 || len(c.Sides) != 1 || len(c.Ratios) != 0 {
			t.Errorf("%s: %d images of %+v, ratios %v", c.Title, c.Images, c.Sides, c.Ratios)
		}
	}
}

// TestTorchvisionMakesTheSame: squares and views are those of cidbench, and there is a ratio or why there is none.
func TestTorchvisionMakesTheSame(t *testing.T) {
	s, _ := testSession(t)
	findPeer(t, s)
	s.length = Length{Rounds: 1, Block: 1}
	if vision, err := s.findVision(t.Context()); err != nil {
		t.Fatal(err)
	} else if !vision {
		backendtest.NoPeer(t, "%s", strings.Join(s.report.Notes, "\n"))
	}
	works, err := s.pictureWorks()
	if err != nil {
		t.Fatal(err)
	}
	sides := []string{"go", "pillow", "tensors"}
	if err := s.alike(t.Context(), works, sides); err != nil {
		t.Error(err)
	}
	small := works[3]
	if err := s.compare(t.Context(), small.title, s.bringing(small, sides), s.length); err != nil {
		t.Fatal(err)
	}
	c := s.report.Comparisons[0]
	if len(c.Sides) != 3 || len(c.Ratios) != 2 || !strings.HasPrefix(c.Sides[1].Version, "torchvision ") || c.Sides[2].InTurn.Median <= 0 {
		t.Fatalf("%+v", c)
	}
	for _, r := range c.Ratios {
		if (r.Value == nil) != (len(r.Refused) > 0) {
			t.Errorf("%s to %s: %v, refused for %q", r.Of, r.To, r.Value, r.Refused)
		}
	}
}

// TestLooksThatDiffer: views of another distribution are found, and so is another picture.
func TestLooksThatDiffer(t *testing.T) {
	s, _ := testSession(t)
	works, err := s.pictureWorks()
	if err != nil {
		t.Fatal(err)
	}
	same, other := works[3], works[3]
	blurred := *other.Augment
	blurred.BlurProb, blurred.BlurMin, blurred.BlurMax = 1, 9, 10
	other.Augment = &blurred
	var looks [2][][]float64
	for i, w := range []pictureWork{same, other} {
		if looks[i], err = look(t.Context(), []pictureWork{w}, s.bringing(w, []string{"go"})[0]); err != nil {
			t.Fatal(err)
		}
	}
	if !near(looks[0][0], looks[0][0], same.allowed) || near(looks[0][0], looks[1][0], same.allowed) || near(nil, nil, 1) {
		t.Errorf("looks are %.1f, and of blurred views %.1f", looks[0][0], looks[1][0])
	}
	left, right := coarse(append(make([]uint8, 8*8*3-3), 9, 9, 9), 8), coarse(make([]uint8, 8*8*3), 8)
	if near(left, right, 2) || left[191] != 9 {
		t.Errorf("a corner of 9 is %v", left)
	}
}
