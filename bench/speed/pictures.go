package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/pictures"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/bench/views"
	"github.com/cidbench/cidbench/experiments"
)

// Pictures say what work with pictures is of.
type Pictures struct {
	// Images are those of a sample.
	Images int `json:"images,omitempty"`
	// Source is the height and width in pixels of the images of a set, Size that of what is made of them.
	Source int `json:"source,omitempty"`
	Size   int `json:"size,omitempty"`
	// Augment is the distribution of views.
	Augment *augment.Config `json:"augment,omitempty"`
}

// pictureWork is a kind of work with pictures.
type pictureWork struct {
	title string
	Request
	// allowed is how far the looks of two sides may be apart, in levels of 0 to 255; 0 where torchvision has no such work.
	allowed float64
}

// photograph is the size in pixels that those of ImageNet have on average.
var photograph = image.Pt(500, 375)

// pictureWorks writes what is read into the session's directory: a photograph, and sets as wide as those of ImageNet's and
// CIFAR's tiers are.
func (s *session) pictureWorks() ([]pictureWork, error) {
	file := filepath.Join(s.dir, "picture.jpg")
	var out bytes.Buffer
	if err := jpeg.Encode(&out, made(0, photograph.X, photograph.Y), &jpeg.Options{Quality: 90}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		return nil, err
	}
	large, err := makeSet(s.dir, 256)
	if err != nil {
		return nil, err
	}
	small, err := makeSet(s.dir, 32)
	if err != nil {
		return nil, err
	}
	config := func(tier string) *augment.Config {
		c := experiments.All.Tier(tier).Train.(moco.Config).Augment
		return &c
	}
	paper, cifar := config("paper"), config("cifar10")
	title := fmt.Sprintf("Pictures: a JPEG of %dx%d pixels and %d KB to a square of 256", photograph.X, photograph.Y, out.Len()/1000)
	return []pictureWork{
		{title, Request{Work: decodeWork, File: file, Pictures: Pictures{Images: 8, Size: 256}}, 2},
		{"Pictures: images of 256 pixels to two views of 224 each", Request{Work: viewsWork, File: large, Pictures: Pictures{8, 256, 224, paper}}, 6},
		{"Pictures: images of 256 pixels to two views of 32 each", Request{Work: viewsWork, File: large, Pictures: Pictures{32, 256, 32, paper}}, 6},
		{"Pictures: images of 32 pixels to two views of 32 each", Request{Work: viewsWork, File: small, Pictures: Pictures{64, 32, 32, cifar}}, 6},
		{"Pictures: images of 256 pixels read by index", Request{Work: readWork, File: large, Pictures: Pictures{1024, 256, 256, nil}}, 0},
		{"Pictures: images of 32 pixels read by index", Request{Work: readWork, File: small, Pictures: Pictures{16384, 32, 32, nil}}, 0},
		{"Pictures: images of 256 pixels to recipes of two views of 224 each, for XLA", Request{Work: recipesWork, File: large, Pictures: Pictures{128, 256, 224, paper}}, 0},
		{"Pictures: images of 32 pixels to recipes of two views of 32 each, for XLA", Request{Work: recipesWork, File: small, Pictures: Pictures{1024, 32, 32, cifar}}, 0},
	}, nil
}

// made is a picture that has what photographs have: light that changes, areas with edges, and grain.
func made(i, width, height int) *image.RGBA {
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	type disc struct {
		x, y, radius float64
		colour       [3]float64
	}
	var discs [12]disc
	for d := range discs {
		discs[d] = disc{random.Float64(), random.Float64(), 0.05 + 0.3*random.Float64(), [3]float64{255 * random.Float64(), 255 * random.Float64(), 255 * random.Float64()}}
	}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			c := [3]float64{60 + 120*u, 90 + 60*v, 200 - 100*u}
			for _, d := range discs {
				if math.Hypot(u-d.x, v-d.y) < d.radius {
					c = d.colour
				}
			}
			grain := 40 * (random.Float64() - 0.5)
			level := func(c float64) uint8 { return uint8(min(max(c+grain, 0), 255)) }
			m.SetRGBA(x, y, color.RGBA{level(c[0]), level(c[1]), level(c[2]), 255})
		}
	}
	return m
}

// makeSet writes images of so many pixels as a set is imported, and gives its folder.
func makeSet(dir string, side int) (folder string, err error) {
	name := fmt.Sprintf("pixels-%d", side)
	w, err := shards.Create(dir, shards.Index{Name: name, Height: side, Width: side, Classes: []string{"thing"}, Tree: *taxonomy.Copy(taxonomy.Flat("all", "thing"))})
	if err != nil {
		return "", err
	}
	defer w.Abort()
	pixels := make([]uint8, side*side*dataset.Channels)
	for i := range inSet[side] {
		m := made(i, side, side)
		for p := range side * side {
			copy(pixels[p*dataset.Channels:][:dataset.Channels], m.Pix[4*p:])
		}
		if err := w.Add(false, 0, pixels); err != nil {
			return "", err
		}
	}
	_, err = w.Finish("", "")
	return filepath.Join(dir, name), err
}

// imported opens the set in a folder.
func imported(folder string) (dataset.Split, error) {
	set, err := shards.Read(filepath.Base(folder))(filepath.Dir(folder))
	return set.Train, err
}

// viewRates measures the views of a batch of the default tier, as pixels and as recipes.
func (s *session) viewRates(ctx context.Context) error {
	return s.each(ctx, tier(), []string{"go"}, func(r *running) error {
		section := fmt.Sprintf("Views of a batch of %d on the host (one thread)", tier().Batch)
		return cmp.Or(
			s.cost(r, section, "as pixels, for go", Request{Work: viewsWork}, Request{}, s.length),
			s.cost(r, section, "as recipes, for XLA", Request{Work: recipesWork}, Request{}, s.length),
		)
	})
}

// pictures measures what brings pictures to a step, an image after the other on one thread, as each worker of a data loader
// does. Torchvision does it with Pillow and with tensors.
func (s *session) pictures(ctx context.Context) error {
	works, err := s.pictureWorks()
	if err != nil {
		return err
	}
	all := []string{"go"}
	if vision, err := s.findVision(ctx); err != nil {
		return err
	} else if vision {
		all = append(all, "pillow", "tensors")
	}
	if err := s.alike(ctx, works, all); err != nil {
		return err
	}
	for _, w := range works {
		if err := s.compare(ctx, w.title, s.bringing(w, all), s.length); err != nil {
			return err
		}
	}
	return nil
}

// findVision says whether the peer has torchvision, and notes where it does not.
func (s *session) findVision(ctx context.Context) (bool, error) {
	if s.peer == nil {
		return false, nil // which is noted
	}
	if said, err := exec.CommandContext(ctx, s.peer[0], "-c", "import torchvision").CombinedOutput(); err != nil {
		s.note("pictures without a peer: %s has no torchvision that can be imported, which make peer installs below bin/ (%v: %s)", s.peer[0], err, bytes.TrimSpace(said))
		return false, ctx.Err()
	}
	return true, nil
}

// bringing are the sides of some names that do the work.
func (s *session) bringing(w pictureWork, names []string) []Side {
	if w.allowed == 0 {
		names = names[:1]
	}
	sides := s.sides(tier(), 1, 1, names...)
	for i := range sides {
		sides[i].Job.Work = w.Request
	}
	return sides
}

// alike holds against each other what the sides make of the same pictures. Sides that differ do not do the same work, and
// that is an error.
func (s *session) alike(ctx context.Context, works []pictureWork, names []string) error {
	looks := map[string][][]float64{}
	for place, name := range names {
		var err error
		if looks[name], err = look(ctx, works, s.bringing(works[0], names)[place]); err != nil {
			return err
		}
		for i, w := range works {
			if first, other := looks[names[0]][i], looks[name][i]; w.allowed > 0 && !near(first, other, w.allowed) {
				return fmt.Errorf("%s: %s and %s do not make the same: levels are %.1f and %.1f", w.title, names[0], name, first, other)
			}
		}
	}
	return nil
}

// inSet is the number of images by their height and width. All of them are looked at, so that the sides differ in what they
// draw alone, and they are so many that by chance a mean is off by a level or two.
var inSet = map[int]int{256: 256, 32: 1024}

// look asks a side what it makes of each of the works that are compared.
func look(ctx context.Context, works []pictureWork, side Side) ([][]float64, error) {
	r, err := side.start(ctx)
	if err != nil {
		return nil, err
	}
	defer r.close()
	looks := make([][]float64, len(works))
	for i, w := range works {
		if w.allowed == 0 {
			continue
		}
		request := w.times(1)
		if request.Look = true; w.Work == viewsWork {
			request.N = inSet[w.Source] / w.Images
		}
		a, err := r.ask(request)
		if err != nil {
			return nil, err
		}
		looks[i] = a.Look
	}
	return looks, nil
}

// near says whether two looks are no further apart than is allowed.
func near(a, b []float64, allowed float64) bool {
	for i := range a {
		if len(a) != len(b) || !(math.Abs(a[i]-b[i]) <= allowed) {
			return false
		}
	}
	return len(a) > 0
}

// decode makes squares of a picture file.
func decode(r Request) (task, error) {
	file, err := os.ReadFile(r.File)
	if err != nil {
		return task{}, err
	}
	var last *pictures.Picture
	return task{do: func() (float64, error) {
		start := time.Now()
		for range r.Images {
			if last, err = pictures.Decode(r.File, file, r.Size); err != nil {
				return 0, err
			}
		}
		return since(start), nil
	}, look: func() []float64 { return coarse(last.Pixels, r.Size) }}, nil
}

// read reads images in no order.
func read(r Request) (task, error) {
	data, err := imported(r.File)
	if err != nil {
		return task{}, err
	}
	order, next, image := rand.New(rand.NewPCG(seed, seed)).Perm(data.Len()), 0, data.Buffer()
	return task{do: func() (float64, error) {
		start := time.Now()
		for range r.Images {
			if err := data.Read(order[next%len(order)], image); err != nil {
				return 0, err
			}
			next++
		}
		return since(start), nil
	}}, nil
}

// coarse is the mean levels of an image [size, size, 3] in 8x8 fields: [8, 8, 3].
func coarse(pixels []uint8, size int) []float64 {
	levels, field := make([]float64, 8*8*dataset.Channels), size/8
	for y := range 8 * field {
		for x := range 8 * field {
			for c := range dataset.Channels {
				levels[(y/field*8+x/field)*dataset.Channels+c] += float64(pixels[(y*size+x)*dataset.Channels+c]) / float64(field*field)
			}
		}
	}
	return levels
}

// spread is the mean and the standard deviation of each channel of a batch's views, in levels.
func spread(b *views.Batch) (levels []float64) {
	for c := range dataset.Channels {
		var n, sum, squares float64
		for _, v := range []augment.Views{b.Query, b.Key} {
			all := v.(*augment.Batch).Values
			for _, x := range all[c*len(all)/dataset.Channels : (c+1)*len(all)/dataset.Channels] { // in one group
				level := 255 * (float64(x)*augment.Std + augment.Mean)
				n, sum, squares = n+1, sum+level, squares+level*level
			}
		}
		levels = append(levels, sum/n, math.Sqrt(squares/n-sum/n*sum/n))
	}
	return levels
}
