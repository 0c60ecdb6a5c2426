package study

import (
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
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Yours is the catalogue with a tier on a user's own pictures: those of a tier that is there, at its scale. Data is the
// name of an imported set, or a path, which is imported at the size of the tier's images unless a set of its name is
// there. What was assumed is told to o.Say, a sentence at a time. Errors: UsageError; those of Data.Import.
func (d Data) Yours(ctx context.Context, data, tier string, o ImportOptions) (*bench.Catalogue, *bench.Tier, error) {
	base := d.Catalogue.Tier(tier)
	if base == nil {
		return nil, nil, UsageError{bench.Unknown("tier", tier, TierIDs(d.Catalogue))}
	}
	scale := base.Train.Scale()
	o.Name, o.Side = nameOf(data), scale.Encoder.Size
	x, err := d.Index(o.Name)
	if _, absent := os.Stat(data); errors.Is(err, fs.ErrNotExist) && absent == nil {
		x, err = d.Import(ctx, data, o)
	} else if err == nil && absent == nil {
		o.say("data set %s is imported already: it is taken, and not %s", o.Name, data)
	}
	if err != nil {
		return nil, nil, err
	}
	if x.Height != o.Side || x.Width != o.Side {
		return nil, nil, UsageError{fmt.Errorf("--data %s: its images are %dx%d, and tier %s takes %d: import it with --size %d, or write a tier (tier show)", data, x.Width, x.Height, tier, o.Side, o.Side)}
	}
	images := len(x.Train.Labels)
	if images < 2*scale.Batch {
		return nil, nil, UsageError{fmt.Errorf("--data %s: %d training images; tier %s takes %d at a time, and needs twice as many", data, images, tier, scale.Batch)}
	}
	text, queue, err := overrides(base, x)
	if err != nil {
		return nil, nil, err
	}
	catalogue, mine, err := withTier(d.Catalogue, text)
	if err != nil {
		return nil, nil, UsageError{fmt.Errorf("--data %s: tier %s: %w", data, tier, err)}
	}
	o.say("assumed: tier %s with images of %dx%d pixels, %d steps of %d images (%.1f epochs), %d seeds", tier, o.Side, o.Side,
		scale.Steps, scale.Batch, float64(scale.Steps*scale.Batch)/float64(images), base.Seeds)
	o.say("assumed: %d classes, so that 1/C is %.2g%%, and %s", len(x.Classes), 100/float64(len(x.Classes)), treeOf(x))
	o.say("assumed: %d negatives a query%s", mine.Train.Scale().Negatives, queue)
	return catalogue, mine, nil
}

// nameOf is the name under which what lies at a path is imported.
func nameOf(at string) string {
	name := strings.ToLower(filepath.Base(filepath.Clean(at)))
	for _, extension := range []string{".zip", ".tgz", ".gz", ".tar"} {
		name = strings.TrimSuffix(name, extension)
	}
	return name
}

// overrides is the file of a tier on other data. A queue that would hold most of the images at once, and so the query's
// own, is made shorter.
func overrides(base *bench.Tier, x *shards.Index) (text []byte, queue string, err error) {
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
	half, scale := len(x.Train.Labels)/2, base.Train.Scale()
	if settings["apart"] == true { // whole batches at either end of an epoch
		half -= 2 * scale.Batch
	}
	if _, ok := settings["queue"]; ok && scale.Negatives > half {
		shorter := half / scale.Batch * scale.Batch
		file["train"] = map[string]any{"queue": shorter}
		queue = fmt.Sprintf(", in place of %d: half the training images, or a query would often meet itself", scale.Negatives)
	}
	text, err = yaml.Marshal(file)
	return text, queue, err
}

// treeOf says in words what the class tree of a set is.
func treeOf(x *shards.Index) string {
	for label := range x.Classes {
		if taxonomy.Superclass(&x.Tree, label) != 0 {
			return fmt.Sprintf("a class tree of %d nodes", x.Tree.Len())
		}
	}
	return "no class tree, so that nothing is said of meaning"
}
