package augment

type rectangle struct{ x, y, w, h float64 }

// neighbours are two source pixels and the share of the second.
type neighbours struct {
	lo, hi int
	mix    float32
}

// position is the source of target pixel i along one side, with pixel centres at one half.
func position(origin, length float64, i, size int) float64 {
	at := origin + (float64(i)+0.5)*length/float64(size) - 0.5
	return min(max(at, 0), float64(size-1))
}

// sample finds the pixels around that position.
func sample(origin, length float64, i, size int) neighbours {
	at := position(origin, length, i, size)
	lo := int(at)
	return neighbours{lo, min(lo+1, size-1), float32(at - float64(lo))}
}
