package study

import (
	"context"
	"fmt"
	"slices"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/backend"
	"github.com/cidbench/cidbench/bench/dataset/files"
	"github.com/cidbench/cidbench/bench/dataset/pictures"
)

// UsesGPU says whether a --backend flag leads to a GPU. Errors: UsageError.
func UsesGPU(ctx context.Context, flag string) (bool, error) {
	if flag == "auto" && backend.NVIDIA() == "" {
		return false, nil
	}
	b, err := backend.Choose(ctx, flag)
	if err != nil {
		return false, UsageError{err}
	}
	return b.GPU(), nil
}

// suited are the tiers whose scale suits other data than their own, the best first: with GPUs those that are for them,
// then those for a CPU, and last what proves the machinery alone. There is always one.
func (d Data) suited(gpu bool) []*bench.Tier {
	order := func(t *bench.Tier) int {
		switch {
		case t.Machinery:
			return 2
		case t.GPU:
			return 0
		}
		return 1
	}
	tiers := pick(d.Catalogue.Tiers, func(t *bench.Tier) bool { return !t.Recipe && (gpu || !t.GPU) })
	if len(tiers) == 0 {
		tiers = slices.Clone(d.Catalogue.Tiers)
	}
	slices.SortStableFunc(tiers, func(a, b *bench.Tier) int { return order(a) - order(b) })
	return tiers
}

// choose takes the first suited tier that so many training images are enough for, or the last, and says why.
func (d Data) choose(gpu bool, images int, o ImportOptions) *bench.Tier {
	tiers := d.suited(gpu)
	at := slices.IndexFunc(tiers, func(t *bench.Tier) bool { return images >= 2*t.Train.Scale().Batch })
	if at < 0 {
		at = len(tiers) - 1
	}
	tier, why := tiers[at], "no GPU is used"
	if gpu {
		why = "a GPU is used"
	}
	if at > 0 {
		why = fmt.Sprintf("%d training images are too few for tier %s", images, tiers[0].ID)
	}
	if tier.Machinery {
		why += "; its verdicts mean nothing"
	}
	o.say("chosen: tier %s, since %s; --tier takes another", tier.ID, why)
	return tier
}

// shortSide is the median of the shorter sides of some pictures in a folder or an archive, in pixels; 0 where nothing
// can be said, as of sets that are imported already.
func shortSide(at string) int {
	set, err := files.Open(at, nil)
	if err != nil {
		return 0 // the import will say so
	}
	defer set.Close()
	const some = 32
	var sides []int
	for i := range min(some, len(set.Images)) {
		file, err := set.Read(i * len(set.Images) / min(some, len(set.Images)))
		if err != nil || set.Raw() {
			continue
		}
		if width, height, ok := pictures.Size(file); ok {
			sides = append(sides, min(width, height))
		}
	}
	if len(sides) == 0 {
		return 0
	}
	slices.Sort(sides)
	return sides[len(sides)/2]
}
