package calibrate

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/stats"
)

// rates are what the replications of a world came to.
type rates struct {
	n, judged int
	// sum and squares are of the weights of replications with a wrong verdict.
	sum, squares float64
	claims       map[string]*outcome
}

// outcome is what became of a claim over the replications that were judged.
type outcome struct {
	right, wrong, open int
	seeds              int   // of the look at which it was decided, or of the last; summed
	at                 []int // decided, by look
}

// rate is the share of replications with a wrong verdict, and half the width of its 95% interval.
func (r *rates) rate() (rate, half float64) {
	n := float64(r.n)
	rate = r.sum / n
	return rate, 1.96 * math.Sqrt((r.squares/n-rate*rate)/n)
}

// near: a replication in which no claim comes within twice its level of a wrong verdict is judged one time in far,
// and counts as many times. That changes no expectation.
const (
	near = 2
	far  = 40
)

// simulate judges replications of a world: all of them, or if sparing those that may well go wrong and a sample of the
// others.
func (s *study) simulate(w world, l law, replications int, sparing bool) (*rates, error) {
	agreeing := s.agreement(w, l)
	name := fnv.New64a()
	name.Write([]byte(w.name + "/" + l.name))
	wrong := map[string]stats.Verdict{}
	out := &rates{n: replications, claims: map[string]*outcome{}}
	for _, claim := range s.claims {
		wrong[claim.ID] = stats.Supported
		if s.holds(w, claim) {
			wrong[claim.ID] = stats.Refuted
		}
		out.claims[claim.ID] = &outcome{at: make([]int, len(s.plan.Looks))}
	}
	var mutex sync.Mutex
	var failed error
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < replications; i += workers {
				random := rand.New(rand.NewPCG(name.Sum64(), uint64(i)))
				x, weight := s.draw(random, w, l, agreeing), 1.
				if sparing && !s.near(x, wrong) {
					if random.IntN(far) > 0 {
						continue
					}
					weight = far
				}
				claims, err := s.judge(x)
				mutex.Lock()
				if err != nil {
					failed = err
				}
				out.add(claims, wrong, weight)
				mutex.Unlock()
			}
		})
	}
	all.Wait()
	return out, failed
}

// near says whether a claim comes close to a wrong verdict at any look.
func (s *study) near(x *sample, wrong map[string]stats.Verdict) bool {
	for _, claim := range s.claims {
		for look, level := range s.levels[claim.ID] {
			e := s.evidence(x, claim, s.plan.Looks[look])
			p := e.Support
			if wrong[claim.ID] == stats.Refuted {
				p = e.Refute
			}
			if p < near*level {
				return true
			}
		}
	}
	return false
}

func (r *rates) add(claims []model.Claim, wrong map[string]stats.Verdict, weight float64) {
	r.judged++
	erred := false
	for _, c := range claims {
		o := r.claims[c.ID]
		o.seeds += c.Seeds.N
		decided := c.Verdict == stats.Supported || c.Verdict == stats.Refuted
		switch {
		case !decided:
			o.open++
			continue
		case c.Verdict == wrong[c.ID]:
			o.wrong++
			erred = true
		default:
			o.right++
		}
		o.at[c.Look-1]++
	}
	if erred {
		r.sum += weight
		r.squares += weight * weight
	}
}
