package modelsign

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// payload is what model_signing 1.1.1 signs of a file encoder.safetensors that holds "hello\n", but for the paths that
// it ignores, of which a single file has none.
const payload = `{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {"name": "encoder.safetensors", "digest": {"sha256": "ecb65bb98f9d905b70458986c39fcbad7715e5f2fcc3b1f07767d7c83e2438cc"}}
  ],
  "predicateType": "https://model_signing/signature/v1.0",
  "predicate": {
    "resources": [
      {"name": ".", "algorithm": "sha256", "digest": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"}
    ],
    "serialization": {"hash_type": "sha256", "method": "files", "ignore_paths": [], "allow_symlinks": false}
  }
}`

func newKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestSign: the statement is that of model_signing, the signature is one of it by the key, and signing again gives the
// same bytes. That model_signing itself accepts it is tested in cmd/cidbench.
func TestSign(t *testing.T) {
	key := newKey(t, elliptic.P256())
	signed, err := Sign("somewhere/encoder.safetensors", []byte("hello\n"), key)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Sign("encoder.safetensors", []byte("hello\n"), key); err != nil || !bytes.Equal(again, signed) {
		t.Errorf("signing again gives %s, %v", again, err)
	}
	var b bundle
	if err := json.Unmarshal(signed, &b); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(b.Envelope.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(payload), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the statement is %v, want %v", got, want)
	}
	digest := sha256.Sum256(registry.PreAuthentication(b.Envelope.Payload))
	if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], b.Envelope.Signatures[0].Sig) {
		t.Error("the signature is none by the key")
	}
	if ecdsa.VerifyASN1(&newKey(t, elliptic.P256()).PublicKey, digest[:], b.Envelope.Signatures[0].Sig) {
		t.Error("the signature is one by another key")
	}
	if _, err := Sign("encoder.safetensors", nil, newKey(t, elliptic.P384())); err == nil {
		t.Error("a key of another curve signs")
	}
}
