package pictures

import (
	"bytes"
	"encoding/binary"
	"image"
)

// moves says whether a file has more than one frame, from its structure alone.
func moves(format string, file []byte) bool {
	switch format {
	case "GIF":
		return gifFrames(file) > 1
	case "PNG": // the chunk acTL of an animation stands before the first pixels
		animation, pixels := bytes.Index(file, []byte("acTL")), bytes.Index(file, []byte("IDAT"))
		return animation >= 0 && (pixels < 0 || animation < pixels)
	case "WebP": // a flag of the extended header
		return len(file) > 20 && string(file[12:16]) == "VP8X" && file[20]&2 != 0
	}
	return false
}

// gifFrames counts the frames of a GIF, and stops at the second (GIF89a specification, appendix A).
func gifFrames(file []byte) (frames int) {
	const header = 13
	if len(file) < header {
		return 0
	}
	table := func(flags byte) int { // bytes of the colour table that flags announce
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	at := header + table(file[10])
	blocks := func() { // skips data in blocks, of which an empty one is the last
		for at < len(file) && file[at] != 0 {
			at += 1 + int(file[at])
		}
		at++
	}
	for at < len(file) && frames < 2 {
		switch file[at] {
		case ',': // a frame: place, flags, colour table, code size, data
			frames++
			if at+9 >= len(file) {
				return frames
			}
			at += 10 + table(file[at+9]) + 1
			blocks()
		case '!': // an extension: its kind, data
			at += 2
			blocks()
		default:
			return frames
		}
	}
	return frames
}

// orientation is the EXIF orientation of a JPEG, 1 to 8: 1 is upright, and so is what says nothing valid
// (Exif 2.3, tag 0x0112).
func orientation(format string, file []byte) int {
	if format != "JPEG" {
		return 1
	}
	for at := 2; at+4 <= len(file) && file[at] == 0xff && file[at+1] != 0xda; { // segments, up to the pixels
		length := int(binary.BigEndian.Uint16(file[at+2:]))
		if length < 2 || at+2+length > len(file) {
			return 1
		}
		segment := file[at+4 : at+2+length]
		if exif, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && file[at+1] == 0xe1 {
			return exifOrientation(exif)
		}
		at += 2 + length
	}
	return 1
}

// exifOrientation reads the first directory of a TIFF structure.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	start := uint64(order.Uint32(tiff[4:]))
	if start+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[start+2:]
	for i := range int(order.Uint16(tiff[start:])) {
		if len(entries) < 12*(i+1) {
			break
		}
		entry := entries[12*i:]
		if tag, value := order.Uint16(entry), order.Uint16(entry[8:]); tag == 0x0112 && value >= 1 && value <= 8 {
			return int(value)
		}
	}
	return 1
}

// upright turns a square as its orientation asks.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return m
	}
	side := m.Bounds().Dx()
	last := side - 1
	out := image.NewRGBA(m.Bounds())
	for y := range side {
		for x := range side {
			fromX, fromY := x, y
			if orientation >= 5 { // rows and columns change places
				fromX, fromY = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				fromX = last - fromX
			}
			switch orientation {
			case 3, 4, 6, 7:
				fromY = last - fromY
			}
			copy(out.Pix[4*(y*side+x):][:4], m.Pix[4*(fromY*side+fromX):])
		}
	}
	return out
}
