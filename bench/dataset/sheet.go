package dataset

import (
	"image"
	"image/color"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

const (
	// sheetColumns is the most classes in a row of a contact sheet, sheetClasses the most on it.
	sheetColumns = 10
	sheetClasses = 200
)

// Sheet pictures the training set: rows for each superclass, in them the classes by label, the first 200, and of each
// class its first perClass images. Each pixel becomes zoom x zoom pixels; a pale line parts the images, a wider one the
// classes. A class with fewer images leaves gaps.
func Sheet(d *Dataset, perClass, zoom int) (image.Image, error) {
	const gap, classGap = 1, 6
	rows, columns, cell := place(d)
	stepX, stepY := perClass*(d.Width*zoom+gap)+classGap, d.Height*zoom+classGap
	sheet := image.NewRGBA(image.Rect(0, 0, columns*stepX+classGap, rows*stepY+classGap))
	for i := range sheet.Pix {
		sheet.Pix[i] = 0xf4
	}
	pixels := d.Train.Buffer()
	shown := make([]int, len(cell))
	for i, label := range d.Train.Labels {
		if int(label) >= len(cell) || shown[label] == perClass {
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

// place gives each class a cell: the last row of its superclass, and the next free column there.
func place(d *Dataset) (rows, columns int, cell []image.Point) {
	rowOf := map[int]int{}
	var used []int
	for label := range min(len(d.Classes), sheetClasses) {
		superclass := taxonomy.Superclass(d.Tree, label)
		row, ok := rowOf[superclass]
		if !ok || used[row] == sheetColumns {
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
