package main

import (
	"errors"
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
	ts.Check(drawPictures(ts.MkAbs(args[0]), each, args[2:]...))
}

func drawPictures(dir string, each int, classes ...string) error {
	for class, name := range classes {
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for i := range each {
			m := image.NewNRGBA(image.Rect(0, 0, 40, 36))
			for p := range 40 * 36 {
				x, y := p%40, p/40
				m.SetNRGBA(x, y, color.NRGBA{uint8(60 * class), uint8(x * (i + 1)), uint8(y * (class + i%5)), 255})
			}
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%03d.png", i)))
			if err == nil {
				err = errors.Join(png.Encode(file, m), file.Close())
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
