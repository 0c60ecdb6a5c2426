package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

const attempts = 4 // of each request

// pause waits between two attempts.
func pause(ctx context.Context, attempt int) error {
	most := 100 * time.Millisecond << attempt
	select {
	case <-time.After(most/2 + rand.N(most/2)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retry calls send with size bytes of body from offset, up to attempts times, and reports whether it did so more
// than once. minio-go could repeat requests by itself, but would seek a body that the connection of the attempt
// before may still be reading.
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

// classified sorts an error into the classes of a store.
func classified(op, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case missing(err):
		return fmt.Errorf("registry: %s %s: %w", op, key, store.ErrNotExist)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("registry: %s %s: %w", op, key, err)
	}
	return fmt.Errorf("registry: %s %s: %w: %w", op, key, store.ErrUnavailable, err)
}

// answer is what the server said, the zero value if err is not its answer.
func answer(err error) minio.ErrorResponse {
	response, _ := errors.AsType[minio.ErrorResponse](err)
	return response
}

// missing reports whether err says that the object is absent, rather than its
// bucket, or the user (of whom versitygw says so with the same status).
func missing(err error) bool { return answer(err).Code == minio.NoSuchKey }

// refused reports whether err says that a condition was not met, or that an upload has been completed before.
func refused(err error) bool {
	r := answer(err)
	return r.StatusCode == http.StatusPreconditionFailed || r.StatusCode == http.StatusConflict || r.Code == minio.NoSuchUpload
}

// nested reports whether err says that a key is a folder of another.
func nested(err error) bool {
	switch answer(err).Code {
	case "ExistingObjectIsDirectory", "ObjectParentIsFile", // versitygw
		"XMinioParentIsObject", "XMinioObjectExistsAsDirectory": // MinIO
		return true
	}
	return false
}

// transient reports whether the same request may succeed when sent again.
func transient(err error) bool {
	r := answer(err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case r.StatusCode == 0: // no answer
		return !untrusted
	case r.StatusCode >= 500, r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusRequestTimeout:
		return r.StatusCode != http.StatusNotImplemented
	}
	return r.Code == "RequestTimeout" || r.Code == "IncompleteBody" || damaged(err)
}

// damaged reports whether the server has received other bytes than were sent.
func damaged(err error) bool {
	switch answer(err).Code {
	case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return true
	}
	return false
}
