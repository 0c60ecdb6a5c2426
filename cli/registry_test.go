package cli

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// A run that somebody has signed does not give way in silence to one with the same result that nobody has: import and copy
// name it, and end with code 6.
func TestSignedRunIsDisplaced(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err == nil {
		err = os.WriteFile(at("public.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	commit := func(name, tool string) (reg *registry.Registry, run string) {
		reg, err := registry.Open(t.Context(), at(name))
		if err == nil {
			_, err = reg.Commit(t.Context(), registry.Manifest{
				Status: registry.Complete, Key: []byte(`{"seed":1}`), Result: []byte(`{"loss":2}`), Provenance: registry.Provenance{Tool: tool},
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		run, err = registry.RunID([]byte(`{"seed":1}`))
		if err != nil {
			t.Fatal(err)
		}
		return reg, run
	}
	honest, run := commit("honest", "cidbench")
	commit("forged", "forged")
	want := func(code int, text string, args ...string) {
		t.Helper()
		got, out, errs := try(t.Context(), append([]string{"registry"}, args...)...)
		if got != code || !strings.Contains(out+errs, text) {
			t.Errorf("registry %s: exit %d, want %d with %q: %s%s", args, got, code, text, out, errs)
		}
	}
	const kept = "1 runs were there with the same result and another provenance, which stays"
	want(0, kept, "copy", at("honest"), at("forged"))
	if err := honest.Sign(t.Context(), run, key); err != nil {
		t.Fatal(err)
	}
	want(0, "", "export", "--store", at("honest"), "--output", at("runs.tar"))
	want(0, kept, "import", at("runs.tar"), "--store", at("forged"))
	want(6, run, "import", at("runs.tar"), "--store", at("forged"), "--public-key", at("public.pem"))
	want(6, run, "copy", at("honest"), at("forged"))
	want(6, `"displaced": [`, "import", at("runs.tar"), "--store", at("forged"), "--public-key", at("public.pem"), "--json")

	// As it is advised.
	want(0, run+"  forgotten", "forget", run, "--store", at("forged"), "--remove")
	want(0, "1 runs imported", "import", at("runs.tar"), "--store", at("forged"), "--public-key", at("public.pem"))
	want(0, "is whole", "check", "--store", at("forged"), "--public-key", at("public.pem"))
}
