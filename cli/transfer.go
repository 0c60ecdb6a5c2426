package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/study"
)

func newGet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get RUN ARTIFACT",
		Short:   "Write an artifact of a run, such as series or a checkpoint, verified",
		Example: a.examples("registry get 0123...cdef series -o series.jsonl"),
		Args:    cobra.ExactArgs(2),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		m, err := readManifest(ctx, reg, args[0])
		if err != nil {
			return err
		}
		d, ok := m.Artifacts[args[1]]
		if !ok {
			return usagef("run %s has no artifact %q: `%s registry show` lists them", args[0], args[1], a.Name)
		}
		blob, err := reg.Blob(ctx, d)
		if err != nil {
			return err
		}
		return a.write("--output", a.output, func(w io.Writer) error {
			_, err := w.Write(blob)
			return err
		})
	})
	a.addOutput(cmd)
	return cmd
}

func newExport(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Write all finished runs as a tar archive, an OCI image layout: the same runs give the same bytes"}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		return a.write("--output", a.output, func(w io.Writer) error { return reg.Export(ctx, w, a.counter("exported")) })
	})
	a.addOutput(cmd)
	return cmd
}

func newImport(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "import FILE", Short: "Add the runs of an exported archive, verified (- is standard input)", Args: cobra.ExactArgs(1)}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		archive := a.Stdin
		if args[0] != "-" {
			file, err := os.Open(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			defer file.Close()
			archive = file
		}
		reg, err := a.open(cmd.Context(), study.Write) // after the archive: no registry is made for one that is not there
		if err != nil {
			return err
		}
		added, err := reg.Import(cmd.Context(), archive, registry.ImportOptions{Progress: a.counter("imported")})
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(added)
		}
		a.printf("%d runs imported into %s\n", added.Runs, reg)
		return nil
	}
	a.addStore(cmd)
	a.addJSON(cmd)
	return cmd
}

func newCopy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy a registry to another place, verified; an interrupted copy goes on where it was",
		Example: a.examples("registry copy .cidbench 's3://bucket/prefix?endpoint=https://s3.example.org'"),
		Args:    cobra.ExactArgs(2),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, err := study.OpenRegistry(cmd.Context(), args[0], "", study.Read)
		if err != nil {
			return err
		}
		target, err := study.OpenRegistry(cmd.Context(), args[1], "", study.Write)
		if err != nil {
			return err
		}
		var last registry.CopyProgress
		count := a.counter("copied")
		err = registry.Copy(cmd.Context(), source, target, func(p registry.CopyProgress) {
			last = p
			count(p.Objects, p.Total)
		})
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(last)
		}
		a.printf("%d objects, %d of them there already, %.1f MB sent\n", last.Total, last.Skipped, float64(last.Bytes)/1e6)
		return nil
	}
	a.addJSON(cmd)
	return cmd
}
