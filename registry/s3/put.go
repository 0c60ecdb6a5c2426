package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

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

// checked are the options of a PUT whose body the server compares with sum. The
// signature covers that header, and need not cover the body again: servers say
// of a damaged one that the signature is wrong, as if the secret were.
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
	resent, err = retry(ctx, body, 0, size, func(r io.Reader) error {
		info, err := b.client.PutObject(ctx, b.name, b.object(key), r, size, "", "", opts)
		etag = info.ETag
		return err
	})
	return etag, resent, err
}
