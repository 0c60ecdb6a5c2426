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

// The NTSC matrix and its inverse (FCC 1953; the inverse computed to double precision at start).
var (
	toYIQ   = affine{{0.299, 0.587, 0.114, 0}, {0.5959, -0.2746, -0.3213, 0}, {0.2115, -0.5227, 0.3112, 0}}
	fromYIQ = toYIQ.inverse()
)

// inverse of the linear part, by cofactors; the offset must be zero.
func (m affine) inverse() (out affine) {
	det := 0.0
	for i := range 3 {
		det += m[0][i] * m.cofactor(0, i)
	}
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m.cofactor(j, i) / det
		}
	}
	return out
}

func (m affine) cofactor(i, j int) float64 {
	a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
	return m[a][c]*m[b][d] - m[a][d]*m[b][c]
}
