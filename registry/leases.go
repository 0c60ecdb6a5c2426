package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
)

// ErrHeld says that another owner is at work there, or was until a moment ago.
var ErrHeld = errors.New("is held by another owner")

// A HeldError is an ErrHeld that knows the owner.
type HeldError struct {
	Key, Owner string
	Left       time.Duration // until it is taken over, if it does not change
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("registry: %s %v: %.100q, to be taken over if it does not change for another %v", e.Key, ErrHeld, e.Owner, e.Left.Round(time.Millisecond))
}

func (e *HeldError) Is(target error) bool { return target == ErrHeld }

const (
	minTTL = 50 * time.Millisecond
	maxTTL = time.Hour
)

// A Lease is the exclusive right to work on something. It is renewed in the background four times per term, and
// lost by an owner that could not renew it for three quarters of a term.
//
// No clock is compared with another: whoever waits for a lease takes it over after having seen it unchanged for a
// whole term of its own time, thus at least a quarter of a term after an owner that is still alive has stopped.
type Lease struct {
	store store.Store
	key   string
	term  time.Duration
	lost  chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup
	step  atomic.Int64 // that the next term says

	mu      sync.Mutex // guards the rest
	now     term
	version store.Version
}

// A term is what is stored of a lease. Beat makes every one different.
type term struct {
	Owner        string    `json:"owner"`
	Token        string    `json:"token"` // new whenever the lease changes hands
	Beat         int       `json:"beat"`
	Milliseconds int64     `json:"milliseconds"`
	Released     bool      `json:"released,omitempty"`
	Since        time.Time `json:"since,omitzero"` // it was taken, by the owner's clock
	Step         int       `json:"step,omitempty"` // that the work has reached
}

// duration is how long a term is, whatever it says.
func (t term) duration() time.Duration {
	return time.Duration(min(max(t.Milliseconds, minTTL.Milliseconds()), maxTTL.Milliseconds())) * time.Millisecond
}

// A Hold is what a lease says of whoever has it, to people. Nothing is decided by it.
type Hold struct {
	Owner string
	Since time.Time // by the owner's clock; zero where nothing says it
	Step  int       // that the work had reached when the lease was renewed; 0 where nothing says it
	Live  bool      // the lease was not given back; its owner may have died since
	Term  time.Duration
	beat  string // differs after every renewal
}

// Hold looks at the lease of a run. It is zero if nobody ever had it, or nothing can be read there.
// Errors: ErrUnavailable.
func (r *Registry) Hold(ctx context.Context, run string) (Hold, error) {
	if err := checkRunID(run); err != nil {
		return Hold{}, err
	}
	text, err := r.loadObject(ctx, leaseKey(run))
	if errors.Is(err, ErrNotExist) || errors.Is(err, ErrCorrupt) {
		return Hold{}, nil
	} else if err != nil {
		return Hold{}, err
	}
	var there term
	if decodeStrict(text, &there) != nil {
		return Hold{}, nil //nolint:nilerr // a damaged lease tells people nothing
	}
	return Hold{
		Owner: there.Owner, Since: there.Since, Step: there.Step, Live: !there.Released,
		Term: there.duration(), beat: fmt.Sprint(there.Token, there.Beat),
	}, nil
}

// Holds is Hold of some runs, several at a time.
func (r *Registry) Holds(ctx context.Context, runs []string) (map[string]Hold, error) {
	holds := make(map[string]Hold, len(runs))
	var mu sync.Mutex
	return holds, forEach(ctx, runs, func(ctx context.Context, run string) error {
		h, err := r.Hold(ctx, run)
		mu.Lock()
		defer mu.Unlock()
		holds[run] = h
		return err
	})
}

// Acquire takes the lease of a run, for everybody who opens the same registry. owner names the caller to others;
// ttl is the term, between 50 ms and an hour, to be well above the time that a few requests to the store take.
//
// It does not wait. After ErrHeld, a later call by the same Registry succeeds if the owner has given the lease
// back, or has not renewed it since the earlier call and for its term.
//
// Errors: ErrHeld; ErrExist if the run is finished; ErrUnavailable.
func (r *Registry) Acquire(ctx context.Context, run, owner string, ttl time.Duration) (*Lease, error) {
	if err := checkRunID(run); err != nil {
		return nil, err
	}
	if err := r.wantUnfinished(ctx, run); err != nil {
		return nil, err
	}
	old, err := r.mayTake(ctx, leaseKey(run), ttl)
	if err == nil && old == "" { // nobody ever had it: what lists runs by marks has to hear of it
		err = r.announceBegun(ctx, run)
	}
	if err != nil {
		return nil, err
	}
	lease, err := r.take(ctx, leaseKey(run), old, owner, ttl)
	if err != nil {
		return nil, err
	}
	// The owner before may have finished the run in the meantime.
	if err := r.wantUnfinished(ctx, run); err != nil {
		return nil, errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}
	return lease, nil
}

func (r *Registry) wantUnfinished(ctx context.Context, run string) error {
	err := r.read(ctx, manifestKey(run), func() error {
		_, err := r.store.Stat(ctx, manifestKey(run))
		return err
	})
	if errors.Is(err, ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return fmt.Errorf("registry: lease of run %s: the manifest %w", run, ErrExist)
}

func (r *Registry) acquire(ctx context.Context, key, owner string, ttl time.Duration) (*Lease, error) {
	old, err := r.mayTake(ctx, key, ttl)
	if err != nil {
		return nil, err
	}
	return r.take(ctx, key, old, owner, ttl)
}

// take puts a lease in the place of the version old, which mayTake returned.
func (r *Registry) take(ctx context.Context, key string, old store.Version, owner string, ttl time.Duration) (*Lease, error) {
	now := term{Owner: owner, Token: uuid.NewString(), Beat: 1, Milliseconds: ttl.Milliseconds(), Since: time.Now().UTC().Truncate(time.Second)}
	text, err := encode(now)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	version, err := r.store.Swap(ctx, key, old, text)
	if errors.Is(err, ErrConflict) {
		return nil, fmt.Errorf("registry: %s %w, who was faster", key, ErrHeld)
	} else if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lease{store: r.store, key: key, term: ttl, lost: make(chan struct{}), stop: stop, now: now, version: version}
	l.done.Go(func() { l.renew(background, start) })
	return l, nil
}

// await is acquire that waits for a lease to be given back, or to be seen
// unchanged for a term. Errors: ErrHeld if it is still being renewed then.
func (r *Registry) await(ctx context.Context, key, owner string, ttl time.Duration) (*Lease, error) {
	for start := time.Now(); ; {
		lease, err := r.acquire(ctx, key, owner, ttl)
		if !errors.Is(err, ErrHeld) || time.Since(start) > ttl+ttl/4 {
			return lease, err
		}
		select {
		case <-time.After(ttl / 40):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// mayTake returns the version of a lease that may be replaced; it is empty if there is none.
func (r *Registry) mayTake(ctx context.Context, key string, ttl time.Duration) (store.Version, error) {
	if ttl < minTTL || ttl > maxTTL {
		return "", fmt.Errorf("registry: the term of a lease is between %v and %v, not %v", minTTL, maxTTL, ttl)
	}
	text, version, err := r.store.Load(ctx, key)
	if errors.Is(err, ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	var there term
	if decodeStrict(text, &there) != nil { // damaged: it holds as long as one's own would
		there = term{Owner: "somebody", Milliseconds: ttl.Milliseconds()}
	}
	if there.Released {
		return version, nil
	}
	wait := there.duration()
	if unchanged := r.leases.unchanged(key, version); unchanged < wait {
		return "", &HeldError{Key: key, Owner: there.Owner, Left: wait - unchanged}
	}
	return version, nil
}

// Reached says which step the work has reached. The next renewal tells it to others: there is no request for it.
func (l *Lease) Reached(step int) { l.step.Store(int64(step)) }

// Lost is closed when the lease is lost: the owner has to stop at once, and may
// commit nothing any more. Release does not close it.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Release gives the lease back, so that others need not wait. A lease that is
// lost is none to give back. Errors: ErrUnavailable.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	l.done.Wait()
	select {
	case <-l.lost:
		return nil
	default:
	}
	err := l.swap(ctx, true)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// renew keeps the lease until ctx is done. start is the time before the last successful request.
func (l *Lease) renew(ctx context.Context, start time.Time) {
	next := start.Add(l.term / 4)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		begin, deadline := time.Now(), start.Add(l.term*3/4)
		attempt, cancel := context.WithDeadline(ctx, deadline)
		err := l.swap(attempt, false)
		cancel()
		switch {
		case err == nil:
			start, next = begin, begin.Add(l.term/4)
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrConflict), time.Now().After(deadline):
			close(l.lost)
			return
		default:
			next = time.Now().Add(l.term / 16)
		}
	}
}

// swap writes the next term. A request that was given up may have been carried
// out; then the store holds a later term of this owner.
func (l *Lease) swap(ctx context.Context, release bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		next := l.now
		next.Beat++
		next.Released, next.Step = release, int(l.step.Load())
		text, err := encode(next)
		if err != nil {
			return err
		}
		version, err := l.store.Swap(ctx, l.key, l.version, text)
		if err == nil {
			l.now, l.version = next, version
			return nil
		} else if !errors.Is(err, ErrConflict) {
			return err
		}
		text, version, lerr := l.store.Load(ctx, l.key)
		var there term
		if lerr != nil || decodeStrict(text, &there) != nil || there.Token != l.now.Token || version == l.version {
			return errors.Join(err, lerr)
		}
		l.now, l.version = there, version
	}
}

// sightings remember objects that others change, by key.
type sightings struct {
	mu   sync.Mutex
	seen map[string]sighting
}

// A sighting is the version of an object, and since when it has not changed.
type sighting struct {
	version store.Version
	since   time.Time
}

// unchanged is how long an object has been seen at the same version.
func (s *sightings) unchanged(key string, version store.Version) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.seen[key]; ok && last.version == version {
		return time.Since(last.since)
	}
	if s.seen == nil {
		s.seen = make(map[string]sighting)
	}
	s.seen[key] = sighting{version, time.Now()}
	return 0
}
