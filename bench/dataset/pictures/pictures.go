// Package pictures turns a picture file - JPEG, PNG, GIF or WebP - into square pixels, and names what is wrong with
// it or had to be made up for. Where files come from, and what becomes of bad ones, is others' business.
package pictures

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"path"
	"regexp"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// Version is that of the pixels: it rises when the same file gives others. A test holds it to a digest.
const Version = 1

// MaxPixels is the most that a picture may have; the largest in ImageNet has 62 million. A file of a few kilobytes can
// say that it has many more, so its header is asked before it is decoded.
const MaxPixels = 100_000_000

// Fault is why a file gives no pixels.
type Fault string

// The faults.
const (
	Empty       Fault = "empty"
	NoPicture   Fault = "no picture"
	Truncated   Fault = "truncated"
	Undecodable Fault = "undecodable"
	Animated    Fault = "animated"
	Huge        Fault = "huge"
)

// An Error says what is wrong with a file.
type Error struct {
	Fault  Fault
	Detail string
}

func (e *Error) Error() string { return string(e.Fault) + ": " + e.Detail }

// Note is what a file gave pixels in spite of.
type Note string

// The notes.
const (
	Mislabelled Note = "mislabelled: decoded as what it is"
	CMYK        Note = "CMYK: turned into RGB"
	Rotated     Note = "rotated by EXIF: set upright"
	Transparent Note = "transparent: laid on white"
)

// Picture is a decoded file.
type Picture struct {
	Pixels        []uint8 // [side, side, 3], 0 to 255
	Width, Height int     // of the upright picture in the file
	Notes         []Note
}

// A format is a kind of picture file.
type format struct {
	name       string
	extensions []string
	is         func(file []byte) bool
	config     func(io.Reader) (image.Config, error)
	decode     func(io.Reader) (image.Image, error)
}

func prefix(magic string) func([]byte) bool {
	return func(file []byte) bool { return bytes.HasPrefix(file, []byte(magic)) }
}

var formats = []format{
	{"JPEG", []string{".jpg", ".jpeg"}, prefix("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode},
	{"PNG", []string{".png"}, prefix("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode},
	{"GIF", []string{".gif"}, prefix("GIF8"), gif.DecodeConfig, gif.Decode},
	{"WebP", []string{".webp"}, func(f []byte) bool { return len(f) >= 12 && string(f[:4]) == "RIFF" && string(f[8:12]) == "WEBP" }, webp.DecodeConfig, webp.Decode},
}

// Named says whether a file's name is that of a picture.
func Named(name string) bool {
	extension := strings.ToLower(path.Ext(name))
	for _, f := range formats {
		for _, e := range f.extensions {
			if e == extension {
				return true
			}
		}
	}
	return false
}

// formatOf is the format of a file, nil if it is no picture.
func formatOf(file []byte) *format {
	for i := range formats {
		if formats[i].is(file) {
			return &formats[i]
		}
	}
	return nil
}

// Size is what a file's header says of its width and height in pixels.
func Size(file []byte) (width, height int, ok bool) {
	f := formatOf(file)
	if f == nil {
		return 0, 0, false
	}
	config, err := f.config(bytes.NewReader(file))
	return config.Width, config.Height, err == nil
}

// Decode turns a file into pixels [side, side, 3]: of the upright picture, its central square is brought to that
// size by a Catmull-Rom filter, which is short side to side, then a central crop. A picture of that size is taken as
// it is. Errors: *Error.
func Decode(name string, file []byte, side int) (*Picture, error) {
	if len(file) == 0 {
		return nil, &Error{Empty, "it has no bytes"}
	}
	f := formatOf(file)
	if f == nil {
		return nil, &Error{NoPicture, fmt.Sprintf("it begins with %q, and not as JPEG, PNG, GIF or WebP do", file[:min(len(file), 8)])}
	}
	if moves(f.name, file) {
		return nil, &Error{Animated, "it has several frames, and which one shows its class is not said"}
	}
	reader := bytes.NewReader(file)
	config, err := f.config(reader)
	switch {
	case err != nil:
		return nil, failed(f, reader, err)
	case config.Width < 1 || config.Height < 1:
		return nil, &Error{Undecodable, fmt.Sprintf("its header says %dx%d pixels", config.Width, config.Height)}
	case config.Width > MaxPixels/config.Height:
		return nil, &Error{Huge, fmt.Sprintf("its header says %dx%d pixels; %d are the most", config.Width, config.Height, MaxPixels)}
	}
	reader.Reset(file)
	decoded, err := f.decode(reader)
	if err != nil {
		return nil, failed(f, reader, err)
	}
	if whole := image.Rect(0, 0, config.Width, config.Height); decoded.Bounds() != whole { // the frame of a GIF may be a part
		canvas := image.NewNRGBA(whole)
		draw.Draw(canvas, decoded.Bounds(), decoded, decoded.Bounds().Min, draw.Src)
		decoded = canvas
	}
	p := &Picture{}
	if !strings.Contains(strings.Join(f.extensions, " ")+" ", strings.ToLower(path.Ext(name))+" ") {
		p.Notes = append(p.Notes, Mislabelled)
	}
	if _, ok := decoded.(*image.CMYK); ok {
		p.Notes = append(p.Notes, CMYK)
	}
	if o, ok := decoded.(interface{ Opaque() bool }); ok && !o.Opaque() {
		p.Notes = append(p.Notes, Transparent)
	}
	turn := orientation(f.name, file)
	if turn > 1 {
		p.Notes = append(p.Notes, Rotated)
	}
	square := upright(central(decoded, side), turn)
	p.Width, p.Height = decoded.Bounds().Dx(), decoded.Bounds().Dy()
	if turn >= 5 {
		p.Width, p.Height = p.Height, p.Width
	}
	p.Pixels = make([]uint8, side*side*3)
	for i := range side * side {
		copy(p.Pixels[3*i:][:3], square.Pix[4*i:])
	}
	return p, nil
}

// endsEarly is how the decoders say that a file ended before its picture did.
var endsEarly = regexp.MustCompile(`unexpected EOF|^EOF$|not enough pixel data|short Huffman data`)

// failed tells a file that ends early from one that is wrong, and how far it was read: decoders read some bytes ahead.
func failed(f *format, read *bytes.Reader, err error) *Error {
	fault := Undecodable
	if endsEarly.MatchString(err.Error()) {
		fault = Truncated
	}
	return &Error{fault, fmt.Sprintf("after %d of %d bytes as %s: %v", int(read.Size())-read.Len(), read.Size(), f.name, err)}
}

// central is the central square of a picture at side x side pixels, laid on white. A square that turns later is cut
// the same way.
func central(m image.Image, side int) *image.RGBA {
	square := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(square, square.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	b := m.Bounds()
	short := min(b.Dx(), b.Dy())
	from := image.Rect(0, 0, short, short).Add(b.Min).Add(image.Pt((b.Dx()-short)/2, (b.Dy()-short)/2))
	if short == side {
		draw.Draw(square, square.Bounds(), m, from.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(square, square.Bounds(), m, from, draw.Over, nil)
	}
	return square
}

// Resize brings raw pixels [height, width, 3] to [side, side, 3], as Decode does.
func Resize(pixels []uint8, height, width, side int) []uint8 {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		copy(m.Pix[4*i:][:3], pixels[3*i:])
		m.Pix[4*i+3] = 0xff
	}
	square := central(m, side)
	out := make([]uint8, side*side*3)
	for i := range side * side {
		copy(out[3*i:][:3], square.Pix[4*i:])
	}
	return out
}
