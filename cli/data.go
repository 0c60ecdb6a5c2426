package cli

import (
	"cmp"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

// dataEnv names the environment variable for the default of --data-dir.
const dataEnv = "CIDBENCH_DATA"

// addDataDir adds the flag of commands that may read imported data sets.
func (a *app) addDataDir(cmd *cobra.Command) {
	usual := filepath.Join(".cidbench", "data")
	if cache, err := os.UserCacheDir(); err == nil {
		usual = filepath.Join(cache, "cidbench", "data")
	}
	usual = cmp.Or(a.env(dataEnv), usual)
	cmd.Flags().StringVar(&a.DataDir, "data-dir", usual, "where imported data sets lie (environment: "+dataEnv+")")
}

func newData(a *app) *cobra.Command {
	held := []*cobra.Command{newDataLs(a), newDataFetch(a), newDataImport(a), newDataVerify(a), newDataShow(a)}
	for _, cmd := range held {
		a.addDataDir(cmd)
		a.addJSON(cmd)
	}
	return group(&cobra.Command{
		Use:   "data",
		Short: "List, fetch, import, verify and show data sets",
		Long: `Data sets of pictures are imported once, into shards of uint8 pixels in the data directory, and read by index
from there. What is published is fetched by a pinned digest; ImageNet and pictures of your own are imported from
where they lie. Every run's key has the digest of its data set.`,
	}, held...)
}

func (a *app) data() study.Data { return study.Data{Catalogue: a.Catalogue, Dir: a.DataDir} }

func newDataLs(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List known and imported data sets, and what is complete",
		RunE: func(*cobra.Command, []string) error {
			all, err := a.data().List()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON("datasets", all)
			}
			var rows [][]string
			for _, d := range all {
				rows = append(rows, []string{d.Name, string(d.State), about(d)})
			}
			a.printTable(rows)
			return nil
		},
	}
}

func about(d study.DataSet) string {
	switch {
	case d.State == study.Imported:
		return fmt.Sprintf("%d training and %d test images, %dx%d, %d classes, in %s", d.Train, d.Test, d.Width, d.Height, d.Classes, d.Path)
	case d.State == study.Damaged:
		return d.Problem
	case d.Begun > 0:
		return fmt.Sprintf("fetch goes on from %s: %s", megabytes(d.Begun, d.Bytes), d.URL)
	case d.URL != "":
		return "fetch it: " + d.URL
	}
	return d.From
}

// addImport adds the flags that fetch and import share.
func (a *app) addImport(cmd *cobra.Command, o *study.ImportOptions) {
	f := cmd.Flags()
	f.BoolVar(&o.SkipBad, "skip-bad", false, "leave out files that give no image, and duplicates, rather than fail; they are listed in the index")
	f.IntVar(&o.Workers, "workers", 0, "pictures decoded at a time (default: one for each processor)")
	f.StringVar(&o.WordNet, "wordnet", study.WordNet, "folder of WordNet 3.0, for class trees of synsets and nouns")
	o.Progress, o.Say = a.counter("decoded"), a.Say
}

func newDataFetch(a *app) *cobra.Command {
	var o study.FetchOptions
	cmd := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Download a published data set, by its pinned digest, and import it",
		Long: `Downloads the archive of a data set into the data directory, checks it against the digest that the catalogue
pins, and imports it. A download that was cut goes on where it was.`,
		Example: a.examples("data fetch cifar10", "data fetch cifar10 --from cifar-10-binary.tar.gz"),
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Client.Say, o.Client.Progress = a.Say, a.downloaded(args[0])
			x, err := a.data().Fetch(cmd.Context(), args[0], o)
			return a.printImported(x, err)
		},
	}
	cmd.Flags().StringArrayVar(&o.Mirrors, "mirror", nil, "address of the same archive, tried before the official one (repeatable)")
	cmd.Flags().StringVar(&o.From, "from", "", "the archive as a file; nothing is downloaded")
	cmd.MarkFlagsMutuallyExclusive("mirror", "from")
	a.addImport(cmd, &o.ImportOptions)
	return cmd
}

// downloaded shows how far a download is: a line every few seconds, on stderr.
func (c *Console) downloaded(name string) func(done, total int64) {
	last := time.Now()
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) >= 5*time.Second {
			last = now
			c.Say(name + ": " + megabytes(done, total))
		}
	}
}

// megabytes spells so many bytes of a total, which is 0 if it is not known.
func megabytes(done, total int64) string {
	if total > 0 {
		return fmt.Sprintf("%.1f of %.1f MB", float64(done)/1e6, float64(total)/1e6)
	}
	return fmt.Sprintf("%.1f MB", float64(done)/1e6)
}

func newDataImport(a *app) *cobra.Command {
	var o study.ImportOptions
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Import class folders, ImageNet's tars, idx files, archives",
		Long: `Imports a folder, zip, tar or tar.gz. In it are class folders of JPEG, PNG, GIF or WebP pictures, alone or in
folders train and test (or val); or ImageNet's tars; or idx files as of MNIST; or CIFAR's binary version, or
Tiny-ImageNet. Without a test part, a fifth of each class is for testing, chosen by content.

Of each picture the central square is brought to --size by a Catmull-Rom filter. EXIF rotation of JPEG is applied, CMYK turned
into RGB, transparency laid on white, and a wrong extension ignored; the index says where. A file that gives no
image - truncated, undecodable, empty, animated, huge - and a file with the content of another fail the import, unless
--skip-bad leaves them out; of duplicates in two classes none is kept.`,
		Example: a.examples("data import photos --size 32 --tree tree.txt", "data import ILSVRC2012 --name imagenet100 --skip-bad",
			"data import ILSVRC2012 --name dogs --classes dogs.txt --skip-bad"),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := a.data().Import(cmd.Context(), args[0], o)
			return a.printImported(x, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", "", "name of the data set (default: that of the folder)")
	f.IntVar(&o.Side, "size", 0, fmt.Sprintf("height and width of the images in pixels (default: the catalogue's for the data set of that name, that of raw pixels, or %d)", study.DefaultSide))
	f.StringVar(&o.Classes, "classes", "", "file with the classes to take, a folder's name a line, and after a tab its synset or noun in WordNet, if that is another (default: all, or those that the catalogue has for the data set of that name)")
	f.StringVar(&o.Tree, "tree", "", "class tree: wordnet, flat, or a file, indented text or JSON (default: wordnet for synsets, flat otherwise)")
	f.BoolVar(&o.Replace, "replace", false, "replace an imported data set of that name")
	a.addImport(cmd, &o)
	return cmd
}

// shownFindings is what text output shows of each kind.
const shownFindings = 5

func (a *app) printImported(x *shards.Index, err error) error {
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON("dataset", details(x))
	}
	a.printf("%s: %d training and %d test images, %dx%d pixels, %d classes\n", x.Name, len(x.Train.Labels), len(x.Test.Labels), x.Width, x.Height, len(x.Classes))
	a.printf("digest %s\n", x.Digest)
	a.printFindings("left out", x.LeftOut)
	a.printFindings("noted", x.Noted)
	for _, n := range x.Notices {
		a.printf("beside it: %s\n", store.Printable(n.File))
	}
	return nil
}

func (a *app) printFindings(verb string, findings []shards.Finding) {
	kinds := map[string][]string{}
	var order []string
	for _, f := range findings {
		if kinds[f.What] == nil {
			order = append(order, f.What)
		}
		kinds[f.What] = append(kinds[f.What], f.File)
	}
	slices.Sort(order)
	for _, kind := range order {
		names := kinds[kind]
		more := ""
		if len(names) > shownFindings {
			more = ", ..."
		}
		a.printf("%s: %d %s: %s%s\n", verb, len(names), kind, store.Printable(strings.Join(names[:min(shownFindings, len(names))], ", ")), more)
	}
}

// detail is an index for people and machines: counts in the place of labels.
type detail struct {
	Name    string           `json:"name"`
	From    string           `json:"from"`
	Reader  string           `json:"reader"`
	Archive string           `json:"archive,omitempty"`
	Digest  string           `json:"digest"`
	Content string           `json:"content"`
	Height  int              `json:"height"`
	Width   int              `json:"width"`
	Classes []classCount     `json:"classes"`
	Sizes   *shards.Sizes    `json:"sizes,omitempty"`
	LeftOut []shards.Finding `json:"leftOut,omitempty"`
	Noted   []shards.Finding `json:"noted,omitempty"`
	Notices []shards.Notice  `json:"notices,omitempty"`
}

type classCount struct {
	Name  string `json:"name"`
	Tree  string `json:"tree"` // name in the class tree
	Train int    `json:"train"`
	Test  int    `json:"test"`
}

func details(x *shards.Index) detail {
	d := detail{
		Name: x.Name, From: x.From, Reader: x.Reader, Archive: x.Archive, Digest: x.Digest, Content: x.Content,
		Height: x.Height, Width: x.Width, Sizes: x.Sizes, LeftOut: x.LeftOut, Noted: x.Noted, Notices: x.Notices,
	}
	train, test := x.Train.Counts(len(x.Classes)), x.Test.Counts(len(x.Classes))
	for label, name := range x.Classes {
		d.Classes = append(d.Classes, classCount{name, x.Tree.Name(x.Tree.Leaf(label)), train[label], test[label]})
	}
	return d
}

func newDataVerify(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Compare all of the imported data sets with their digests",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			verified, err := a.data().Verify(args)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON("verified", verified)
			}
			for _, d := range verified {
				a.printf("%s is whole: %s\n", d.Name, d.Digest)
			}
			return nil
		},
	}
}

func newDataShow(a *app) *cobra.Command {
	var sheet string
	var asCroissant bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show counts, sizes, what was left out; or a contact sheet",
		Long: `Shows what was imported: counts per class, sizes, what was left out. With --croissant it describes any set,
also such as the program draws, in the format of that name, which others' tools read (JSON).`,
		Example: a.examples("data show photos", "data show photos --sheet photos.png", "data show glyphs --croissant"),
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if asCroissant {
				text, err := a.data().Croissant(args[0])
				if err == nil {
					_, err = a.Stdout.Write(text)
				}
				return err
			}
			if sheet != "" {
				if err := a.sheet(args[0], sheet); err != nil {
					return err
				}
				if s := a.Catalogue.Dataset(args[0]); s != nil && s.Import == nil {
					return nil // drawn by the program: nothing was imported that could be told
				}
			}
			x, err := a.data().Index(args[0])
			if err != nil {
				return err
			}
			d := details(x)
			if a.json {
				return a.printJSON("dataset", d)
			}
			if err := a.printImported(x, nil); err != nil {
				return err
			}
			if s := d.Sizes; s != nil {
				a.printf("pictures of %d to %d pixels in width, %d to %d in height; %d brought to %dx%d\n", s.MinWidth, s.MaxWidth, s.MinHeight, s.MaxHeight, s.Resized, d.Width, d.Height)
			}
			rows := [][]string{{"class", "in the tree", "training", "test"}}
			for _, c := range d.Classes {
				rows = append(rows, []string{store.Printable(c.Name), store.Printable(c.Tree), strconv.Itoa(c.Train), strconv.Itoa(c.Test)})
			}
			a.printTable(rows)
			return nil
		},
	}
	cmd.Flags().StringVar(&sheet, "sheet", "", "PNG file to draw: two training images of each class, up to 200 classes")
	cmd.Flags().BoolVar(&asCroissant, "croissant", false, "describe the set in Croissant's format")
	cmd.MarkFlagsMutuallyExclusive("croissant", "sheet")
	return cmd
}

// sheet draws a contact sheet.
func (a *app) sheet(name, file string) error {
	picture, err := a.data().Sheet(name)
	if err != nil {
		return err
	}
	return a.write("--sheet", file, func(w io.Writer) error { return png.Encode(w, picture) })
}
