package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

// retry calls send with size bytes of body from offset for as long as the transport would repeat a request, and
// reports whether it did so more than once. minio-go could repeat requests by itself, but would seek a body that the
// connection of the attempt before may still be reading.
func (b bucket) retry(ctx context.Context, body io.ReadSeeker, offset, size int64, send func(context.Context, io.Reader) error) (resent bool, err error) {
	for first, attempt := time.Now(), 0; ; attempt++ {
		if _, err := body.Seek(offset, io.SeekStart); err != nil {
			return resent, err
		}
		section := &section{r: io.LimitReader(store.ContextReader(ctx, body), size)}
		var note failed
		err = send(context.WithValue(ctx, failedKey{}, &note), section)
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
		wait, ok := b.transport.wait(ctx, first, attempt, note.retryAfter, err)
		if !ok || damaged(err) && attempt+1 >= attempts {
			break
		}
		resent = true
		if err := sleep(ctx, wait); err != nil {
			return resent, err
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
	case answer(err).Code == minio.RequestTimeTooSkewed:
		return fmt.Errorf("registry: %s %s: %w: the clock of this machine is minutes off the server's: it says %s; set it, and run the same command again: %w",
			op, key, store.ErrUnavailable, time.Now().UTC().Format(time.RFC3339), err)
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
	case temporary(&http.Response{StatusCode: r.StatusCode}, nil) != nil:
		return true
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
