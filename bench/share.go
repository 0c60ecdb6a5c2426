package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A Share is the part of a matrix that a worker begins with: of so many workers, that with an index from 0. Of 0 or 1
// is everything.
type Share struct{ Index, Of int }

// maxWorkers is more than anyone has.
const maxWorkers = 100_000

// ParseShare reads "I/N". Where the index is left out, "/N", it is the one given, empty if there is none.
func ParseShare(text, index string) (Share, error) {
	i, n, ok := strings.Cut(text, "/")
	if ok && i == "" {
		if i = index; i == "" {
			return Share{}, fmt.Errorf("%q has no index, and no scheduler gives one; write I/N, with I from 0 to N-1", text)
		}
	}
	s := Share{}
	var err, wrong error
	s.Index, err = strconv.Atoi(i)
	s.Of, wrong = strconv.Atoi(n)
	switch {
	case !ok || err != nil || wrong != nil:
		return s, fmt.Errorf("%q is no worker; write I/N, such as 0/8, with I from 0 to N-1", text)
	case s.Of < 1 || s.Of > maxWorkers:
		return s, fmt.Errorf("%q: there can be 1 to %d workers", text, maxWorkers)
	case s.Index < 0 || s.Index >= s.Of:
		return s, fmt.Errorf("%q: of %d workers the indices are 0 to %d", text, s.Of, s.Of-1)
	}
	return s, nil
}

// String reads like "worker 3/8"; it is empty for the share that is everything.
func (s Share) String() string {
	if s.Of <= 1 {
		return ""
	}
	return fmt.Sprintf("worker %d/%d", s.Index, s.Of)
}

// own lists which of n jobs are the share's, in order: every Of-th, so that all shares are alike in what is dear.
func (s Share) own(n int) (jobs []int) {
	for i := s.Index; i < n; i += max(s.Of, 1) {
		jobs = append(jobs, i)
	}
	return jobs
}

// What follows keeps the requests of many workers few, and costs few workers nothing.

// apart is how much later one worker starts than another, of many that start together: until it is at work it reads
// seven or eight times, and S3 answers some 5,000 reads a second.
const apart = 2 * time.Millisecond

// Spread waits for a moment, before a worker asks a registry for anything.
func (s Share) Spread(ctx context.Context) error { return s.wait(ctx, apart) }

// Settle waits for ten times as long, before a worker looks at what all of them have made: the first to do so reads every
// manifest, and writes an index, so that the others need not.
func (s Share) Settle(ctx context.Context) error { return s.wait(ctx, 10*apart) }

// wait is for some time, between none and what is given for each worker.
func (s Share) wait(ctx context.Context, each time.Duration) error {
	return sleep(ctx, rand.N(time.Duration(s.Of)*each+1))
}

// glances is how many of the jobs that others hold a worker without one looks at before it pauses: all of them alone,
// about four times too many together.
func (s Share) glances(jobs int) int {
	if s.Of <= 1 {
		return jobs
	}
	return (4*jobs + s.Of - 1) / s.Of
}

// patience is the longest pause between such looks, in terms of a lease; the first is an eighth of that.
func (s Share) patience() int { return min(max(s.Of/100, 1), 4) }
