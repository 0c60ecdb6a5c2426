package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// pictures makes class folders of PNG files, each class in its hue, no two pictures alike: pictures DIR EACH CLASS...
func pictures(ts *testscript.TestScript, _ bool, args []string) {
	each, err := strconv.Atoi(args[1])
	ts.Check(err)
	for class, name := range args[2:] {
		folder := filepath.Join(ts.MkAbs(args[0]), name)
		ts.Check(os.MkdirAll(folder, 0o755))
		for i := range each {
			m := image.NewNRGBA(image.Rect(0, 0, 40, 36))
			for p := range 40 * 36 {
				x, y := p%40, p/40
				m.SetNRGBA(x, y, color.NRGBA{uint8(60 * class), uint8(x * (i + 1)), uint8(y * (class + i%5)), 255})
			}
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%03d.png", i)))
			ts.Check(err)
			ts.Check(png.Encode(file, m))
			ts.Check(file.Close())
		}
	}
}
