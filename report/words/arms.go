package words

import (
	"fmt"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/report/model"
)

func Rules(arm *bench.Arm) string {
	switch {
	case arm.Features == bench.Untrained:
		return "no training"
	case arm.Features == bench.Pixels:
		return "no encoder"
	case len(arm.Rules) == 0:
		return "all negatives"
	}
	var said []string
	for _, r := range arm.Rules {
		said = append(said, r.String())
	}
	return strings.Join(said, " and ")
}

// Temperature means something only for trained arms.
func Temperature(a model.Arm) string {
	if a.Features != bench.Trained {
		return Absent
	}
	return fmt.Sprintf("%g", a.Temperature)
}
