package study

import "github.com/cidbench/cidbench/bench"

// TierIDs lists the tiers, for those who have to choose.
func TierIDs(c *bench.Catalogue) []string {
	return ids(c.Tiers, func(t *bench.Tier) string { return t.ID })
}

// ClaimIDs lists the claims.
func ClaimIDs(c *bench.Catalogue) []string {
	return ids(c.Claims, func(c *bench.Claim) string { return c.ID })
}

// ArmIDs lists the arms, without those of sweeps.
func ArmIDs(c *bench.Catalogue) []string {
	return ids(c.Arms, func(a *bench.Arm) string { return a.ID })
}

// SweepIDs lists the sweeps.
func SweepIDs(c *bench.Catalogue) []string {
	return ids(c.Sweeps, func(s *bench.Sweep) string { return s.ID })
}

func ids[T any](all []T, id func(T) string) []string {
	list := make([]string, len(all))
	for i, x := range all {
		list[i] = id(x)
	}
	return list
}
