package augment

import "math"

// bend rotates an image and moves the edges of what is dark on it. It is done on the host for both forms of views, since
// neither is a product of matrices for rows and for columns, as cropping is.
func (v *Viewer) bend(image []uint8, d drawn) []uint8 {
	if d.stroke != 0 {
		image = v.thicken(image, d.stroke)
	}
	if d.rotation != 0 {
		image = v.rotate(image, d.rotation)
	}
	return image
}

// room is memory for an image.
func (v *Viewer) room(which int) []uint8 {
	if v.bent[which] == nil {
		v.bent[which] = make([]uint8, 3*v.source*v.source)
	}
	return v.bent[which]
}

// thicken moves each value towards the darkest of the 3x3 around it, or for a negative share towards the lightest.
func (v *Viewer) thicken(image []uint8, share float64) []uint8 {
	out, size := v.room(0), v.source
	weight := int(math.Round(256 * math.Abs(share)))
	for y := range size {
		for x := range size {
			for ch := range 3 {
				own := image[3*(y*size+x)+ch]
				extreme := own
				for j := max(y-1, 0); j <= min(y+1, size-1); j++ {
					for i := max(x-1, 0); i <= min(x+1, size-1); i++ {
						if value := image[3*(j*size+i)+ch]; share > 0 {
							extreme = min(extreme, value)
						} else {
							extreme = max(extreme, value)
						}
					}
				}
				out[3*(y*size+x)+ch] = uint8((int(own)*(256-weight) + int(extreme)*weight + 128) / 256)
			}
		}
	}
	return out
}

// rotate turns an image about its centre, clockwise as it is seen, bilinearly and repeating its border.
func (v *Viewer) rotate(image []uint8, angle float64) []uint8 {
	out, size := v.room(1), v.source
	sin, cos := math.Sincos(angle)
	centre := float64(size-1) / 2
	for y := range size {
		for x := range size {
			dx, dy := float64(x)-centre, float64(y)-centre
			column := between(centre+cos*dx+sin*dy, size)
			row := between(centre-sin*dx+cos*dy, size)
			for ch := range 3 {
				at := func(y, x int) float32 { return float32(image[3*(y*size+x)+ch]) }
				top := at(row.lo, column.lo) + column.mix*(at(row.lo, column.hi)-at(row.lo, column.lo))
				bottom := at(row.hi, column.lo) + column.mix*(at(row.hi, column.hi)-at(row.hi, column.lo))
				out[3*(y*size+x)+ch] = uint8(top + row.mix*(bottom-top) + 0.5)
			}
		}
	}
	return out
}
