package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

const digestPrefix = "sha256:"

// A Digest is the SHA-256 of some bytes, written "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// DigestOf hashes data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return digestFrom(sum[:])
}

func digestFrom(sum []byte) Digest {
	return Digest(digestPrefix + hex.EncodeToString(sum))
}

// ParseDigest accepts exactly the form that Digest documents.
func ParseDigest(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(digits) != 2*sha256.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", fmt.Errorf("registry: %.100q is not a digest: want %s and %d lower-case hexadecimal digits",
			s, digestPrefix, 2*sha256.Size)
	}
	return Digest(s), nil
}

// Hex is the digest without its algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// UnmarshalText is ParseDigest; it keeps malformed digests out of decoded JSON.
func (d *Digest) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDigest(string(text))
	return err
}

// CopyVerified copies body to w, from its start if it is an io.Seeker. It fails
// with ErrCorrupt unless exactly size bytes arrive that hash to sum.
func CopyVerified(ctx context.Context, w io.Writer, body io.Reader, size int64, sum Digest) error {
	if body, ok := body.(io.Seeker); ok {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
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

// Holds returns nil if key holds the bytes described, ErrExist if it holds others, ErrNotExist if it holds none. It
// reads them all: what a server remembers of them is not what it would return. Others are believed when they come twice,
// for a bit may flip on the way; ErrCorrupt if they do not.
func Holds(ctx context.Context, s Store, key string, size int64, sum Digest) error {
	got, err := digestAt(ctx, s, key, size)
	if err != nil || got == sum {
		return err
	}
	again, err := digestAt(ctx, s, key, size)
	switch {
	case err != nil || again == sum:
		return err
	case again != got:
		return fmt.Errorf("registry: create %s: %w: what is there is read as %s, then as %s", key, ErrCorrupt, got, again)
	}
	return fmt.Errorf("registry: create %s: %w with digest %s, not %s", key, ErrExist, got, sum)
}

// digestAt is the digest of what a key holds; ErrExist if that has another size.
func digestAt(ctx context.Context, s Store, key string, size int64) (Digest, error) {
	body, info, err := s.Get(ctx, key)
	if err != nil {
		return "", err
	}
	defer body.Close()
	if info.Size != size {
		return "", fmt.Errorf("registry: create %s: %w with %d bytes, not %d", key, ErrExist, info.Size, size)
	}
	got, err := DigestFrom(ctx, body)
	if err != nil {
		err = fmt.Errorf("registry: create %s: %w: %w", key, cmp.Or(ctx.Err(), ErrUnavailable), err)
	}
	return got, err
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
