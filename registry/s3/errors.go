package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

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

// refused reports whether err says that a condition was not met, or that an
// upload has been completed before.
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
