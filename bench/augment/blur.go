package augment

import "math"

// gaussian is half of a normalised kernel, centre first, cut at three standard deviations.
func gaussian(sigma float64) []float32 {
	kernel := make([]float32, 1+int(math.Ceil(3*sigma)))
	sum := 0.0
	weights := make([]float64, len(kernel))
	for d := range weights {
		weights[d] = math.Exp(-float64(d*d) / (2 * sigma * sigma))
		sum += weights[d]
		if d > 0 {
			sum += weights[d]
		}
	}
	for d, w := range weights {
		kernel[d] = float32(w / sum)
	}
	return kernel
}

// blur convolves a plane with a symmetric kernel in both directions, repeating the border.
func blur(plane, scratch []float32, size int, kernel []float32) {
	for y := range size {
		row, out := plane[y*size:][:size], scratch[y*size:][:size]
		for x := range row {
			out[x] = kernel[0] * row[x]
		}
		for d := 1; d < len(kernel); d++ {
			k := kernel[d]
			for x := range out {
				if x >= d && x+d < size {
					out[x] += k * (row[x-d] + row[x+d])
				} else {
					out[x] += k * (row[max(x-d, 0)] + row[min(x+d, size-1)])
				}
			}
		}
	}
	for y := range size {
		out := plane[y*size:][:size]
		for x := range out {
			out[x] = kernel[0] * scratch[y*size+x]
		}
		for d := 1; d < len(kernel); d++ {
			up, down := scratch[max(y-d, 0)*size:][:size], scratch[min(y+d, size-1)*size:][:size]
			for x := range out {
				out[x] += kernel[d] * (up[x] + down[x])
			}
		}
	}
}
