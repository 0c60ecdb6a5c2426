package pictures

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files in testdata show one picture of 48x32 pixels, as Pillow 13 writes it.
func read(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func decode(t *testing.T, name string, side int) *Picture {
	t.Helper()
	p, err := Decode(name, read(t, name), side)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// apart is the mean distance of values.
func apart(a, b []uint8) (mean float64) {
	for i := range a {
		mean += max(float64(a[i])-float64(b[i]), float64(b[i])-float64(a[i])) / float64(len(a))
	}
	return mean
}

func TestFormatsShowTheSame(t *testing.T) {
	want := decode(t, "plain.jpg", 16)
	if want.Width != 48 || want.Height != 32 || len(want.Pixels) != 16*16*3 || want.Notes != nil {
		t.Fatalf("%dx%d, %d values, %v", want.Width, want.Height, len(want.Pixels), want.Notes)
	}
	for name, notes := range map[string][]Note{"cmyk.jpg": {CMYK}, "plain.webp": nil} {
		if got := decode(t, name, 16); apart(got.Pixels, want.Pixels) > 12 || !slices.Equal(got.Notes, notes) {
			t.Errorf("%s: values are apart by %.1f, notes %q", name, apart(got.Pixels, want.Pixels), got.Notes)
		}
	}
	grey := decode(t, "grey.jpg", 16).Pixels
	for i := 0; i < len(grey); i += 3 {
		if grey[i] != grey[i+1] || grey[i] != grey[i+2] {
			t.Fatalf("pixel %d of a grey picture is %v", i/3, grey[i:i+3])
		}
	}
}

// TestGoldenPixels holds the pixels to their version: data sets are identified by it. Another Go release, or another
// version of golang.org/x/image, may decode otherwise.
func TestGoldenPixels(t *testing.T) {
	const want = "58423e4fdf201393d558f9bf4ed494ce473ecdb7e846560347a630b9f6d35422"
	h := sha256.New()
	for _, name := range []string{"plain.jpg", "cmyk.jpg", "grey.jpg", "rotated.jpg", "plain.webp"} {
		h.Write(decode(t, name, 32).Pixels)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the same files give other pixels than version %d did: raise Version, and with it the digests in experiments/datasets.go, or undo; now %s", Version, got)
	}
}

// TestCentralSquare: short side first, then a central crop. Each third of the picture has its colour.
func TestCentralSquare(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 90, 30))
	for y := range 30 {
		for x := range 90 {
			m.SetNRGBA(x, y, color.NRGBA{uint8(100 * (x / 30)), 50, 0, 255})
		}
	}
	for _, side := range []int{30, 10, 45} {
		p, err := Decode("a.png", encode(t, m), side)
		if err != nil {
			t.Fatal(err)
		}
		for i := range side * side {
			if got := p.Pixels[3*i:][:3]; !bytes.Equal(got, []uint8{100, 50, 0}) {
				t.Fatalf("side %d: pixel %d is %v", side, i, got)
			}
		}
	}
	raw := make([]uint8, 90*30*3)
	for i := range 90 * 30 {
		copy(raw[3*i:], m.Pix[4*i:][:3])
	}
	p, _ := Decode("a.png", encode(t, m), 10)
	if !bytes.Equal(Resize(raw, 30, 90, 10), p.Pixels) {
		t.Error("raw pixels are brought to size otherwise than pictures")
	}
}

func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestUpright follows the EXIF standard: it says on which side of what is seen the first row and the first column of
// what is stored lie.
func TestUpright(t *testing.T) {
	sides := map[int][2]string{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	}
	const side = 3
	for orientation, at := range sides {
		stored := image.NewRGBA(image.Rect(0, 0, side, side))
		for i := range side * side {
			stored.Pix[4*i] = uint8(i)
		}
		seen := upright(stored, orientation)
		for row := range side {
			for column := range side {
				var x, y int
				for _, p := range []struct {
					side string
					n    int
				}{{at[0], row}, {at[1], column}} {
					switch p.side {
					case "top":
						y = p.n
					case "bottom":
						y = side - 1 - p.n
					case "left":
						x = p.n
					case "right":
						x = side - 1 - p.n
					}
				}
				if got := seen.RGBAAt(x, y).R; got != uint8(row*side+column) {
					t.Errorf("orientation %d: at %d,%d is %d, want row %d column %d", orientation, x, y, got, row, column)
				}
			}
		}
	}
	p := decode(t, "rotated.jpg", 16)
	if p.Width != 32 || p.Height != 48 || !slices.Equal(p.Notes, []Note{Rotated}) {
		t.Errorf("rotated.jpg is %dx%d, %q", p.Width, p.Height, p.Notes)
	}
	if plain := decode(t, "plain.jpg", 16).Pixels; bytes.Equal(p.Pixels, plain) {
		t.Error("rotated.jpg is not turned")
	}
}

func TestFaults(t *testing.T) {
	plain := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for i := range plain.Pix {
		plain.Pix[i] = uint8(i * 7)
	}
	var jpg, moving, still bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White})
	for _, err := range []error{
		jpeg.Encode(&jpg, plain, nil),
		gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}),
		gif.Encode(&still, frame, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	file := encode(t, plain)
	tables := append(bytes.Clone(jpg.Bytes()), make([]byte, 9000)...)
	tables[bytes.Index(tables, []byte("\xff\xc4"))+3] = 3 // bytes of Huffman tables
	for name, c := range map[string]struct {
		file  []byte
		fault Fault
		says  string
	}{
		"empty.png":      {nil, Empty, "no bytes"},
		"text.jpg":       {[]byte("<html>not found"), NoPicture, `"<html>no"`},
		"half.png":       {file[:len(file)/2], Truncated, fmt.Sprintf("after %[1]d of %[1]d bytes as PNG", len(file)/2)},
		"half.jpg":       {jpg.Bytes()[:jpg.Len()/2], Truncated, fmt.Sprintf("after %[1]d of %[1]d bytes as JPEG", jpg.Len()/2)},
		"header.jpg":     {jpg.Bytes()[:4], Truncated, "after 4 of 4 bytes"},
		"tables.jpg":     {tables, Undecodable, fmt.Sprintf("after 4096 of %d bytes as JPEG", len(tables))}, // it is read in blocks
		"half.webp":      {read(t, "plain.webp")[:150], Truncated, "as WebP"},
		"wrong.png":      {flipped(file), Undecodable, "as PNG"},
		"moving.gif":     {moving.Bytes(), Animated, "frames"},
		"animated.png":   {read(t, "animated.png"), Animated, "frames"},
		"animated.webp":  {read(t, "animated.webp"), Animated, "frames"},
		"bomb.png":       {sized(file, 50_000, 50_000), Huge, "50000x50000"},
		"overflow.png":   {sized(file, 1<<31-1, 1<<31-1), Undecodable, "overflow"},
		"nothing.png":    {sized(file, 0, 40), Undecodable, ""},
		"half of it.gif": {still.Bytes()[:20], Truncated, "as GIF"},
	} {
		_, err := Decode(name, c.file, 16)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Fault != c.fault || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.fault, c.says)
		}
	}
	for name, c := range map[string]struct {
		file  []byte
		notes []Note
	}{
		"still.gif":   {still.Bytes(), nil},
		"lies.jpeg":   {encode(t, color16(255)), []Note{Mislabelled}},
		"clear.png":   {encode(t, color16(0)), []Note{Transparent}},
		"CAPITAL.JPG": {jpg.Bytes(), nil},
	} {
		p, err := Decode(name, c.file, 16)
		if err != nil || !slices.Equal(p.Notes, c.notes) {
			t.Errorf("%s: %v, %v, want %q", name, p, err, c.notes)
		}
	}
	if p, err := Decode("clear.png", encode(t, color16(0)), 16); err != nil || slices.Min(p.Pixels) != 255 {
		t.Errorf("what is transparent is not white: %v", err)
	}
}

// color16 is a black picture of 16x16 pixels.
func color16(alpha uint8) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = alpha
	}
	return m
}

func flipped(file []byte) []byte {
	file = bytes.Clone(file)
	file[len(file)/2] ^= 1
	return file
}

// sized lets the header of a PNG say another size.
func sized(file []byte, width, height uint32) []byte {
	file = bytes.Clone(file)
	binary.BigEndian.PutUint32(file[16:], width)
	binary.BigEndian.PutUint32(file[20:], height)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

// Whatever the bytes, there are pixels or a fault.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"plain.jpg", "cmyk.jpg", "rotated.jpg", "plain.webp", "animated.webp", "animated.png"} {
		f.Add(read(f, name))
	}
	f.Add(encode(f, color16(0)))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range []string{"JPEG", "PNG", "GIF", "WebP"} {
			moves(format, file)
			if o := orientation(format, file); o < 1 || o > 8 {
				t.Fatalf("orientation %d", o)
			}
		}
		for i := range formats { // a picture that decodes slowly tells nothing new
			if formats[i].is(file) {
				if c, err := formats[i].config(bytes.NewReader(file)); err == nil && c.Width*c.Height > 1<<20 {
					return
				}
			}
		}
		p, err := Decode("a.png", file, 8)
		var wrong *Error
		if err != nil && !errors.As(err, &wrong) || err == nil && (len(p.Pixels) != 8*8*3 || p.Width < 1 || p.Height < 1) {
			t.Fatalf("%v, %v", p, err)
		}
	})
}

// Images per second and core, of the size that ImageNet's have on average.
func BenchmarkDecode(b *testing.B) {
	m := image.NewRGBA(image.Rect(0, 0, 500, 375))
	for i := range m.Pix {
		m.Pix[i] = uint8(i%251 + i/3000)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode("a.jpg", file.Bytes(), 256); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
