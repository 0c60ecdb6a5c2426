//go:build !(goexperiment.simd && amd64)

package machine

// SIMD says whether the binary was built with GOEXPERIMENT=simd, which makes training on the pure-Go
// backend several times faster.
const SIMD = false

func Vectors() string { return "" }
