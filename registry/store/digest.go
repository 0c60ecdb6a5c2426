package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
