package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
)

// A probe tests that the server keeps the promises that S3 documents, and that it allows what it has to allow. Its
// objects are below the prefix, in a folder that is no key's.
type probe struct {
	bucket
	key string
}

const probeFolder = ".probe/"

func newProbe(b bucket) probe { return probe{b, probeFolder + uuid.NewString()} }

// run leaves nothing behind. Errors: ErrUnavailable, with the guarantee that is lacking.
func (p probe) run(ctx context.Context) error {
	other := make(chan error, 1)
	go func() { other <- probe{p.bucket, p.key + "-parts"}.sums(ctx) }()
	err := p.conditions(ctx)
	return cmp.Or(err, <-other)
}

// conditions tests those of an object that is sent in one request.
func (p probe) conditions(ctx context.Context) (err error) {
	defer func() {
		if e := p.remove(context.WithoutCancel(ctx), "probe", p.key); err == nil {
			err = e
		}
	}()
	first, second := []byte("first"), []byte("second")
	put, completed := make(chan struct{}), make(chan error, 1)
	uploading, stop := context.WithCancel(ctx)
	defer stop()
	go func() { completed <- p.complete(uploading, second, put) }() // its parts may be sent before there is an object
	// What has to be refused is, by a server that refuses everything; so what has to be allowed comes first.
	version, err := p.allows(ctx, ifVersion(""), first, "it refuses to put an object that is not there (If-None-Match)")
	if err != nil {
		stop()
		return cmp.Or(err, <-completed)
	}
	close(put)
	err = p.refuses(p.send(ctx, ifVersion(""), second), "it ignores If-None-Match when an object is put")
	if err == nil {
		err = p.refuses(p.send(ctx, ifVersion("0123456789abcdef0123456789abcdef"), second), "it ignores If-Match when an object is put")
	}
	err = cmp.Or(err, p.refuses(<-completed, "it ignores If-None-Match when a multipart upload is completed"))
	if err != nil {
		return err
	}
	data, there, err := p.load(ctx, "probe", p.key)
	if err != nil {
		return err
	}
	if !bytes.Equal(data, first) {
		return lacks("it overwrites an object although it reports that a condition was not met")
	}
	if there != version {
		return lacks("it gives an object another ETag when it is read than when it was put")
	}
	_, err = p.allows(ctx, ifVersion(there), second, "it refuses to replace an object whose ETag is the one it gave (If-Match); weak ETags are none to compare with")
	return err
}

// sums tests those of bodies, and that an object may be uploaded in parts where none is.
func (p probe) sums(ctx context.Context) (err error) {
	defer func() {
		if e := p.remove(context.WithoutCancel(ctx), "probe", p.key); err == nil {
			err = e
		}
	}()
	first, second := []byte("first"), []byte("second")
	stored, err := p.sendAs(ctx, first, store.DigestOf(second))
	if err != nil {
		return classified("probe", p.key, err)
	} else if stored {
		return lacks("it stores a body that does not match its x-amz-checksum-sha256")
	}
	now := make(chan struct{})
	close(now)
	if err = p.complete(ctx, second, now); refused(err) {
		return lacks("it refuses to complete a multipart upload of an object that is not there (If-None-Match)")
	}
	return classified("probe", p.key, err)
}

// allows checks that an object is put whose condition is met, and returns its version. A refusal may be that of the
// request's own repetition.
func (p probe) allows(ctx context.Context, condition func(*minio.PutObjectOptions), data []byte, otherwise string) (store.Version, error) {
	etag, resent, err := p.put(ctx, p.key, condition, bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
	switch {
	case err == nil:
		return store.Version(etag), nil
	case !refused(err):
		return "", classified("probe", p.key, err)
	case resent:
		there, version, err := p.load(ctx, "probe", p.key)
		if err == nil && bytes.Equal(there, data) {
			return version, nil
		} else if err != nil && !errors.Is(err, store.ErrNotExist) {
			return "", err
		}
	}
	return "", lacks(otherwise)
}

func lacks(guarantee string) error {
	return fmt.Errorf("%w: this server cannot hold a registry, because %s; use one that honours conditional writes and checksums, or a directory",
		store.ErrUnavailable, guarantee)
}

// refuses checks that err is the refusal of a condition that was not met.
func (p probe) refuses(err error, otherwise string) error {
	switch {
	case err == nil:
		return lacks(otherwise)
	case refused(err):
		return nil
	}
	return classified("probe", p.key, err)
}

// send puts an object, again where that makes sense.
func (p probe) send(ctx context.Context, condition func(*minio.PutObjectOptions), data []byte) error {
	_, _, err := p.put(ctx, p.key, condition, bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
	return err
}

// sendAs puts an object with the checksum of another, and reports whether it is stored rather than refused.
func (p probe) sendAs(ctx context.Context, data []byte, sum store.Digest) (stored bool, err error) {
	_, err = p.retry(ctx, bytes.NewReader(data), 0, int64(len(data)), func(ctx context.Context, body io.Reader) error {
		_, err := p.client.PutObject(ctx, p.name, p.object(p.key), body, int64(len(data)), "", "", checked(sum))
		stored = err == nil
		if damaged(err) || answer(err).StatusCode == http.StatusBadRequest && !transient(err) || refused(err) {
			return nil
		}
		return err
	})
	return stored, err
}

// complete uploads an object in one part, and completes the upload once after is closed.
func (p probe) complete(ctx context.Context, data []byte, after <-chan struct{}) (err error) {
	id, err := p.startUpload(ctx, p.key)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = p.client.AbortMultipartUpload(context.WithoutCancel(ctx), p.name, p.object(p.key), id)
		}
	}()
	part := uploadPart{number: 1, size: int64(len(data)), sha256: checksumValue(store.DigestOf(data))}
	sent, err := p.sendPart(ctx, p.key, id, bytes.NewReader(data), part)
	if err != nil {
		return err
	}
	select {
	case <-after:
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.completeUpload(ctx, p.key, id, []minio.CompletePart{sent})
}
