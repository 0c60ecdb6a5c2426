//go:build goexperiment.simd && amd64

package machine

import "simd/archsimd"

// SIMD says whether the binary was built with GOEXPERIMENT=simd, which makes training on the pure-Go
// backend several times faster.
const SIMD = true

// Vectors names the widest instructions that products use here; bytes depend on it.
func Vectors() string {
	switch {
	case archsimd.X86.AVX512():
		return "AVX-512"
	case archsimd.X86.AVX2():
		return "AVX2"
	}
	return ""
}
