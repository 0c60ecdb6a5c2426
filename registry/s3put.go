package registry

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	attempts = 4 // of each request
	// statFirst is the size from which it is cheaper to ask whether an object is
	// there than to send it in vain.
	statFirst = 1 << 20
)

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

// An uploader sends a body under the condition that its key is absent.
type uploader interface {
	send(ctx context.Context) error
}

// prepare reads all of body: nothing is sent that is not what it has to be.
func (s *S3) prepare(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) (uploader, error) {
	if size >= multipartSize {
		return s.prepareParts(ctx, key, body, size, sum)
	}
	if err := copyBody(ctx, io.Discard, body, size, sum); err != nil {
		return nil, err
	}
	return &wholeUpload{s, key, body, size, sum}, nil
}

type wholeUpload struct {
	store *S3
	key   string
	body  io.ReadSeeker
	size  int64
	sum   Digest
}

func (u *wholeUpload) send(ctx context.Context) error {
	_, _, err := u.store.put(ctx, u.key, ifVersion(""), u.body, u.size, u.sum)
	return err
}

// ifVersion is the condition that an object has a version, or that it is absent.
func ifVersion(v Version) func(*minio.PutObjectOptions) {
	return func(opts *minio.PutObjectOptions) {
		if v == "" {
			opts.SetMatchETagExcept("*")
		} else {
			opts.SetMatchETag(string(v))
		}
	}
}

const checksumHeader = "x-amz-checksum-sha256"

// checked are the options of a PUT whose body the server compares with sum. The
// signature covers that header, and need not cover the body again: servers say
// of a damaged one that the signature is wrong, as if the secret were.
func checked(sum Digest) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		UserMetadata:         map[string]string{checksumHeader: checksumValue(sum)},
		DisableContentSha256: true,
	}
}

func checksumValue(sum Digest) string {
	raw, _ := hex.DecodeString(sum.Hex())
	return base64.StdEncoding.EncodeToString(raw)
}

// put sends an object in one request, again where that makes sense. resent says
// that a refusal may be due to an earlier attempt, whose answer was lost.
func (s *S3) put(ctx context.Context, key string, condition func(*minio.PutObjectOptions), body io.ReadSeeker, size int64, sum Digest) (etag string, resent bool, err error) {
	opts := checked(sum)
	condition(&opts)
	resent, err = retry(ctx, body, 0, size, func(r io.Reader) error {
		info, err := s.client.PutObject(ctx, s.config.Bucket, s.object(key), r, size, "", "", opts)
		etag = info.ETag
		return err
	})
	return etag, resent, err
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
		section := &section{r: io.LimitReader(reader{ctx, body}, size)}
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
		err = fmt.Errorf("%w: what arrives is not what was sent: %w", ErrCorrupt, err)
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
