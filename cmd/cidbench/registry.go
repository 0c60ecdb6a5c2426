package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

func newRegistry(s *state) *cobra.Command {
	c := &cobra.Command{Use: "registry", Short: "Look after a registry", Args: cobra.NoArgs}
	c.AddCommand(newCheck(s))
	return c
}

func newCheck(s *state) *cobra.Command {
	o := &options{}
	var readData bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Look for damage: missing, truncated, flipped or misplaced objects, bad manifests, broken references",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return check(c.Context(), s, o, readData) },
	}
	o.flagStore(c)
	o.flagJSON(c)
	c.Flags().BoolVar(&readData, "read-data", false, "read and hash every object, not only its size")
	return c
}

func check(ctx context.Context, s *state, o *options, readData bool) error {
	reg, err := registry.OpenExisting(ctx, o.store)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	problems, err := reg.Check(ctx, registry.CheckOptions{ReadData: readData})
	if err != nil {
		return err
	}
	if o.json {
		if problems == nil {
			problems = []registry.Problem{}
		}
		if err := printJSON(s, problems); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			fmt.Fprintln(s.stdout, p)
		}
	}
	if len(problems) > 0 {
		return coded{exitIntegrity, fmt.Sprintf("%s has %d problems", reg, len(problems))}
	}
	if !o.json {
		fmt.Fprintf(s.stdout, "%s is whole\n", reg)
	}
	return nil
}
