// Package tierfile writes tiers as YAML and reads them again, as overrides of a tier that the catalogue names.
package tierfile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/method"
	"github.com/cidbench/cidbench/bench/probe"
)

// file is a tier as it stands in a file; train has the settings of the method.
type file struct {
	From        string            `yaml:"from"`
	ID          string            `yaml:"id"`
	Title       string            `yaml:"title"`
	Caveat      string            `yaml:"caveat"`
	Machinery   bool              `yaml:"machinery"`
	Dataset     string            `yaml:"dataset"`
	Train       any               `yaml:"train"`
	Probe       probe.Protocol    `yaml:"probe"`
	Checkpoints []float64         `yaml:"checkpoints"`
	BandEvery   int               `yaml:"band_every"`
	Analysis    analysis.Protocol `yaml:"analysis"`
	Seeds       int               `yaml:"seeds"`
	NotTestable map[string]string `yaml:"not_testable"`
	Targets     []bench.Target    `yaml:"targets,omitempty"`
}

// Write gives a tier of the catalogue as a file: read again, it is the same tier.
func Write(t *bench.Tier) ([]byte, error) {
	return yaml.MarshalWithOptions(asFile(t), yaml.UseLiteralStyleIfMultiline(true))
}

func asFile(t *bench.Tier) file {
	return file{
		From: t.ID, ID: t.ID, Title: t.Title, Caveat: t.Caveat, Machinery: t.Machinery, Dataset: t.Dataset, Train: t.Train, Probe: t.Probe,
		Checkpoints: t.Checkpoints, BandEvery: t.BandEvery, Analysis: t.Analysis, Seeds: t.Seeds, NotTestable: t.NotTestable, Targets: t.Targets,
	}
}

// Read reads a tier from the text of a file. It says from which tier of the catalogue it comes, and what is otherwise;
// a list or a mapping of lists is given whole. A tier that differs has an id of its own, and on another data set a title and
// a caveat of its own, too; what is not testable there has to be said again. Targets are of one data set and recipe: where
// the data set, the training, the probe or the checkpoints are others, none are taken over. Errors name the place in the file.
func Read(text []byte, catalogue *bench.Catalogue) (*bench.Tier, error) {
	root, err := mapping(text)
	if err != nil {
		return nil, err
	}
	var from struct {
		From string `yaml:"from"`
	}
	if err := yaml.NodeToValue(root, &from); err != nil {
		return nil, err
	}
	base := catalogue.Tier(from.From)
	if base == nil {
		return nil, fmt.Errorf("from: %q: want the tier from which this one comes, one of %s", from.From, strings.Join(ids(catalogue), ", "))
	}
	f := asFile(base)
	given := map[string]bool{}
	var train ast.Node
	root.Values = slices.DeleteFunc(root.Values, func(v *ast.MappingValueNode) bool {
		key := v.Key.String()
		given[key] = true
		switch key {
		case "train":
			train = v.Value
		case "not_testable":
			f.NotTestable = nil // what is given replaces all of it
		}
		return key == "train"
	})
	if err := decode(root, reflect.ValueOf(&f)); err != nil {
		return nil, err
	}
	t := &bench.Tier{
		ID: f.ID, Title: f.Title, Caveat: f.Caveat, Machinery: f.Machinery, GPU: base.GPU, Recipe: base.Recipe, Dataset: f.Dataset, Train: base.Train, Probe: f.Probe,
		Checkpoints: f.Checkpoints, BandEvery: f.BandEvery, Analysis: f.Analysis, Seeds: f.Seeds, NotTestable: f.NotTestable, Targets: f.Targets,
	}
	if train != nil {
		settings := reflect.New(reflect.TypeOf(base.Train))
		settings.Elem().Set(reflect.ValueOf(base.Train))
		if err := decode(train, settings); err != nil {
			return nil, err
		}
		t.Train = settings.Elem().Interface().(method.Method)
	}
	if t.Dataset != base.Dataset {
		if !given["title"] || !given["caveat"] {
			return nil, fmt.Errorf("dataset: %s instead of %s: give title and caveat, since those of tier %s speak of the other", t.Dataset, base.Dataset, base.ID)
		}
		if !given["not_testable"] {
			t.NotTestable = nil
		}
	}
	if !given["targets"] && !sameRecipe(t, base) {
		t.Targets = nil
	}
	if len(t.Targets) == 0 {
		t.Targets = nil
	}
	if len(t.NotTestable) == 0 { // an empty list is none
		t.NotTestable = nil
	}
	if named := catalogue.Tier(t.ID); named != nil {
		if same(named, t) {
			return named, nil
		}
		return nil, fmt.Errorf("id: %s: that tier of the catalogue is another: give this one an id of its own", t.ID)
	}
	return t, errors.Join(t.Validate(), catalogue.CheckTargets(t))
}

// sameRecipe says whether a figure of one tier is one of the other, too.
func sameRecipe(a, b *bench.Tier) bool {
	return a.Dataset == b.Dataset && reflect.DeepEqual(a.Train, b.Train) && reflect.DeepEqual(a.Probe, b.Probe) && slices.Equal(a.Checkpoints, b.Checkpoints)
}

// same says whether tiers are alike in all that a file says of them; lists that are empty are like none.
func same(a, b *bench.Tier) bool {
	x, errX := Write(a)
	y, errY := Write(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// mapping parses a file, and refuses what has no settings.
func mapping(text []byte) (*ast.MappingNode, error) {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	var bodies []ast.Node
	for _, document := range parsed.Docs {
		if document.Body != nil {
			bodies = append(bodies, document.Body)
		}
	}
	if len(bodies) != 1 {
		return nil, fmt.Errorf("%d documents; want one", len(bodies))
	}
	switch body := bodies[0].(type) {
	case *ast.MappingNode:
		return body, nil
	case *ast.MappingValueNode: // a single setting
		return ast.Mapping(body.GetToken(), false, body), nil
	}
	return nil, errors.New("want settings, such as from: default")
}

// decode sets what a node gives in the value that to points to.
func decode(node ast.Node, to reflect.Value) error {
	if err := check(node, to.Type().Elem()); err != nil {
		return err
	}
	return yaml.NodeToValue(node, to.Interface(), yaml.Strict())
}

// check refuses what the decoder would take: fractions for whole numbers, which it cuts off, and references, with which
// a setting no longer stands where it counts.
func check(node ast.Node, to reflect.Type) error {
	at := func(format string, args ...any) error {
		position := node.GetToken().Position
		return fmt.Errorf("[%d:%d] %s", position.Line, position.Column, fmt.Sprintf(format, args...))
	}
	var errs []error
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, v := range node.Values {
			errs = append(errs, check(v, to))
		}
	case *ast.MappingValueNode:
		if field, ok := field(to, node.Key.String()); ok {
			return check(node.Value, field)
		}
	case *ast.SequenceNode:
		for _, v := range node.Values {
			if to.Kind() == reflect.Slice {
				errs = append(errs, check(v, to.Elem()))
			}
		}
	case *ast.FloatNode:
		if to.Kind() == reflect.Int || to.Kind() == reflect.Uint64 {
			return at("%s: want a whole number", node)
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return at("%s: want a value without anchors, references and tags", node)
	}
	return errors.Join(errs...)
}

// field is the type of what a key sets; false if nothing is known of it.
func field(of reflect.Type, key string) (reflect.Type, bool) {
	if of.Kind() == reflect.Map {
		return of.Elem(), true
	}
	if of.Kind() != reflect.Struct {
		return nil, false
	}
	for _, f := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml")+f.Tag.Get("json"), ",")
		if name == key {
			return f.Type, true
		}
	}
	return nil, false
}

func ids(c *bench.Catalogue) (all []string) {
	for _, t := range c.Tiers {
		all = append(all, t.ID)
	}
	return all
}
