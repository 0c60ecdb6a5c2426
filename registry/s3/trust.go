package s3

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

const (
	// trustTime is how long others believe a probe that has passed.
	trustTime = time.Hour
	// probeTime is how long they wait for one that has begun.
	probeTime = 3 * time.Second
)

// A Witness keeps with a server how the probe of it stands, for all that use it.
type Witness interface {
	// Passed says whether a probe has passed not long ago. Errors: ErrUnavailable.
	Passed(ctx context.Context) (bool, error)
	// Begin is false where somebody else has begun a probe, and has not ended it. Errors: ErrUnavailable.
	Begin(ctx context.Context) (bool, error)
	// End notes that a probe has ended. Errors: ErrUnavailable.
	End(ctx context.Context, passed bool) error
}

// Trust probes a server unless a probe of it has passed not long ago. Of many who start together one probes, and the
// others wait for that; nobody waits for long, since whoever has begun may be dead. That more than one should probe does
// no harm, so that nothing of this rests on what is being probed.
func Trust(ctx context.Context, w Witness, probe func(context.Context) error) error {
	passed, err := w.Passed(ctx)
	if err != nil || passed {
		return err
	}
	first, err := w.Begin(ctx)
	if err != nil {
		return err
	}
	for begin := time.Now(); !first && time.Since(begin) < probeTime; {
		if err := sleep(ctx, probeTime/12+rand.N(probeTime/6)); err != nil {
			return err
		}
		if passed, err := w.Passed(ctx); err != nil || passed {
			return err
		}
	}
	if err := probe(ctx); err != nil {
		_ = w.End(context.WithoutCancel(ctx), false) // it is the probe that failed
		return err
	}
	return w.End(ctx, true)
}

// A witness is a pair of objects in the folder of probes. What passed did so through an endpoint: another may be a server
// of another kind in front of the same objects.
type witness struct {
	bucket
	passed, begun string
}

// probeVersion changes with what a probe asks of a server.
const probeVersion = "1"

func newWitness(b bucket, endpoint string) witness {
	of := "-" + store.DigestOf([]byte(probeVersion + " " + endpoint)).Hex()[:16]
	return witness{b, probeFolder + "passed" + of, probeFolder + "begun" + of}
}

// Passed believes what was written within the hour by the clocks of both machines: one that is off costs a probe. It is
// the first that is asked of a server: with GET, since an answer to HEAD does not say what is wrong.
func (w witness) Passed(ctx context.Context) (bool, error) {
	body, info, err := w.open(ctx, w.passed)
	if err == nil {
		return time.Since(info.LastModified).Abs() < trustTime, body.Close()
	}
	if missing(err) {
		err = nil
	}
	return false, classified("probe", w.passed, err)
}

func (w witness) Begin(ctx context.Context) (bool, error) {
	err := w.write(ctx, w.begun, ifVersion(""))
	if refused(err) {
		return false, nil
	}
	return true, classified("probe", w.begun, err)
}

func (w witness) End(ctx context.Context, passed bool) error {
	if passed {
		if err := w.write(ctx, w.passed, func(*minio.PutObjectOptions) {}); err != nil {
			return classified("probe", w.passed, err)
		}
	}
	return w.remove(ctx, "probe", w.begun) // not before: a server that keeps files removes a folder with its last object
}

func (w witness) write(ctx context.Context, key string, condition func(*minio.PutObjectOptions)) error {
	const text = "{}\n"
	_, _, err := w.put(ctx, key, condition, strings.NewReader(text), int64(len(text)), store.DigestOf([]byte(text)))
	return err
}
