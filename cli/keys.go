package cli

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/modelsign"
)

// readPublicKey refuses one for which anybody can sign.
func readPublicKey(name string) (ed25519.PublicKey, error) {
	key, err := readKey[ed25519.PublicKey](name, "an Ed25519 key", func(block *pem.Block) (any, error) {
		return x509.ParsePKIXPublicKey(block.Bytes)
	})
	if err == nil {
		if err = registry.CheckPublicKey(key); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return key, err
}

// readPrivateKey reads PKCS #8, and the older form that openssl gives keys of elliptic curves.
func readPrivateKey[K any](name, kind string) (K, error) {
	return readKey[K](name, kind, func(block *pem.Block) (any, error) {
		if block.Type == "EC PRIVATE KEY" {
			return x509.ParseECPrivateKey(block.Bytes)
		}
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	})
}

// readKey reads a key of a kind from a PEM file, in which what is no key may stand before it. The errors never quote
// what is in it.
func readKey[K any](name, kind string, parse func(*pem.Block) (any, error)) (key K, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return key, err
	}
	block, rest := pem.Decode(text)
	for block != nil && !strings.HasSuffix(block.Type, "KEY") {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return key, fmt.Errorf("%s is not a PEM file of a key", name)
	}
	parsed, err := parse(block)
	if err != nil {
		return key, fmt.Errorf("%s cannot be parsed as a key of this kind", name)
	}
	key, ok := parsed.(K)
	if !ok {
		return key, fmt.Errorf("%s is not %s", name, kind)
	}
	return key, nil
}

// addModelKey adds the flag of commands that write weights.
func (a *app) addModelKey(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.modelKey, "key", "", "PEM file of an EC private key (P-256): also sign the file, as OpenSSF model signing, in OUTPUT.sig")
}

// writeModel writes weights to --output, and where there is a --key their signature beside them.
func (a *app) writeModel(weights []byte) error {
	if a.modelKey == "" {
		return a.writeBytes(a.output, weights)
	}
	if a.output == "" {
		return usagef("--key signs a file: name it with --output")
	}
	key, err := readPrivateKey[*ecdsa.PrivateKey](a.modelKey, "an EC key")
	if err != nil {
		return usagef("--key: %w", err)
	}
	if err := modelsign.CheckKey(key); err != nil {
		return usagef("--key: %s: %w", a.modelKey, err)
	}
	signature, err := modelsign.Sign(a.output, weights, key)
	if err == nil {
		err = a.writeBytes(a.output, weights)
	}
	if err != nil {
		return err
	}
	return a.writeBytes(a.output+".sig", signature)
}

func (a *app) writeBytes(file string, content []byte) error {
	return a.write("--output", file, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
