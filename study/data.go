package study

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/fetch"
	"github.com/cidbench/cidbench/bench/dataset/files"
	"github.com/cidbench/cidbench/bench/dataset/importer"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// WordNet is where Debian puts it.
const WordNet = "/usr/share/wordnet"

// Data is a data directory with the catalogue that names some of the sets in it.
type Data struct {
	Catalogue *bench.Catalogue
	Dir       string
}

// A DataSet is one of the catalogue, or one that was imported.
type DataSet struct {
	Name    string    `json:"name"`
	From    string    `json:"from"`
	State   DataState `json:"state"`
	Digest  string    `json:"digest,omitempty"` // in the keys of runs
	URL     string    `json:"url,omitempty"`    // from which it can be fetched
	Path    string    `json:"path,omitempty"`
	Height  int       `json:"height,omitempty"`
	Width   int       `json:"width,omitempty"`
	Classes int       `json:"classes,omitempty"`
	Train   int       `json:"train,omitempty"` // images
	Test    int       `json:"test,omitempty"`
	LeftOut int       `json:"leftOut,omitempty"` // files
	Begun   int64     `json:"begun,omitempty"`   // bytes of its archive that a download left, and fetch goes on from
	Bytes   int64     `json:"bytes,omitempty"`   // of the whole archive, if known
	Problem string    `json:"problem,omitempty"`
}

// DataState says whether a set can be used.
type DataState string

// The states.
const (
	Drawn    DataState = "drawn"    // by the program: it needs no files
	Imported DataState = "imported" // its shards have the lengths that they should
	Absent   DataState = "absent"
	Damaged  DataState = "damaged"
)

// List lists the sets of the catalogue, then others that were imported.
func (d Data) List() ([]DataSet, error) {
	var all []DataSet
	imported, err := shards.List(d.Dir)
	if err != nil {
		return nil, err
	}
	for _, s := range d.Catalogue.Datasets {
		all = append(all, d.describe(s))
		imported = slices.DeleteFunc(imported, func(name string) bool { return name == s.Name })
	}
	for _, name := range imported {
		all = append(all, d.describe(&dataset.Source{Name: name, Import: &dataset.Import{}}))
	}
	return all, nil
}

func (d Data) describe(s *dataset.Source) DataSet {
	about := DataSet{Name: s.Name, From: s.From, Digest: s.Digest, State: Drawn}
	if s.Import == nil {
		return about
	}
	about.URL, about.State = s.Import.URL, Absent
	x, err := shards.ReadIndex(d.Dir, s.Name)
	if err == nil {
		_, err = x.Open(d.Dir)
	}
	if err == nil && s.Digest != "" && x.Digest != s.Digest {
		err = fmt.Errorf("%w: %s", dataset.ErrDigest, x.Digest)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && x == nil:
		if about.URL != "" {
			about.Begun, about.Bytes = fetch.Begun(d.download(s)), s.Import.Bytes
		}
		return about
	case err != nil:
		about.State, about.Problem = Damaged, err.Error()
		return about
	}
	return DataSet{
		Name: s.Name, From: x.From, State: Imported, Digest: x.Digest, URL: about.URL, Path: filepath.Join(d.Dir, s.Name),
		Height: x.Height, Width: x.Width, Classes: len(x.Classes), Train: len(x.Train.Labels), Test: len(x.Test.Labels), LeftOut: len(x.LeftOut),
	}
}

// download is where the archive of a set is downloaded to.
func (d Data) download(s *dataset.Source) string {
	return filepath.Join(d.Dir, ".downloads", path.Base(s.Import.URL))
}

// FetchOptions say from where a set comes.
type FetchOptions struct {
	Mirrors []string // addresses to try before that of the catalogue
	From    string   // a file that is there; nothing is downloaded then
	Client  fetch.Client
	ImportOptions
}

// Fetch downloads a set of the catalogue and imports it. A set that is there already is left alone. Errors: UsageError;
// those of packages fetch and importer.
func (d Data) Fetch(ctx context.Context, name string, o FetchOptions) (*shards.Index, error) {
	s := d.Catalogue.Dataset(name)
	switch {
	case s == nil:
		return nil, UsageError{bench.Unknown("data set", name, ids(d.Catalogue.Datasets, func(s *dataset.Source) string { return s.Name }))}
	case s.Import == nil:
		return nil, UsageError{fmt.Errorf("data set %s is drawn by the program: there is nothing to fetch", name)}
	case s.Import.URL == "" && o.From == "":
		return nil, UsageError{fmt.Errorf("data set %s (%s) cannot be fetched: get it there, then `data import PATH --name %s`", name, s.From, name)}
	}
	if d.describe(s).State == Imported {
		return shards.ReadIndex(d.Dir, name)
	}
	file := o.From
	if file == "" {
		file = d.download(s)
		urls := append(slices.Clone(o.Mirrors), s.Import.URL)
		if err := o.Client.Get(ctx, fetch.File{URLs: urls, Digest: s.Import.Digest, Bytes: s.Import.Bytes}, file); err != nil {
			return nil, err
		}
	} else if s.Import.Digest != "" {
		if err := fetch.Is(file, s.Import.Digest); err != nil {
			return nil, err
		}
	}
	o.Name = name
	return d.Import(ctx, file, o.ImportOptions)
}

// ImportOptions say what becomes of files.
type ImportOptions struct {
	Name    string // in the data directory; "": that of the folder or file
	Side    int    // pixels; 0: the catalogue's for a set of that name, raw pixels as they are, or DefaultSide
	Classes string // a file that chooses classes, one a line; "": the catalogue's for a set of that name, or all
	Tree    string // "wordnet", "flat" or a file; "": the catalogue's, WordNet's for synsets, or flat
	WordNet string // its folder
	SkipBad bool
	Replace bool
	Workers int // 0: one for each processor
	// Progress is told of images decoded, Say of what was chosen.
	Progress func(done, total int)
	Say      func(string)
}

// DefaultSide is that of tiers that train on a CPU.
const DefaultSide = 32

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// Import turns what lies at a path into shards. Errors: UsageError; dataset.ErrFiles; those of package taxonomy.
func (d Data) Import(ctx context.Context, at string, o ImportOptions) (*shards.Index, error) {
	if o.Name == "" {
		o.Name = nameOf(at)
	}
	known := d.Catalogue.Dataset(o.Name)
	switch {
	case !validName.MatchString(o.Name):
		return nil, UsageError{fmt.Errorf("--name %q: a name is made of a-z, 0-9, dot, dash and underscore", o.Name)}
	case known != nil && known.Import == nil:
		return nil, UsageError{fmt.Errorf("--name %s: that data set is drawn by the program", o.Name)}
	case o.Side < 0 || o.Side > 4096:
		return nil, UsageError{fmt.Errorf("--size %d: want 1 to 4096 pixels", o.Side)}
	}
	if err := CheckWorkers("--workers", o.Workers); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(d.Dir, o.Name)); err == nil && !o.Replace {
		return nil, UsageError{fmt.Errorf("there is a data set %s in %s already: give another --name, or --replace", o.Name, d.Dir)}
	}
	chosen, err := readClasses(o.Classes)
	if err != nil {
		return nil, err
	}
	if known != nil && known.Import.Classes != nil {
		if chosen.folders != nil {
			return nil, UsageError{fmt.Errorf("--classes: %s has %d classes of its own: give another --name", o.Name, len(known.Import.Classes))}
		}
		chosen.folders = known.Import.Classes
	}
	set, err := files.Open(at, chosen.folders)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	run := importer.Options{
		Dir: d.Dir, Name: o.Name, From: "imported by its user", Side: o.Side, SkipBad: o.SkipBad, Progress: o.Progress, Workers: o.Workers,
	}
	if info, err := os.Stat(at); err == nil && info.Mode().IsRegular() {
		if run.Archive, err = dataset.FileDigest(at); err != nil {
			return nil, err
		}
	}
	if run.Workers == 0 {
		run.Workers = runtime.GOMAXPROCS(0)
	}
	if known != nil {
		run.From, run.Digest = known.From, known.Digest
		run.Published = run.Archive != "" && run.Archive == known.Import.Digest
		if run.Side == 0 {
			run.Side = known.Import.Side
		}
	}
	if run.Side == 0 && !set.Raw() {
		run.Side = DefaultSide
		o.say("pictures are brought to %dx%d pixels: --size gives another", DefaultSide, DefaultSide)
	}
	if run.Tree, err = o.tree(known, set, chosen); err != nil {
		return nil, err
	}
	return importer.Run(ctx, set, run)
}

func (o ImportOptions) say(format string, args ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, args...))
	}
}

// tree finds the class tree. The classes of idx files have numbers alone: a tree of the catalogue gives their names.
func (o ImportOptions) tree(known *dataset.Source, set *files.Set, chosen classes) (taxonomy.Tree, error) {
	meanings := set.Classes
	if chosen.meanings != nil {
		meanings = chosen.meanings
	}
	synsets := !slices.ContainsFunc(meanings, func(name string) bool { return !taxonomy.IsSynset(name) })
	switch {
	case o.Tree == "" && known != nil && known.Tree != nil:
		t := known.Tree()
		if t.Leaves() != len(set.Classes) {
			return nil, fmt.Errorf("%w: %d classes; %s has %d", dataset.ErrFiles, len(set.Classes), known.Name, t.Leaves())
		}
		return t, nil
	case o.Tree == "wordnet", o.Tree == "" && (synsets || known != nil && known.Import.WordNet):
		return taxonomy.OpenWordNet(o.WordNet, meanings)
	case o.Tree == "", o.Tree == "flat":
		o.say("all classes hang below one root, so that none are near in meaning: --tree gives another tree")
		return taxonomy.Flat(o.Name, set.Classes...), nil
	}
	t, err := taxonomy.ReadFile(o.Tree, set.Classes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = UsageError{fmt.Errorf("--tree: %w", err)}
	}
	return t, err
}

// classes are those that a user chose: their folders, and for WordNet the synsets or nouns that they mean.
type classes struct{ folders, meanings []string }

// readClasses reads a file with a class a line, by the name of its folder; after a tab may stand the synset or noun that
// it means.
func readClasses(file string) (c classes, err error) {
	if file == "" {
		return c, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	return parseClasses(file, string(text))
}

func parseClasses(file, text string) (c classes, err error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		folder, meaning, ok := strings.Cut(line, "\t")
		if !ok {
			meaning = folder
		}
		if strings.TrimSpace(meaning) == "" || strings.Contains(meaning, "\t") {
			return c, UsageError{fmt.Errorf("--classes: %s:%d: want the name of a class, and if it means another one in WordNet a tab and that", file, number)}
		}
		c.folders = append(c.folders, folder)
		c.meanings = append(c.meanings, strings.TrimSpace(meaning))
	}
	if len(c.folders) == 0 {
		return c, UsageError{fmt.Errorf("--classes: %s names no class", file)}
	}
	return c, nil
}

// Index is what there is to say of an imported set. Errors: UsageError if the program draws it; those of
// shards.ReadIndex.
func (d Data) Index(name string) (*shards.Index, error) {
	if s := d.Catalogue.Dataset(name); s != nil && s.Import == nil {
		return nil, UsageError{fmt.Errorf("data set %s is drawn by the program, and not imported", name)}
	}
	if !validName.MatchString(name) {
		return nil, UsageError{fmt.Errorf("unknown data set %q: `data ls` lists them", name)}
	}
	return shards.ReadIndex(d.Dir, name)
}

// Verify reads all of the named sets, or of all that were imported. Errors: NothingError if none was; dataset.ErrDigest.
func (d Data) Verify(names []string) (verified []DataSet, err error) {
	if len(names) == 0 {
		if names, err = shards.List(d.Dir); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, NothingError(fmt.Sprintf("no data set was imported into %s", d.Dir))
	}
	for _, name := range names {
		x, err := d.Index(name)
		if err != nil {
			return nil, err
		}
		if _, err := shards.Verify(d.Dir, name); err != nil {
			return nil, err
		}
		s := x.Source()
		if known := d.Catalogue.Dataset(name); known != nil {
			s = known
		}
		about := d.describe(s)
		if about.State != Imported {
			return nil, fmt.Errorf("data set %s: %w: %s", name, dataset.ErrDigest, about.Problem)
		}
		verified = append(verified, about)
	}
	return verified, nil
}

// Sheet is the contact sheet of a set: two images of each class, at their size or, small ones, at twice that.
func (d Data) Sheet(name string) (image.Image, error) {
	s := d.Catalogue.Dataset(name)
	if s == nil || s.Digest == "" {
		x, err := d.Index(name)
		if err != nil {
			return nil, err
		}
		s = x.Source()
	}
	data, err := s.Open(d.Dir)
	if err != nil {
		return nil, err
	}
	zoom := 2
	if data.Width > 64 {
		zoom = 1
	}
	return dataset.Sheet(data, 2, zoom)
}
