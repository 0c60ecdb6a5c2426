package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

const digestPrefix = "sha256:"

// A Digest is the SHA-256 of some bytes, written "sha256:" and 64 lower-case
// hexadecimal digits.
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
	if !ok || len(digits) != 2*sha256.Size || !isHex(digits) {
		return "", fmt.Errorf("registry: %.100q is not a digest: want %s and %d lower-case hexadecimal digits",
			s, digestPrefix, 2*sha256.Size)
	}
	return Digest(s), nil
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// Hex is the digest without its algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// UnmarshalText is ParseDigest; it keeps malformed digests out of decoded JSON.
func (d *Digest) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDigest(string(text))
	return err
}

// A Descriptor points to a blob and says what it is.
type Descriptor struct {
	MediaType   string            `json:"mediaType"` // carries the version of the schema
	Digest      Digest            `json:"digest"`
	Size        int64             `json:"size"` // in bytes
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (d Descriptor) validate() error {
	if d.MediaType == "" {
		return fmt.Errorf("registry: descriptor of %s has no media type", d.Digest)
	}
	if d.Size < 0 {
		return fmt.Errorf("registry: descriptor of %s has the negative size %d", d.Digest, d.Size)
	}
	_, err := ParseDigest(string(d.Digest))
	return err
}

// copyBody copies body from its start to w. It fails with ErrCorrupt unless
// exactly size bytes arrive that hash to sum.
func copyBody(ctx context.Context, w io.Writer, body io.ReadSeeker, size int64, sum Digest) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hash := sha256.New()
	// One byte more than promised is enough to see that body is too long.
	n, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(reader{ctx, body}, size+1))
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

// digestReader hashes all of r.
func digestReader(ctx context.Context, r io.Reader) (Digest, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, reader{ctx, r}); err != nil {
		return "", err
	}
	return digestFrom(hash.Sum(nil)), nil
}

// reader stops reading when its context is done.
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
