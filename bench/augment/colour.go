package augment

import "math"

// lumaWeights are those of ITU-R BT.601, which PIL and torchvision use.
var lumaWeights = [3]float64{0.299, 0.587, 0.114}

func luma(c [3]float64) float64 {
	return lumaWeights[0]*c[0] + lumaWeights[1]*c[1] + lumaWeights[2]*c[2]
}

// affine maps a colour c to A c + b; the last column is b.
type affine [3][4]float64

func identity() affine { return scaling(1) }

func (m affine) of(c [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2] + row[3]
	}
	return out
}

// then is the map m followed by next.
func (m affine) then(next affine) (out affine) {
	for i := range 3 {
		for j := range 4 {
			for k := range 3 {
				out[i][j] += next[i][k] * m[k][j]
			}
		}
		out[i][3] += next[i][3]
	}
	return out
}

func scaling(f float64) affine { return affine{{f, 0, 0, 0}, {0, f, 0, 0}, {0, 0, f, 0}} }

// contrasting scales the distance to the mean luma of the image.
func contrasting(f, meanLuma float64) affine {
	m := scaling(f)
	for i := range m {
		m[i][3] = (1 - f) * meanLuma
	}
	return m
}

// saturating scales the distance of each pixel to its own luma.
func saturating(f float64) affine {
	m := scaling(f)
	for i := range m {
		for j, w := range lumaWeights {
			m[i][j] += (1 - f) * w
		}
	}
	return m
}

// turning rotates hue by a share of a full turn, in the chroma plane of YIQ: luma stays.
func turning(turns float64) affine {
	sin, cos := math.Sincos(2 * math.Pi * turns)
	rotate := affine{{1, 0, 0, 0}, {0, cos, -sin, 0}, {0, sin, cos, 0}}
	return toYIQ.then(rotate).then(fromYIQ)
}

// The NTSC matrix (FCC 1953), and its inverse to double precision.
var (
	toYIQ   = affine{{0.299, 0.587, 0.114, 0}, {0.5959, -0.2746, -0.3213, 0}, {0.2115, -0.5227, 0.3112, 0}}
	fromYIQ = affine{
		{1, 0.9560502263958943, 0.6207549413271234, 0},
		{1, -0.27205234368892417, -0.6472057134551779, 0},
		{1.0000000000000002, -1.1067043153243328, 1.704421283696311, 0},
	}
)
