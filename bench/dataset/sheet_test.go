package dataset

import (
	"bytes"
	"flag"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// The picture in the documentation must show the data as they are. Pixels are compared and not the file, as the
// PNG encoder may change with the Go release.
func TestContactSheet(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "glyphs.png")
	got, err := Sheet(glyphsSmall(), 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		var file bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&file, got); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() || !bytes.Equal(pixels(got), pixels(want)) {
		t.Errorf("%s no longer shows the data: look at the change, then run go test ./bench/dataset -update", path)
	}
}

func pixels(m image.Image) []uint8 {
	flat := image.NewNRGBA(m.Bounds())
	draw.Draw(flat, flat.Bounds(), m, m.Bounds().Min, draw.Src)
	return flat.Pix
}
