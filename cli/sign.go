package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

type signCommand struct {
	*Console
	storeFlag
	key string
}

func newSign(c *Console) *cobra.Command {
	o := &signCommand{Console: c}
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "Sign the manifests of all finished runs with an Ed25519 key (in-toto statements)",
		Example: "  openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem\n" +
			c.examples("registry sign --key key.pem", "registry check --public-key public.pem"),
		Args: cobra.NoArgs,
	}
	o.addRegistry(cmd, c, o.run)
	cmd.Flags().StringVar(&o.key, "key", "", "PEM file of the private key (PKCS #8)")
	return cmd
}

func (o *signCommand) run(ctx context.Context, reg *registry.Registry, _ []string) error {
	key, err := readKey[ed25519.PrivateKey](o.key, x509.ParsePKCS8PrivateKey)
	if err != nil {
		return usagef("--key: %w", err)
	}
	signed := 0
	for run, err := range reg.Runs(ctx) {
		if err == nil {
			err = reg.Sign(ctx, run, key)
		}
		if err != nil {
			return err
		}
		signed++
	}
	fmt.Fprintf(o.Stdout, "%d manifests are signed by key %s\n", signed, registry.KeyID(key.Public().(ed25519.PublicKey)))
	return nil
}
