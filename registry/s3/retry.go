package s3

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
)

const attempts = 4 // of each request

// pause waits between two attempts.
func pause(ctx context.Context, attempt int) error {
	most := 100 * time.Millisecond << attempt
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retry calls send with size bytes of body from offset, up to attempts times,
// and reports whether it did so more than once. minio-go could repeat requests
// by itself, but would seek a body that the connection of the attempt before
// may still be reading.
func retry(ctx context.Context, body io.ReadSeeker, offset, size int64, send func(io.Reader) error) (resent bool, err error) {
	for attempt := range attempts {
		if _, err := body.Seek(offset, io.SeekStart); err != nil {
			return resent, err
		}
		section := &section{r: io.LimitReader(store.ContextReader(ctx, body), size)}
		err = send(section)
		section.end()
		if err == nil {
			return resent, nil
		}
		if ctx.Err() != nil {
			return resent, ctx.Err()
		}
		if !transient(err) {
			return resent, err
		}
		if attempt+1 < attempts {
			resent = true
			if err := pause(ctx, attempt); err != nil {
				return resent, err
			}
		}
	}
	if damaged(err) {
		err = fmt.Errorf("%w: what arrives is not what was sent: %w", store.ErrCorrupt, err)
	}
	return resent, err
}

// A section is a reader for one attempt, of no use to anyone after its end.
type section struct {
	mu    sync.Mutex
	r     io.Reader
	ended bool
}

func (s *section) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, io.ErrClosedPipe
	}
	return s.r.Read(p)
}

func (s *section) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}
