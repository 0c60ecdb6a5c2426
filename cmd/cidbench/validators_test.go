package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/registry"
)

// validators is where `make validators` puts the tools of others. Where it did not, the test is left out, or with
// CIDBENCH_REQUIRE_VALIDATORS fails.
func validators(t *testing.T) string {
	t.Helper()
	at, err := filepath.Abs("../../bin/validators")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(at, "whole")); err != nil {
		if os.Getenv("CIDBENCH_REQUIRE_VALIDATORS") != "" {
			t.Fatalf("no validators: %v", err)
		}
		t.Skip("NOT CHECKED by others' validators of evidence: `make validators` brings them")
	}
	return at
}

// commands are those of docs/evidence.md that check something with a validator.
func commands(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    bin/validators/"); ok {
			all = append(all, "bin/validators/"+command)
		}
	}
	return all
}

// TestForeignValidators: others' validators, as docs/evidence.md calls them, accept evidence, an encoder and a data set
// that were just made, and the citation file, and each refuses what was changed.
func TestForeignValidators(t *testing.T) {
	tools, made := validators(t), toValidate(t)
	run := func(t *testing.T, command string, change func(dir string) error) (string, error) {
		t.Helper()
		dir := t.TempDir()
		err := os.CopyFS(dir, os.DirFS(made))
		for link, to := range map[string]string{"bin/validators": tools, ".ci": "../../.ci"} {
			to, _ = filepath.Abs(to)
			link = filepath.Join(dir, link)
			err = cmp.Or(err, os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(to, link))
		}
		if err = cmp.Or(err, change(dir)); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "sh", "-c", command)
		c.Dir = dir
		out, err := c.CombinedOutput()
		return string(out), err
	}
	all := commands(t)
	used := map[string]bool{}
	for _, command := range all {
		tool := strings.Split(command, "/")[2]
		used[tool] = true
		t.Run(tool+" accepts", func(t *testing.T) {
			if out, err := run(t, command, func(string) error { return nil }); err != nil {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
		})
	}
	for _, tool := range []string{"roc-validator", "in-toto-attestation", "model-signing", "mlcroissant", "cffconvert"} {
		if !used[tool] {
			t.Errorf("docs/evidence.md has no line for %s", tool)
		}
	}
	for _, test := range []struct{ name, by, file, from, to string }{
		{"no instrument", "roc-validator", "evidence/ro-crate-metadata.json", `"instrument"`, `"instruments"`},
		{"no licence", "roc-validator", "evidence/ro-crate-metadata.json", `"license"`, `"licenses"`},
		{"a file that is not there", "roc-validator", "evidence/ro-crate-metadata.json", `/manifest.json"`, `/manifests.json"`},
		{"no statement", "in-toto-attestation", "evidence/verdicts/hardest5.json", `"_type":"https://in-toto.io/Statement/v1"`, `"_type":"other"`},
		{"no such predicate", "in-toto-attestation", "evidence/verdicts/hardest5.json", `"passedTests"`, `"otherTests"`},
		{"another verdict", "in-toto-attestation", "evidence/verdicts/hardest5.json", `"result":"WARNED"`, `"result":"PASSED"`},
		{"another run", "in-toto-attestation", "evidence/verdicts/hardest5.json", `"digest":{"sha256":"`, `"digest":{"sha256":"0`},
		{"another signature", "in-toto-attestation", "evidence/verdicts/hardest5.dsse.json", `"sig":"`, `"sig":"AAAA`},
		{"another key", "in-toto-attestation", "public.pem", "", otherPublicKey(t)},
		{"other weights", "model-signing", "encoder.safetensors", `"step":"`, `"step":"9`},
		{"another signature of weights", "model-signing", "encoder.safetensors.sig", `"payload":"eyJ`, `"payload":"eyK`},
		{"other weights of a checkpoint", "checkpoint.safetensors.sig", "checkpoint.safetensors", `"step":"`, `"step":"9`},
		{"no type of a field", "datasets/*/croissant.json", "evidence/datasets/glyphs-small/croissant.json", `"dataType": "sc:Text"`, `"data": "sc:Text"`},
		{"no digest", "photos.json", "photos.json", `"sha256"`, `"sha1"`},
		{"no authors", "cffconvert", "CITATION.cff", "\nauthors:", "\nwriters:"},
	} {
		t.Run(test.by+" refuses "+test.name, func(t *testing.T) {
			i := slices.IndexFunc(all, func(command string) bool { return strings.Contains(command, test.by) })
			out, err := run(t, all[i], func(dir string) error { return change(filepath.Join(dir, test.file), test.from, test.to) })
			if err == nil {
				t.Errorf("%s: accepted\n%s", all[i], out)
			}
			t.Logf("%.2000s", out) // what it says, with -v
		})
	}
}

// change replaces a text in a file, or all of it if the text is empty.
func change(file, from, to string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed := []byte(to)
	if from != "" {
		changed = bytes.ReplaceAll(text, []byte(from), []byte(to))
	}
	if bytes.Equal(text, changed) {
		return os.ErrInvalid
	}
	return cmp.Or(os.Chmod(file, 0o644), os.WriteFile(file, changed, 0o644))
}

// toValidate makes what docs/evidence.md checks: evidence, its keys, an encoder, the description of a data set.
func toValidate(t *testing.T) string {
	t.Helper()
	store, err := sharedStore()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, signer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"key.pem": signer, "ec.pem": curve} {
		text, err := x509.MarshalPKCS8PrivateKey(key)
		if err = cmp.Or(err, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, key := range map[string]any{"public.pem": signer.Public(), "ec-public.pem": curve.Public()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(publicPEM(t, key)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run, err := trainedRun(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	citation, err := os.ReadFile("../../CITATION.cff")
	if err = cmp.Or(err, os.WriteFile(filepath.Join(dir, "CITATION.cff"), citation, 0o644), drawPictures(filepath.Join(dir, "photos"), 5, "cat", "dog", "eel")); err != nil {
		t.Fatal(err)
	}
	script := `set -e
cidbench report --store "$STORE" --tier smoke --claim hardest5 --seeds 3 --save-evidence results.tar.gz --key key.pem >report.txt
mkdir evidence
tar -xzf results.tar.gz -C evidence
cidbench export-encoder --store "$STORE" "$RUN" --output encoder.safetensors --key ec.pem
checkpoint=$(cidbench registry show --store "$STORE" "$RUN" | grep -o 'checkpoint-[0-9]*' | head -1)
cidbench registry get --store "$STORE" "$RUN" "$checkpoint" --output checkpoint.safetensors --key ec.pem
cidbench data import photos --data-dir data
cidbench data show photos --data-dir data --croissant >photos.json`
	c := exec.CommandContext(t.Context(), "sh", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(program())+":"+os.Getenv("PATH"), "STORE="+store, "RUN="+run)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	text, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: text}))
}

func otherPublicKey(t *testing.T) string {
	t.Helper()
	key, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return publicPEM(t, key)
}

// trainedRun is a run that has a checkpoint.
func trainedRun(ctx context.Context, store string) (string, error) {
	reg, err := registry.OpenExisting(ctx, store)
	if err != nil {
		return "", err
	}
	for m, err := range reg.Manifests(ctx) {
		if err != nil {
			return "", err
		}
		for name := range m.Artifacts {
			if strings.HasPrefix(name, "checkpoint-") {
				return m.Run, nil
			}
		}
	}
	return "", os.ErrNotExist
}
