package dataset

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// The picture in the documentation must show the data as they are. Pixels are compared and not the file, as the
// PNG encoder may change with the Go release.
func TestContactSheet(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "glyphs.png")
	got, err := contactSheet(glyphsSmall(), 2, 2)
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

// contactSheet pictures the training set: a row for each superclass, in it the classes by label, and of each class
// its first perClass images. Each pixel becomes zoom x zoom pixels; a pale line parts the images, a wider one the
// classes. A class with fewer images leaves gaps.
func contactSheet(d *Dataset, perClass, zoom int) (image.Image, error) {
	const gap, classGap = 1, 6
	rows, columns, cell := place(d)
	stepX, stepY := perClass*(d.Width*zoom+gap)+classGap, d.Height*zoom+classGap
	sheet := image.NewRGBA(image.Rect(0, 0, columns*stepX+classGap, rows*stepY+classGap))
	for i := range sheet.Pix {
		sheet.Pix[i] = 0xf4
	}
	pixels := d.Train.Buffer()
	shown := make([]int, len(d.Classes))
	for i, label := range d.Train.Labels {
		if shown[label] == perClass {
			continue
		}
		left := classGap + cell[label].X*stepX + shown[label]*(d.Width*zoom+gap)
		top := classGap + cell[label].Y*stepY
		shown[label]++
		if err := d.Train.Read(i, pixels); err != nil {
			return nil, err
		}
		for y := range d.Height * zoom {
			for x := range d.Width * zoom {
				p := pixels[(y/zoom*d.Width+x/zoom)*Channels:]
				sheet.SetRGBA(left+x, top+y, color.RGBA{p[0], p[1], p[2], 0xff})
			}
		}
	}
	return sheet, nil
}

// place gives each class a cell: the row of its superclass, and the next free column there.
func place(d *Dataset) (rows, columns int, cell []image.Point) {
	rowOf := map[int]int{}
	var used []int
	for label := range d.Classes {
		superclass := taxonomy.Superclass(d.Tree, label)
		row, ok := rowOf[superclass]
		if !ok {
			row = len(used)
			rowOf[superclass] = row
			used = append(used, 0)
		}
		cell = append(cell, image.Pt(used[row], row))
		used[row]++
		columns = max(columns, used[row])
	}
	return len(used), columns, cell
}
