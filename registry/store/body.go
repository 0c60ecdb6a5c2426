package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
)

// CopyVerified copies body from its start to w. It fails with ErrCorrupt unless
// exactly size bytes arrive that hash to sum.
func CopyVerified(ctx context.Context, w io.Writer, body io.ReadSeeker, size int64, sum Digest) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hash := sha256.New()
	// One byte more than promised is enough to see that body is too long.
	n, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(ContextReader(ctx, body), size+1))
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%w: body has %s, want %d", ErrCorrupt, atMost(n, size), size)
	}
	if got := digestFrom(hash.Sum(nil)); got != sum {
		return fmt.Errorf("%w: body hashes to %s, want %s", ErrCorrupt, got, sum)
	}
	return nil
}

func atMost(n, size int64) string {
	if n > size {
		return fmt.Sprintf("more than %d bytes", size)
	}
	return fmt.Sprintf("%d bytes", n)
}

// DigestFrom hashes all of r.
func DigestFrom(ctx context.Context, r io.Reader) (Digest, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, ContextReader(ctx, r)); err != nil {
		return "", err
	}
	return digestFrom(hash.Sum(nil)), nil
}

// ContextReader is r until ctx is done: then it fails with the error of ctx.
func ContextReader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
