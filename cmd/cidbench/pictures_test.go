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
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cidbench/cidbench/bench/taxonomy"
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

// cifar makes a folder in the format of CIFAR-10's binary version, with so many images of each class in each of its six
// files, no two alike: cifar DIR EACH.
func cifar(ts *testscript.TestScript, _ bool, args []string) {
	each, err := strconv.Atoi(args[1])
	ts.Check(err)
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o755))
	ts.Check(os.WriteFile(filepath.Join(folder, "batches.meta.txt"), []byte(strings.Join(taxonomy.Classes(taxonomy.CIFAR10()), "\n")+"\n"), 0o644))
	for file, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		var content []byte
		for i := range 10 * each {
			label := i % 10
			content = append(content, byte(label))
			for p := range 3 * 32 * 32 { // three planes
				content = append(content, byte(25*label+p*(1+label)/32+(file*each+i/10)*(p%7)))
			}
		}
		ts.Check(os.WriteFile(filepath.Join(folder, name+".bin"), content, 0o644))
	}
}
