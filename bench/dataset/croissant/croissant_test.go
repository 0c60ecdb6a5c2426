package croissant

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

func described(t *testing.T, s *dataset.Source, x *shards.Index) (m metadata) {
	t.Helper()
	text, err := Describe(s, x)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDescribe: a set that is drawn has its classes and no file, one that is published its archive, and one that was
// imported its shards and the numbers of images. That mlcroissant takes them is tested in cmd/cidbench.
func TestDescribe(t *testing.T) {
	digest := "sha256:" + strings.Repeat("c4", 32)
	drawn := described(t, &dataset.Source{Name: "glyphs", From: "drawn", Digest: digest, Tree: dataset.GlyphTree}, nil)
	if names := drawn.RecordSet[0].Data; drawn.Distribution != nil || drawn.License == "" || drawn.Identifier != digest || len(names) != 100 || names[99]["classes/label"] != 99.0 {
		t.Errorf("drawn: %+v", drawn)
	}
	published := &dataset.Source{
		Name: "cifar10", From: "Krizhevsky", Digest: digest + "/cifar10-v1", Tree: taxonomy.CIFAR10,
		Import: &dataset.Import{URL: "https://example.org/cifar-10-binary.tar.gz", Digest: digest, Bytes: 7},
	}
	m := described(t, published, nil)
	if f := m.Distribution; len(f) != 1 || f[0].ContentURL != published.Import.URL || f[0].SHA256 != digest[7:] || f[0].ContentSize != "7 B" || m.License != "" {
		t.Errorf("published: %+v", m)
	}
	m = described(t, published, &shards.Index{
		Height: 32, Width: 32, Train: shards.Split{Labels: make([]int32, 5), Shards: []shards.Shard{{File: "train-0.u8", Images: 5, Digest: digest}}},
		Test: shards.Split{Labels: make([]int32, 2)},
	})
	if f := m.Distribution; len(f) != 2 || f[1].ContentURL != "train-0.u8" || f[1].ContentSize != "15360 B" || f[1].SHA256 != digest[7:] {
		t.Errorf("shards: %+v", m.Distribution)
	}
	if s := m.RecordSet; len(s) != 2 || s[1].Data[0]["splits/images"] != 5.0 || s[1].Data[1]["splits/images"] != 2.0 {
		t.Errorf("parts: %+v", m.RecordSet)
	}
}
