// Package croissant describes data sets in the format of that name, version 1.0, which others' tools for data sets read.
package croissant

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
	"github.com/cidbench/cidbench/registry"
)

// context is the one of version 1.0.
//
//go:embed context.json
var context []byte

const (
	conformsTo = "http://mlcommons.org/croissant/1.0"
	// What the program draws is a part of it.
	programLicence = "https://spdx.org/licenses/MIT.html"
)

type metadata struct {
	Context      json.RawMessage `json:"@context"`
	Type         string          `json:"@type"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	ConformsTo   string          `json:"conformsTo"`
	Identifier   string          `json:"identifier"` // the set's digest, as in the keys of runs
	Live         bool            `json:"isLiveDataset"`
	URL          string          `json:"url,omitempty"`
	License      string          `json:"license,omitempty"`
	Distribution []fileObject    `json:"distribution,omitempty"`
	RecordSet    []recordSet     `json:"recordSet"`
}

type fileObject struct {
	Type           string `json:"@type"`
	ID             string `json:"@id"`
	Name           string `json:"name"`
	Description    string `json:"description"`
	ContentURL     string `json:"contentUrl"`
	ContentSize    string `json:"contentSize,omitempty"`
	EncodingFormat string `json:"encodingFormat"`
	SHA256         string `json:"sha256"`
}

type recordSet struct {
	Type        string           `json:"@type"`
	ID          string           `json:"@id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	DataType    string           `json:"dataType"`
	Key         reference        `json:"key"`
	Field       []field          `json:"field"`
	Data        []map[string]any `json:"data"` // by the ids of the fields
}

type reference struct {
	ID string `json:"@id"`
}

type field struct {
	Type     string `json:"@type"`
	ID       string `json:"@id"`
	Name     string `json:"name"`
	DataType string `json:"dataType"`
}

// Describe is the description of a set that has a digest and a tree (dataset.Source.Pin), as indented JSON: where it is
// from, its digest, its classes by label; and where index, which may be nil, says how it was imported, its parts with
// their numbers of images, and the shards with their digests. No image is read for that.
func Describe(s *dataset.Source, index *shards.Index) ([]byte, error) {
	m := metadata{
		Context: context, Type: "sc:Dataset", Name: s.Name, ConformsTo: conformsTo, Identifier: s.Digest,
		Description: fmt.Sprintf("Labelled images for contrastive learning: %s. cidbench identifies them as %s.", s.From, s.Digest),
		RecordSet:   []recordSet{classes(s.Tree())},
	}
	switch {
	case s.Import == nil:
		m.URL, m.License = registry.Home, programLicence
	case s.Import.URL != "":
		m.URL = s.Import.URL
		m.Distribution = append(m.Distribution, archive(s.Import))
	}
	if index != nil {
		m.Description += fmt.Sprintf(" They were imported as images of %dx%d pixels with %d channels.", index.Height, index.Width, dataset.Channels)
		m.RecordSet = append(m.RecordSet, splits(index))
		m.Distribution = append(m.Distribution, shardsOf(index)...)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	return append(text, '\n'), err
}

// archive is the file in which a set is published.
func archive(i *dataset.Import) fileObject {
	f := fileObject{
		Type: "cr:FileObject", ID: "archive", Name: path.Base(i.URL), Description: "the archive as it is published",
		ContentURL: i.URL, EncodingFormat: "application/gzip", SHA256: hex(i.Digest),
	}
	if strings.HasSuffix(i.URL, ".zip") {
		f.EncodingFormat = "application/zip"
	}
	if i.Bytes > 0 {
		f.ContentSize = fmt.Sprintf("%d B", i.Bytes)
	}
	return f
}

// shardsOf are the files that were imported, relative to the folder of the set.
func shardsOf(x *shards.Index) (all []fileObject) {
	for _, split := range []shards.Split{x.Train, x.Test} {
		for _, shard := range split.Shards {
			all = append(all, fileObject{
				Type: "cr:FileObject", ID: shard.File, Name: shard.File, ContentURL: shard.File, SHA256: hex(shard.Digest),
				Description:    fmt.Sprintf("%d images [%d, %d, %d] of uint8, one after the other, without a header", shard.Images, x.Height, x.Width, dataset.Channels),
				ContentSize:    fmt.Sprintf("%d B", shard.Images*x.Height*x.Width*dataset.Channels),
				EncodingFormat: "application/octet-stream",
			})
		}
	}
	return all
}

// classes are the labels with their names.
func classes(t taxonomy.Tree) recordSet {
	set := table("classes", "sc:Enumeration", "names of the classes, by label", "label", "sc:Integer", "name", "sc:Text")
	for label, name := range taxonomy.Classes(t) {
		set.Data = append(set.Data, map[string]any{"classes/label": label, "classes/name": name})
	}
	return set
}

// splits are the parts with their numbers of images.
func splits(x *shards.Index) recordSet {
	set := table("splits", "cr:Split", "parts of the set", "name", "sc:Text", "images", "sc:Integer")
	for _, part := range []struct {
		name   string
		images int
	}{{"train", len(x.Train.Labels)}, {"test", len(x.Test.Labels)}} {
		set.Data = append(set.Data, map[string]any{"splits/name": part.name, "splits/images": part.images})
	}
	return set
}

// table is a record set of two fields, by the first of which records are told apart.
func table(id, dataType, description, key, keyType, value, valueType string) recordSet {
	of := func(name, dataType string) field {
		return field{Type: "cr:Field", ID: id + "/" + name, Name: name, DataType: dataType}
	}
	return recordSet{
		Type: "cr:RecordSet", ID: id, Name: id, Description: description, DataType: dataType,
		Key: reference{id + "/" + key}, Field: []field{of(key, keyType), of(value, valueType)},
	}
}

// hex are the digits of a digest.
func hex(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
