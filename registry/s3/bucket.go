package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

// A bucket is the part of one that a store has. Its methods are requests; their errors are those of minio-go.
type bucket struct {
	client    *minio.Core
	transport *transport // of the client
	name      string
	root      string // what the names of all objects of the store start with
}

// object is the name of a key in the bucket.
func (b bucket) object(key string) string { return b.root + key }

// ifVersion is the condition that an object has a version, or that it is absent.
func ifVersion(v store.Version) func(*minio.PutObjectOptions) {
	return func(opts *minio.PutObjectOptions) {
		if v == "" {
			opts.SetMatchETagExcept("*")
		} else {
			opts.SetMatchETag(string(v))
		}
	}
}

const checksumHeader = "x-amz-checksum-sha256"

// checked are the options of a PUT whose body the server compares with sum. The signature covers that header, and
// need not cover the body again: servers say of a damaged one that the signature is wrong, as if the secret were.
func checked(sum store.Digest) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		UserMetadata:         map[string]string{checksumHeader: checksumValue(sum)},
		DisableContentSha256: true,
	}
}

func checksumValue(sum store.Digest) string {
	raw, _ := hex.DecodeString(sum.Hex())
	return base64.StdEncoding.EncodeToString(raw)
}

// put sends an object in one request, again where that makes sense. resent says
// that a refusal may be due to an earlier attempt, whose answer was lost.
func (b bucket) put(ctx context.Context, key string, condition func(*minio.PutObjectOptions), body io.ReadSeeker, size int64, sum store.Digest) (etag string, resent bool, err error) {
	opts := checked(sum)
	condition(&opts)
	resent, err = b.retry(ctx, body, 0, size, func(ctx context.Context, r io.Reader) error {
		info, err := b.client.PutObject(ctx, b.name, b.object(key), r, size, "", "", opts)
		etag = info.ETag
		return err
	})
	return etag, resent, err
}

// remove removes an object; it succeeds if there is none.
func (b bucket) remove(ctx context.Context, op, key string) error {
	err := b.client.RemoveObject(ctx, b.name, b.object(key), minio.RemoveObjectOptions{})
	if err == nil || missing(err) {
		return nil
	}
	return classified(op, key, err)
}

// load reads an object, whose version is its ETag.
func (b bucket) load(ctx context.Context, op, key string) ([]byte, store.Version, error) {
	body, info, err := b.open(ctx, key)
	if err != nil {
		return nil, "", classified(op, key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, "", classified(op, key, err)
	}
	return data, store.Version(info.ETag), nil
}

// open starts reading an object.
func (b bucket) open(ctx context.Context, key string) (io.ReadCloser, minio.ObjectInfo, error) {
	body, info, _, err := b.client.GetObject(ctx, b.name, b.object(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, minio.ObjectInfo{}, err
	}
	if info.Size < 0 {
		body.Close()
		return nil, minio.ObjectInfo{}, fmt.Errorf("%w: its answer has no length", errNotS3)
	}
	return &download{ctx: ctx, bucket: b, key: key, body: body, info: info, began: time.Now()}, info, nil
}

// A download is the body of an object. It outlives connections: when one
// breaks, it asks for the rest of the same version of the object.
type download struct {
	ctx      context.Context
	bucket   bucket
	key      string
	body     io.ReadCloser
	info     minio.ObjectInfo
	offset   int64
	failures int // since began
	began    time.Time
	moved    int // bytes since the last failure
}

func (d *download) Close() error { return d.body.Close() }

func (d *download) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := d.body.Read(p)
	d.offset += int64(n)
	if d.moved += n; d.moved >= leastBytes { // a body that drips gets no further by being asked for again and again
		d.failures = 0
	}
	switch {
	case err == nil:
		return n, nil
	case d.offset == d.info.Size:
		return n, io.EOF
	case d.ctx.Err() != nil:
		return n, d.ctx.Err()
	}
	return n, d.resume(err)
}

func (d *download) resume(cause error) error {
	d.body.Close()
	for {
		if d.failures == 0 {
			d.began = time.Now()
		}
		wait, ok := d.bucket.transport.wait(d.ctx, d.began, d.failures, 0, cause)
		if !ok {
			break
		}
		if err := sleep(d.ctx, wait); err != nil {
			return err
		}
		d.failures++
		d.moved = 0
		if cause = d.again(); cause == nil {
			return nil
		}
		if answer(cause).StatusCode != 0 || errors.Is(cause, errNotTheRest) { // it is gone or another: reading on makes no sense
			break
		}
	}
	return fmt.Errorf("%w after %d of %d bytes: %w", store.ErrUnavailable, d.offset, d.info.Size, cause)
}

// again asks for the rest. A server that ignores that sends all of it once more.
func (d *download) again() error {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(d.offset, d.info.Size-1); err != nil {
		return err
	}
	if err := opts.SetMatchETag(d.info.ETag); err != nil {
		return err
	}
	body, info, header, err := d.bucket.client.GetObject(d.ctx, d.bucket.name, d.bucket.object(d.key), opts)
	if err != nil {
		return err
	}
	part := header.Get("Content-Range")
	switch {
	case info.ETag != d.info.ETag:
		err = fmt.Errorf("%w: it has changed from %s to %s", errNotTheRest, d.info.ETag, info.ETag)
	case part == "":
		_, err = io.CopyN(io.Discard, body, d.offset)
	case !strings.HasPrefix(part, fmt.Sprintf("bytes %d-", d.offset)):
		err = fmt.Errorf("%w: it is %.60q", errNotTheRest, part)
	}
	if err != nil {
		body.Close()
		return err
	}
	d.body = body
	return nil
}

var errNotTheRest = errors.New("what comes is not the rest of the object")
