package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func TestSign(t *testing.T) {
	ctx := t.Context()
	root := t.TempDir()
	r := openRegistry(t, root)
	one, _ := commit(t, r, newManifest(1, map[string]registry.Descriptor{"checkpoint": putBlob(t, r, "weights")}))
	two, _ := commit(t, r, newManifest(2, nil))
	key, other := newKey(1), newKey(2)
	for range 2 {
		wantErr(t, "Sign", r.Sign(ctx, one, key), nil)
	}
	wantErr(t, "VerifySignature", r.VerifySignature(ctx, one, publicKey(key)), nil)
	wantErr(t, "another key", r.VerifySignature(ctx, one, publicKey(other)), registry.ErrNotExist)
	wantErr(t, "another run", r.VerifySignature(ctx, two, publicKey(key)), registry.ErrNotExist)
	wantErr(t, "Sign of no run", r.Sign(ctx, strings.Repeat("0", 32), key), registry.ErrNotExist)

	check := func(want ...string) {
		t.Helper()
		if got := found(t, r, registry.CheckOptions{PublicKey: publicKey(key)}); !slices.Equal(got, want) {
			t.Errorf("Check finds %q, want %q", got, want)
		}
	}
	check("runs/" + two + "/manifest.json: unsigned")
	wantErr(t, "Sign", r.Sign(ctx, two, key), nil)
	check()
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("without a key, Check finds %q", got)
	}

	// What cosign and in-toto read: an envelope around a statement.
	name := func(run string) string {
		return "runs/" + run + "/signatures/" + registry.KeyID(publicKey(key)) + ".json"
	}
	text := readFile(t, root, name(one))
	var envelope struct{ Payload, PayloadType string }
	if err := json.Unmarshal([]byte(text), &envelope); err != nil || envelope.PayloadType != "application/vnd.in-toto+json" {
		t.Errorf("the envelope is %s, %v", text, err)
	}
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil || !strings.Contains(string(payload), `"_type":"https://in-toto.io/Statement/v1"`) {
		t.Errorf("the statement is %s, %v", payload, err)
	}

	// The signature of another run, by another key, and every flipped byte.
	overwrite(t, root, name(two), text)
	check(name(two) + ": bad signature")
	for i := range len(text) - 1 {
		flipped := []byte(text)
		flipped[i] ^= 1
		overwrite(t, root, name(one), string(flipped))
		wantErr(t, "a flipped byte of "+text[i:], r.VerifySignature(ctx, one, publicKey(key)), registry.ErrCorrupt)
	}
	wantErr(t, "Sign over a damaged signature", r.Sign(ctx, one, key), registry.ErrExist)
}
