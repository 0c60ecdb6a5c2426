package s3

import (
	"context"
	"fmt"
	"io"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

// open starts reading an object.
func (b bucket) open(ctx context.Context, key string) (io.ReadCloser, minio.ObjectInfo, error) {
	body, info, _, err := b.client.GetObject(ctx, b.name, b.object(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, minio.ObjectInfo{}, err
	}
	return &download{ctx: ctx, bucket: b, key: key, body: body, info: info}, info, nil
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
	failures int
}

func (d *download) Close() error { return d.body.Close() }

func (d *download) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := d.body.Read(p)
	d.offset += int64(n)
	switch {
	case err == nil:
		return n, nil
	case d.offset == d.info.Size:
		return n, io.EOF
	case d.ctx.Err() != nil:
		return n, d.ctx.Err()
	}
	if err := d.resume(err); err != nil {
		return n, err
	}
	return n, nil
}

func (d *download) resume(cause error) error {
	d.body.Close()
	for ; d.failures < attempts; d.failures++ {
		if err := pause(d.ctx, d.failures); err != nil {
			return err
		}
		var opts minio.GetObjectOptions
		if err := opts.SetRange(d.offset, d.info.Size-1); err != nil {
			return err
		}
		if err := opts.SetMatchETag(d.info.ETag); err != nil {
			return err
		}
		body, _, _, err := d.bucket.client.GetObject(d.ctx, d.bucket.name, d.bucket.object(d.key), opts)
		if err == nil {
			d.failures++
			d.body = body
			return nil
		}
		cause = err
		if answer(err).StatusCode != 0 { // it is gone or another: reading on makes no sense
			break
		}
	}
	return fmt.Errorf("%w after %d of %d bytes: %w", store.ErrUnavailable, d.offset, d.info.Size, cause)
}
