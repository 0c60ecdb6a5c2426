// Package rng derives independent random streams from one seed, so that a number drawn anywhere in a
// run depends only on the seed and on what it is for - never on order, threads or a resume.
package rng

import (
	"math/bits"
	"math/rand/v2"
)

// The purposes of the streams of a run: the first label of each. What an analysis draws has seeds of its own.
const (
	Init uint64 = iota + 1
	Queue
	Order
	Shuffle
	QueryView
	KeyView
	RandomPool
	EvaluationOrder
	EvaluationView
	EvaluationInit
)

// Stream is a generator for one purpose: the seed plus a path of labels (what, step, view, sample ...).
// Equal arguments give equal streams.
func Stream(seed uint64, labels ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(Key(seed, labels...)))
}

// Key is the state from which Stream starts; for callers that reseed one generator many times.
func Key(seed uint64, labels ...uint64) (hi, lo uint64) {
	h := mix(seed)
	for _, l := range labels {
		h = mix(bits.RotateLeft64(h, 23) ^ mix(l))
	}
	return h, mix(h)
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014) after its increment: a bijection in
// which every input bit reaches every output bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
