package registry

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
)

// Home is where cidbench is published. What it says in the words of others is named after it.
const Home = "https://github.com/cidbench/cidbench"

// PayloadType is that of the statements in envelopes.
const PayloadType = "application/vnd.in-toto+json"

const (
	statementType    = "https://in-toto.io/Statement/v1"
	runPredicateType = Home + "/run/v1"
)

// A Statement is an in-toto statement, version 1: what is said of files, which are named by their digests.
type Statement struct {
	Type          string    `json:"_type"` // that of version 1, which Text fills in
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     any       `json:"predicate"` // JSON says what it is
}

// A Subject is a file that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // hexadecimal digits by algorithm
}

// SubjectOf is a file whose content has the digest.
func SubjectOf(name string, digest Digest) Subject {
	return Subject{name, map[string]string{"sha256": digest.Hex()}}
}

// Text is the statement as canonical JSON: what is signed. An error means that the predicate is none.
func (s Statement) Text() ([]byte, error) {
	s.Type = statementType
	return canonical(s)
}

// KeyID names a public key: the first 32 hexadecimal digits of its SHA-256.
func KeyID(key ed25519.PublicKey) string { return DigestOf(key).Hex()[:keyIDLen] }

// An Envelope is a DSSE envelope, version 1.0.2 of its specification.
type Envelope struct {
	Payload     []byte      `json:"payload"` // base64
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// A Signature of an envelope is one of PreAuthentication of its payload.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"` // base64
}

// PreAuthentication is what is signed of a payload that is an in-toto statement, so that a signature of a payload of one
// type is none of another.
func PreAuthentication(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(PayloadType), PayloadType, len(payload), payload)
}

// Sign vouches for the manifest of a finished run: it stores an in-toto statement with the digest of the manifest,
// and thus of everything that the run rests on, in a DSSE envelope that is signed with key. Signing again changes
// nothing. Errors: those of Run; ErrExist if a damaged signature is in the way.
func (r *Registry) Sign(ctx context.Context, run string, key ed25519.PrivateKey) error {
	m, digest, err := r.Run(ctx, run)
	if err != nil {
		return err
	}
	payload, err := statementOf(m, digest).Text()
	if err != nil {
		return err
	}
	text, err := Seal(payload, key)
	if err != nil {
		return err
	}
	return r.put(ctx, signatureKey(run, KeyID(key.Public().(ed25519.PublicKey))), text)
}

// Seal is a DSSE envelope around the text of a statement, signed with key, as it is stored.
func Seal(payload []byte, key ed25519.PrivateKey) ([]byte, error) {
	return encode(Envelope{
		Payload:     payload,
		PayloadType: PayloadType,
		Signatures:  []Signature{{KeyID(key.Public().(ed25519.PublicKey)), ed25519.Sign(key, PreAuthentication(payload))}},
	})
}

// statementOf is the in-toto statement, version 1, about one manifest, whose stored form has the digest.
func statementOf(m Manifest, digest Digest) Statement {
	return Statement{
		Subject:       []Subject{SubjectOf(manifestKey(m.Run), digest)},
		PredicateType: runPredicateType,
		Predicate:     map[string]any{"run": m.Run, "status": m.Status, "resultDigest": m.ResultDigest},
	}
}

// VerifySignature checks that key has signed the manifest of a run as it is stored. Errors: ErrNotExist if there is
// no signature by key, or no run; ErrCorrupt if there is one of something else; ErrUnavailable.
func (r *Registry) VerifySignature(ctx context.Context, run string, key ed25519.PublicKey) error {
	if err := CheckPublicKey(key); err != nil {
		return corrupt("public key %s: %w", KeyID(key), err)
	}
	m, digest, err := r.Run(ctx, run)
	if err != nil {
		return err
	}
	name := signatureKey(run, KeyID(key))
	text, err := r.loadObject(ctx, name)
	if err != nil {
		return err
	}
	if err := verifyEnvelope(text, key, m, digest); err != nil {
		return fmt.Errorf("registry: %s: %w", name, err)
	}
	return nil
}

// verifyEnvelope checks that key has signed the manifest whose stored form has the digest. Every error is ErrCorrupt.
func verifyEnvelope(text []byte, key ed25519.PublicKey, m Manifest, digest Digest) error {
	want, err := statementOf(m, digest).Text()
	if err != nil {
		return corrupt("%w", err)
	}
	return verifySealed(text, key, want)
}

// verifySealed checks that key has signed a payload. Every error is ErrCorrupt.
func verifySealed(text []byte, key ed25519.PublicKey, want []byte) error {
	e, err := decodeSealed(text, KeyID(key))
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, PreAuthentication(e.Payload), e.Signatures[0].Sig) {
		return corrupt("the signature is not one by key %s", KeyID(key))
	}
	return e.says(want)
}

// decodeEnvelope reads what claims to be the signature of a manifest by the key of an id. Every error is ErrCorrupt.
func decodeEnvelope(text []byte, keyID string, m Manifest, digest Digest) error {
	e, err := decodeSealed(text, keyID)
	if err != nil {
		return err
	}
	want, err := statementOf(m, digest).Text()
	if err != nil {
		return corrupt("%w", err)
	}
	return e.says(want)
}

// decodeSealed reads what claims to be an envelope by the key of an id. Every error is ErrCorrupt.
func decodeSealed(text []byte, keyID string) (Envelope, error) {
	var e Envelope
	if err := decodeStored(text, &e); err != nil {
		return e, corrupt("%w", err)
	}
	if e.PayloadType != PayloadType || len(e.Signatures) != 1 || e.Signatures[0].KeyID != keyID {
		return e, corrupt("not one signature by key %s of a payload of type %s", keyID, PayloadType)
	}
	return e, nil
}

// says fails unless that is what is signed.
func (e Envelope) says(want []byte) error {
	if !bytes.Equal(e.Payload, want) {
		return corrupt("what is signed is something else: %.400q, not %.400q", e.Payload, want)
	}
	return nil
}

// CheckPublicKey fails for a key of small order: anybody can sign for one.
func CheckPublicKey(key ed25519.PublicKey) error {
	point, err := new(edwards25519.Point).SetBytes(key)
	if err != nil {
		return errors.New("it is no point of the curve")
	}
	if point.MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return errors.New("it is of small order, for which anybody can sign")
	}
	return nil
}
