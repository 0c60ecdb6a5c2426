package cli

import (
	"errors"
	"strconv"
)

const autoSeeds = "auto"

const autoHelp = `With --seeds auto it adds seeds until every claim is decided, or --max-seeds or --budget is spent. It looks
at seed counts planned up front (3, 5, 8, 12, ...: half as many again, up to --max-seeds). Looking more than
once is corrected for: each of K planned looks is judged at 0.05/K (Bonferroni), with intervals of that
level, so that any wrong verdict at any look has a probability of at most 0.05. A claim keeps the verdict of
the first look that decides it, and is not trained further. The verdict depends on --max-seeds, the claims
selected and the runs stored, and on nothing else: the same command gives it again.`

// seedCount is the value of --seeds: a number or, where the command allows it, "auto".
type seedCount struct {
	n    *int
	auto *bool // nil where auto is not allowed
}

func (v *seedCount) Type() string {
	if v.auto != nil {
		return "int|" + autoSeeds
	}
	return "int"
}

func (v *seedCount) String() string {
	switch {
	case v.auto != nil && *v.auto:
		return autoSeeds
	case v.n == nil || *v.n == 0: // not given
		return ""
	}
	return strconv.Itoa(*v.n)
}

func (v *seedCount) Set(text string) error {
	n, err := strconv.Atoi(text)
	auto := text == autoSeeds
	switch {
	case auto && v.auto == nil:
		return errors.New("only verify adds seeds by itself; give a number")
	case auto: // n is 0
	case err != nil && v.auto != nil:
		return errors.New(`give a number or "auto"`)
	case err != nil:
		return errors.New("give a number")
	case n < 0:
		return errors.New("a number of seeds cannot be negative")
	}
	*v.n = n
	if v.auto != nil {
		*v.auto = auto
	}
	return nil
}
