package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
)

// An S3 is a Store in a bucket of any server that speaks the S3 protocol and
// keeps three promises, which are tested before the first write: a PUT and the
// completion of a multipart upload honour If-None-Match and If-Match, and what
// does not match its x-amz-checksum-sha256 is refused. No lock is needed and no
// object is ever overwritten without a condition.
//
// Bodies of 96 MiB and more are sent in parts; an upload that was interrupted
// goes on where it was, also in another process on the same machine.
//
// Least privilege: s3:GetObject, s3:PutObject, s3:DeleteObject,
// s3:AbortMultipartUpload and s3:ListMultipartUploadParts on the objects below
// the prefix, and s3:ListBucket on the bucket. Readers need s3:GetObject and
// s3:ListBucket. A lifecycle rule of the bucket should abort incomplete
// multipart uploads after a week or so.
type S3 struct {
	config  S3Config
	client  *minio.Core
	mu      sync.Mutex // guards trusted
	trusted bool       // the probe has passed
}

// NewS3 returns the store that config describes. It sends nothing.
func NewS3(config S3Config) (*S3, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	client, err := config.connect()
	if err != nil {
		return nil, err
	}
	return &S3{config: config, client: client}, nil
}

func openS3(_ context.Context, rawURL string) (Store, error) {
	config, err := ParseS3URL(rawURL)
	if err != nil {
		return nil, err
	}
	return NewS3(config)
}

func (s *S3) String() string { return s.config.String() }

// object is the name of a key in the bucket.
func (s *S3) object(key string) string { return s.config.root() + key }

func (s *S3) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if err := cmp.Or(checkKey("get", key), ctx.Err()); err != nil {
		return nil, Info{}, err
	}
	body, info, err := s.open(ctx, key)
	if err != nil {
		return nil, Info{}, s3Error("get", key, err)
	}
	return body, objectInfo(key, info), nil
}

func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	if err := cmp.Or(checkKey("stat", key), ctx.Err()); err != nil {
		return Info{}, err
	}
	info, err := s.client.StatObject(ctx, s.config.Bucket, s.object(key), minio.StatObjectOptions{})
	if err != nil {
		return Info{}, s3Error("stat", key, err)
	}
	return objectInfo(key, info), nil
}

func (s *S3) Load(ctx context.Context, key string) ([]byte, Version, error) {
	if err := cmp.Or(checkKey("load", key), ctx.Err()); err != nil {
		return nil, "", err
	}
	body, info, err := s.open(ctx, key)
	if err != nil {
		return nil, "", s3Error("load", key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, "", s3Error("load", key, err)
	}
	return data, Version(info.ETag), nil
}

// Create sends body with the condition that there is no such object. The server
// answers 412 to the second sending of a body whose first answer was lost, so
// what is there is read back and compared before it counts as another's.
func (s *S3) Create(ctx context.Context, key string, body io.ReadSeeker, size int64, sum Digest) error {
	if err := cmp.Or(checkKey("create", key), ctx.Err()); err != nil {
		return err
	}
	if err := s.Probe(ctx); err != nil {
		return err
	}
	if size >= statFirst {
		if err := s.holds(ctx, key, size, sum); !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	upload, err := s.prepare(ctx, key, body, size, sum)
	if err != nil {
		return fmt.Errorf("registry: create %s: %w", key, err)
	}
	for attempt := 0; ; attempt++ {
		err := upload.send(ctx)
		if !refused(err) {
			return s3Error("create", key, err)
		}
		held := s.holds(ctx, key, size, sum)
		if !errors.Is(held, ErrNotExist) {
			return held
		}
		// 409 says that another writer is at work, or, where keys are paths,
		// that a folder or a file is in the way; 412 and nothing to read, that
		// the object was deleted meanwhile.
		if nested(err) {
			return fmt.Errorf("registry: create %s: %w: %w", key, ErrExist, err)
		}
		if attempt+1 == attempts {
			return fmt.Errorf("registry: create %s: %w: %w", key, ErrUnavailable, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// holds returns nil if key holds the bytes described, ErrExist if it holds
// others, ErrNotExist if it holds none. It reads them all: what the server
// remembers of them is not what it would return.
func (s *S3) holds(ctx context.Context, key string, size int64, sum Digest) error {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return err
	}
	if info.Size != size {
		return fmt.Errorf("registry: create %s: %w with %d bytes, not %d", key, ErrExist, info.Size, size)
	}
	body, _, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := digestReader(ctx, body)
	if err != nil {
		return s3Error("create", key, err)
	}
	if got != sum {
		return fmt.Errorf("registry: create %s: %w with digest %s, not %s", key, ErrExist, got, sum)
	}
	return nil
}

// Swap uses the ETag of the object as its version.
func (s *S3) Swap(ctx context.Context, key string, old Version, data []byte) (Version, error) {
	if err := cmp.Or(checkKey("swap", key), ctx.Err()); err != nil {
		return "", err
	}
	if err := s.Probe(ctx); err != nil {
		return "", err
	}
	etag, resent, err := s.put(ctx, key, ifVersion(old), bytes.NewReader(data), int64(len(data)), DigestOf(data))
	switch {
	case err == nil:
		return Version(etag), nil
	case !refused(err) && !missing(err):
		return "", s3Error("swap", key, err)
	case resent: // it may be this very swap that was first, its answer lost
		there, version, err := s.Load(ctx, key)
		if err != nil && !errors.Is(err, ErrNotExist) {
			return "", err
		}
		if err == nil && bytes.Equal(there, data) {
			return version, nil
		}
	}
	return "", fmt.Errorf("registry: swap %s: %w: %w", key, ErrConflict, err)
}

func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := cmp.Or(checkPrefix(prefix), ctx.Err()); err != nil {
			yield(Info{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		root := s.config.root()
		opts := minio.ListObjectsOptions{Prefix: root + prefix, Recursive: true}
		for object := range s.client.ListObjectsIter(ctx, s.config.Bucket, opts) {
			if object.Err != nil {
				yield(Info{}, s3Error("list", prefix, object.Err))
				return
			}
			key := strings.TrimPrefix(object.Key, root)
			if key == "" || strings.HasPrefix(key, ".") || strings.Contains(key, "/.") {
				continue
			}
			if !yield(objectInfo(key, object), nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // else a listing cut short would look whole
			yield(Info{}, err)
		}
	}
}

func (s *S3) Delete(ctx context.Context, key string) error {
	if err := cmp.Or(checkKey("delete", key), ctx.Err()); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.config.Bucket, s.object(key), minio.RemoveObjectOptions{})
	if err = s3Error("delete", key, err); errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

func objectInfo(key string, object minio.ObjectInfo) Info {
	return Info{Key: key, Size: object.Size, ModTime: object.LastModified}
}

// s3Error sorts an error into the classes of this package.
func s3Error(op, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case missing(err):
		return fmt.Errorf("registry: %s %s: %w", op, key, ErrNotExist)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, ErrCorrupt), errors.Is(err, ErrUnavailable):
		return fmt.Errorf("registry: %s %s: %w", op, key, err)
	}
	return fmt.Errorf("registry: %s %s: %w: %w", op, key, ErrUnavailable, err)
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
