// Package modelsign signs files of weights as OpenSSF model signing does, version 1.0 of its predicate: an in-toto
// statement about the file in a DSSE envelope, within a Sigstore bundle. Its own tools verify that.
package modelsign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"path/filepath"

	"github.com/cidbench/cidbench/registry"
)

const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	predicateType = "https://model_signing/signature/v1.0"
)

// A predicate lists the files of a model.
type predicate struct {
	Resources     []resource    `json:"resources"`
	Serialization serialization `json:"serialization"`
}

type resource struct {
	Name      string `json:"name"` // relative to the model: "." if that is one file
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"` // hexadecimal
}

// A serialization says how a verifier gets to the same list.
type serialization struct {
	Method   string   `json:"method"`
	HashType string   `json:"hash_type"`
	Symlinks bool     `json:"allow_symlinks"`
	Ignore   []string `json:"ignore_paths"`
}

type bundle struct {
	MediaType string            `json:"mediaType"`
	Material  material          `json:"verificationMaterial"`
	Envelope  registry.Envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey publicKey `json:"publicKey"`
	Log       []string  `json:"tlogEntries"` // of transparency logs: none
}

type publicKey struct {
	Hint string `json:"hint"` // hexadecimal SHA-256 of the key in PEM
}

// CheckKey fails for keys of curves other than P-256, the one that cidbench signs models with.
func CheckKey(key *ecdsa.PrivateKey) error {
	if key.Curve != elliptic.P256() {
		return errors.New("it is not a key of the curve P-256 (prime256v1)")
	}
	return nil
}

// Sign is the signature of a model that is one file, with the content and under the base name of file, as the text of a
// Sigstore bundle. The same arguments give the same bytes (RFC 6979). Errors: those of CheckKey.
func Sign(file string, content []byte, key *ecdsa.PrivateKey) ([]byte, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	// The model as a whole is named by the digest of the digests of its files.
	model := registry.DigestOf(digest[:])
	payload, err := registry.Statement{
		Subject:       []registry.Subject{registry.SubjectOf(filepath.Base(file), model)},
		PredicateType: predicateType,
		Predicate: predicate{
			Resources:     []resource{{Name: ".", Algorithm: "sha256", Digest: registry.DigestOf(content).Hex()}},
			Serialization: serialization{Method: "files", HashType: "sha256", Ignore: []string{}},
		},
	}.Text()
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	hint := registry.DigestOf(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})).Hex()
	signed := sha256.Sum256(registry.PreAuthentication(payload))
	sig, err := key.Sign(nil, signed[:], crypto.SHA256) // without randomness: RFC 6979
	if err != nil {
		return nil, err
	}
	return json.Marshal(bundle{
		MediaType: bundleType,
		Material:  material{publicKey{hint}, []string{}},
		Envelope:  registry.Envelope{Payload: payload, PayloadType: registry.PayloadType, Signatures: []registry.Signature{{Sig: sig}}},
	})
}
