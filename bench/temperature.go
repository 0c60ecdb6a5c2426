package bench

import "fmt"

// AtTemperature returns variants of claims at another temperature, with ids that say so. Controls are left
// out, since each costs as much as an arm: those of the tier's own temperature explain both.
func AtTemperature(temperature float64, claims []*Claim) (variants []*Claim) {
	for _, c := range claims {
		v := *c
		v.ID, v.Temperature, v.Controls = fmt.Sprintf("%s-t%g", c.ID, temperature), temperature, nil
		variants = append(variants, &v)
	}
	return variants
}
