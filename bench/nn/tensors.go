package nn

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Take removes the first n of a list - of a graph's inputs, or of its outputs - and returns them.
func Take[T any](list *[]T, n int) []T {
	taken := (*list)[:n:n]
	*list = (*list)[n:]
	return taken
}

// Release gives back the memory of tensors early; nothing depends on it.
func Release(groups ...[]*tensors.Tensor) {
	for _, group := range groups {
		for _, x := range group {
			_ = x.FinalizeAll()
		}
	}
}

// Values copies a float32 tensor to the host.
func Values(x *tensors.Tensor) (out []float32) {
	x.MustConstFlatData(func(v any) { out = append(out, v.([]float32)...) })
	return out
}

// Integers copies an int32 tensor to the host.
func Integers(x *tensors.Tensor) (out []int32) {
	x.MustConstFlatData(func(v any) { out = append(out, v.([]int32)...) })
	return out
}

// AnyNaN says whether a number of the group is none.
func AnyNaN(group []*tensors.Tensor) bool {
	return slices.ContainsFunc(group, func(x *tensors.Tensor) bool {
		return slices.ContainsFunc(Values(x), func(v float32) bool { return v != v })
	})
}
