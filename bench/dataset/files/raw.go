package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// cifarSide is the height and width of CIFAR's images, cifarPixels their bytes: planes of red, green and blue, each
// row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
const (
	cifarSide   = 32
	cifarPixels = 3 * cifarSide * cifarSide
)

// cifar10 reads the binary version of CIFAR-10: a record is a label and the pixels.
func (p *pile) cifar10() (*Set, error) {
	classes, err := p.lines("batches.meta.txt")
	if err != nil {
		return nil, err
	}
	if len(classes) != 10 {
		return nil, fmt.Errorf("%s: batches.meta.txt: %d names of classes; CIFAR-10 has 10", p.path, len(classes))
	}
	s := &Set{Reader: "cifar10-v1", Classes: classes, Height: cifarSide, Width: cifarSide, HasTest: true, unpack: interleave}
	const test = "test_batch.bin"
	used := []string{"batches.meta.txt", test}
	for i := 1; i <= 5; i++ {
		name := fmt.Sprintf("data_batch_%d.bin", i)
		if err := p.addCIFAR(s, name, 1, false); err != nil {
			return nil, err
		}
		used = append(used, name)
	}
	s.Others = p.others(used...)
	return s, p.addCIFAR(s, test, 1, true)
}

// cifar100 reads the binary version of CIFAR-100: a record is a coarse label, a fine label and the pixels.
func (p *pile) cifar100() (*Set, error) {
	classes, err := p.lines("fine_label_names.txt")
	if err != nil {
		return nil, err
	}
	if len(classes) != 100 {
		return nil, fmt.Errorf("%s: fine_label_names.txt: %d names of classes; CIFAR-100 has 100", p.path, len(classes))
	}
	s := &Set{Reader: "cifar100-v1", Classes: classes, Height: cifarSide, Width: cifarSide, HasTest: true, unpack: interleave}
	s.Others = p.others("fine_label_names.txt", "coarse_label_names.txt", "train.bin", "test.bin")
	if err := p.addCIFAR(s, "train.bin", 2, false); err != nil {
		return nil, err
	}
	return s, p.addCIFAR(s, "test.bin", 2, true)
}

// addCIFAR adds the records of a file; the last byte of a record's labels is that of its class.
func (p *pile) addCIFAR(s *Set, name string, labels int, test bool) error {
	content, err := p.read(name)
	if err != nil {
		return err
	}
	record := labels + cifarPixels
	if rest := len(content) % record; rest != 0 || len(content) == 0 {
		return fmt.Errorf("%s: %s: byte %d: %d bytes follow; want records of %d: is it truncated?", p.path, name, len(content)-rest, rest, record)
	}
	for i := range len(content) / record {
		r := content[i*record:][:record]
		label := int32(r[labels-1])
		if int(label) >= len(s.Classes) {
			return fmt.Errorf("%s: %s: byte %d: label %d; want 0 to %d", p.path, name, i*record+labels-1, label, len(s.Classes)-1)
		}
		if labels == 2 && r[0] >= 20 {
			return fmt.Errorf("%s: %s: byte %d: coarse label %d; want 0 to 19", p.path, name, i*record, r[0])
		}
		s.Images = append(s.Images, Image{Name: fmt.Sprintf("%s image %d", name, i), Label: label, Test: test, raw: r[labels:]})
	}
	return nil
}

// interleave turns planes [3, n] into pixels [n, 3].
func interleave(planes []uint8) []uint8 {
	n := len(planes) / 3
	pixels := make([]uint8, len(planes))
	for i := range n {
		pixels[3*i], pixels[3*i+1], pixels[3*i+2] = planes[i], planes[n+i], planes[2*n+i]
	}
	return pixels
}

// isIdx says whether a file's name is one of idx images, as MNIST's.
func isIdx(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, ".gz"), "-images-idx3-ubyte")
}

// idx reads files of images [n, height, width] or [n, height, width, 3] and their labels [n], in the format of MNIST
// (http://yann.lecun.com/exdb/mnist/): names begin with train for training, and with t10k or test for testing.
func (p *pile) idx() (*Set, error) {
	s := &Set{Reader: "idx-v1"}
	s.unpack = s.inColour
	most := int32(-1)
	var used []string
	for _, name := range p.names() {
		if !isIdx(name) {
			continue
		}
		test := strings.HasPrefix(name, "t10k") || strings.HasPrefix(name, "test")
		if !test && !strings.HasPrefix(name, "train") {
			return nil, fmt.Errorf("%s: %s: its name begins neither with train nor with t10k or test", p.path, name)
		}
		shape, pixels, err := p.idxFile(name, 3, 4)
		if err != nil {
			return nil, err
		}
		if height, width := shape[1], shape[2]; s.Height == 0 {
			s.Height, s.Width = height, width
		} else if s.Height != height || s.Width != width {
			return nil, fmt.Errorf("%s: %s: images of %dx%d, and of %dx%d in another file", p.path, name, height, width, s.Height, s.Width)
		}
		labelName := strings.Replace(name, "-images-idx3-", "-labels-idx1-", 1)
		count, labels, err := p.idxFile(labelName, 1, 1)
		if err != nil {
			return nil, err
		}
		if count[0] != shape[0] {
			return nil, fmt.Errorf("%s: %s: %d labels for %d images", p.path, labelName, count[0], shape[0])
		}
		used = append(used, name, labelName)
		size := len(pixels) / shape[0]
		for i := range shape[0] {
			most = max(most, int32(labels[i]))
			s.Images = append(s.Images, Image{Name: fmt.Sprintf("%s image %d", name, i), Label: int32(labels[i]), Test: test, raw: pixels[i*size:][:size]})
		}
		s.HasTest = s.HasTest || test
	}
	s.Others = p.others(used...)
	for label := range most + 1 {
		s.Classes = append(s.Classes, fmt.Sprint(label))
	}
	slices.SortStableFunc(s.Images, func(a, b Image) int { // t10k comes before train by name
		switch {
		case a.Test == b.Test:
			return 0
		case a.Test:
			return 1
		}
		return -1
	})
	return s, nil
}

// idxFile reads bytes with their shape, of so many dimensions.
func (p *pile) idxFile(name string, least, most int) (shape []int, values []uint8, err error) {
	content, err := p.read(name)
	if err != nil {
		return nil, nil, err
	}
	if strings.HasSuffix(name, ".gz") {
		if content, err = gunzip(bytes.NewReader(content), int64(len(content)), maxFile); err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", p.path, name, err)
		}
	}
	fail := func(at int, format string, args ...any) error {
		return fmt.Errorf("%s: %s: byte %d: %s", p.path, name, at, fmt.Sprintf(format, args...))
	}
	if len(content) < 4 || content[0] != 0 || content[1] != 0 || content[2] != 8 {
		return nil, nil, fail(0, "% x; want 00 00 08, the mark of idx with bytes", content[:min(4, len(content))])
	}
	dimensions := int(content[3])
	if dimensions < least || dimensions > most || len(content) < 4+4*dimensions {
		return nil, nil, fail(3, "%d dimensions in %d bytes; want %d to %d, and 4 bytes for each", dimensions, len(content), least, most)
	}
	values = content[4+4*dimensions:]
	total := int64(1)
	for i := range dimensions {
		n := binary.BigEndian.Uint32(content[4+4*i:])
		total *= int64(n)
		if n == 0 || total > maxFile {
			return nil, nil, fail(4+4*i, "a dimension of %d; %d bytes follow", n, len(values))
		}
		shape = append(shape, int(n))
	}
	if dimensions == 4 && shape[3] != 3 {
		return nil, nil, fail(16, "%d channels; want 3", shape[3])
	}
	if total != int64(len(values)) {
		return nil, nil, fail(4+4*dimensions, "%d bytes follow; %v of them are said to", len(values), shape)
	}
	return shape, values, nil
}

// inColour turns what an idx file holds of an image into pixels: a grey value stands three times.
func (s *Set) inColour(values []uint8) []uint8 {
	if len(values) == 3*s.Height*s.Width {
		return values
	}
	pixels := make([]uint8, 0, 3*len(values))
	for _, v := range values {
		pixels = append(pixels, v, v, v)
	}
	return pixels
}
