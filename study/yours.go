package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset/shards"
)

// Yours is the catalogue with a tier on a user's own pictures: those of a tier that is there, at its scale. Without the
// name of one the tier is chosen, by whether GPUs are used and by what the set holds. Data is the name of an imported set,
// or a path, which is imported at the size of the tier's images unless a set of its name is there. What was chosen and
// assumed is told to o.Say, a sentence at a time. Errors: UsageError; those of Data.Import.
func (d Data) Yours(ctx context.Context, data, tier string, gpu bool, o ImportOptions) (*bench.Catalogue, *bench.Tier, error) {
	base, chosen := d.Catalogue.Tier(tier), tier == ""
	if chosen {
		base = d.suited(gpu)[0]
	}
	if base == nil {
		return nil, nil, UsageError{bench.Unknown("tier", tier, TierIDs(d.Catalogue))}
	}
	o.Side = base.Train.Scale().Encoder.Size
	if own := d.Catalogue.Dataset(base.Dataset).Import; own != nil { // views are cropped from larger pictures
		o.Side = max(o.Side, own.Side)
	}
	if chosen && base.GPU && shortSide(data) >= 2*o.Side {
		o.Side *= 2
		o.say("chosen: images of %dx%d pixels, since most pictures have as many and a GPU is used", o.Side, o.Side)
	}
	x, err := d.imported(ctx, data, o)
	if err != nil {
		return nil, nil, err
	}
	images := len(x.Train.Labels)
	if chosen {
		base = d.choose(gpu, images, o)
	}
	scale := base.Train.Scale()
	size := scale.Encoder.Size
	switch {
	case chosen && base.GPU && x.Height >= 2*size: // it has the time for all of them
		size *= 2
	case chosen && x.Height < size: // they are taken as they are
		size = x.Height
	}
	if x.Height != x.Width || x.Height < size {
		return nil, nil, UsageError{fmt.Errorf("--data %s: its images are %dx%d, and tier %s takes squares of %d pixels or more: import it with --size %d, or write a tier (tier show)", data, x.Width, x.Height, base.ID, size, size)}
	}
	if images < 2*scale.Batch {
		return nil, nil, UsageError{fmt.Errorf("--data %s: %d training images; tier %s takes %d at a time, and needs twice as many", data, images, base.ID, scale.Batch)}
	}
	text, queue, err := overrides(base, x, size)
	if err != nil {
		return nil, nil, err
	}
	catalogue, mine, err := withTier(d.Catalogue, text)
	if err != nil {
		return nil, nil, UsageError{fmt.Errorf("--data %s: tier %s: %w", data, base.ID, err)}
	}
	if usual := scale.Encoder.Size; size != usual {
		o.say("assumed: the tier's settings are for images of %dx%d pixels, and are taken for these as they are", usual, usual)
	}
	views := ""
	if x.Height > size {
		views = fmt.Sprintf(", of which it sees %d,", size)
	}
	o.say("assumed: tier %s with images of %dx%d pixels%s %d steps of %d images (%.1f epochs), %d seeds", base.ID, x.Width, x.Height, cmp.Or(views, ","),
		scale.Steps, scale.Batch, float64(scale.Steps*scale.Batch)/float64(images), base.Seeds)
	o.say("assumed: %d classes, so that 1/C is %.2g%%, and %s", len(x.Classes), 100/float64(len(x.Classes)), treeOf(x))
	o.say("assumed: %d negatives a query%s", mine.Train.Scale().Negatives, queue)
	return catalogue, mine, nil
}

// imported is a set by its name, or what lies at a path, which is imported unless a set of its name is there.
func (d Data) imported(ctx context.Context, data string, o ImportOptions) (*shards.Index, error) {
	o.Name = nameOf(data)
	x, err := d.Index(o.Name)
	if _, absent := os.Stat(data); errors.Is(err, fs.ErrNotExist) && absent == nil {
		return d.Import(ctx, data, o)
	} else if err == nil && absent == nil {
		o.say("data set %s is imported already: it is taken, and not %s", o.Name, data)
	}
	return x, err
}

// nameOf is the name under which what lies at a path is imported.
func nameOf(at string) string {
	name := strings.ToLower(filepath.Base(filepath.Clean(at)))
	for _, extension := range []string{".zip", ".tgz", ".gz", ".tar"} {
		name = strings.TrimSuffix(name, extension)
	}
	return name
}

// overrides is the file of a tier on other data, of which its encoder sees so many pixels a side. A queue that would hold most of the images at once, and so the query's
// own, is made shorter.
func overrides(base *bench.Tier, x *shards.Index, size int) (text []byte, queue string, err error) {
	file := map[string]any{
		"from": base.ID, "id": strings.ReplaceAll(x.Name, "_", "-") + "-" + base.ID, "dataset": x.Name, "title": x.Name + ", at the scale of tier " + base.ID,
		"caveat": fmt.Sprintf("Your data set %s - %d training images of %dx%d pixels, %d classes - at the scale of tier %s. It shows whether the claims hold for these images with that network and length of training.",
			x.Name, len(x.Train.Labels), x.Width, x.Height, len(x.Classes), base.ID),
	}
	var settings map[string]any
	if text, err = json.Marshal(base.Train); err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		return nil, "", err
	}
	half, scale, train := len(x.Train.Labels)/2, base.Train.Scale(), map[string]any{}
	if size != scale.Encoder.Size {
		train["encoder"] = map[string]any{"size": size}
	}
	if settings["apart"] == true { // whole batches at either end of an epoch
		half -= 2 * scale.Batch
	}
	if _, ok := settings["queue"]; ok && scale.Negatives > half {
		train["queue"] = half / scale.Batch * scale.Batch
		queue = fmt.Sprintf(", in place of %d: half the training images, or a query would often meet itself", scale.Negatives)
	}
	if len(train) > 0 {
		file["train"] = train
	}
	text, err = yaml.Marshal(file)
	return text, queue, err
}

// treeOf says in words what the class tree of a set is.
func treeOf(x *shards.Index) string {
	if hasMeaning(&x.Tree, len(x.Classes)) {
		return fmt.Sprintf("a class tree of %d nodes", x.Tree.Len())
	}
	return "no class tree, so that nothing is said of meaning"
}
