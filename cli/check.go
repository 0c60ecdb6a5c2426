package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type checkCommand struct {
	*Console
	storeFlag
	jsonFlag
	readData  bool
	publicKey string
}

func newCheck(c *Console) *cobra.Command {
	o := &checkCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for damage: missing, truncated, flipped or misplaced objects, bad manifests",
		Args:  cobra.NoArgs,
	}
	o.addRegistry(cmd, c, o.run)
	o.addJSON(cmd)
	cmd.Flags().BoolVar(&o.readData, "read-data", false, "read and hash every object, not only its size")
	cmd.Flags().StringVar(&o.publicKey, "public-key", "", "PEM file of an Ed25519 public key: every manifest must be signed by it")
	return cmd
}

func (o *checkCommand) run(ctx context.Context, reg *registry.Registry, _ []string) error {
	opts := registry.CheckOptions{ReadData: o.readData, Progress: o.counter("checked")}
	if o.publicKey != "" {
		key, err := readKey[ed25519.PublicKey](o.publicKey, x509.ParsePKIXPublicKey)
		if err != nil {
			return usagef("--public-key: %w", err)
		}
		opts.PublicKey = key
	}
	problems, err := reg.Check(ctx, opts)
	switch {
	case err != nil:
		return err
	case o.json:
		err = o.printJSON(append([]registry.Problem{}, problems...)) // none are [], not null
	case len(problems) == 0:
		fmt.Fprintf(o.Stdout, "%s is whole\n", reg)
	}
	for _, p := range problems {
		if !o.json {
			fmt.Fprintln(o.Stdout, p)
		}
	}
	if err == nil && len(problems) > 0 {
		err = coded{exitIntegrity, fmt.Sprintf("%s has %d problems", reg, len(problems))}
	}
	return err
}

// readKey reads an Ed25519 key from a PEM file. The errors never quote what is in it.
func readKey[K ed25519.PublicKey | ed25519.PrivateKey](name string, parse func([]byte) (any, error)) (K, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not a PEM file", name)
	}
	parsed, err := parse(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be parsed as a key of this kind", name)
	}
	key, ok := parsed.(K)
	if !ok {
		return nil, fmt.Errorf("%s is not an Ed25519 key", name)
	}
	return key, nil
}
