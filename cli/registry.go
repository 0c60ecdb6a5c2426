package cli

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

// newRegistry holds the commands that look after a registry.
func newRegistry(a *app) *cobra.Command {
	return group(&cobra.Command{Use: "registry", Short: "Look after a registry: ls, show, check, repair, copy, sign"},
		newLs(a), newShow(a), newGet(a), newCheck(a), newRepair(a), newForget(a), newGC(a), newExport(a), newImport(a), newCopy(a), newSign(a))
}

func newShow(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show RUN", Short: "Print the manifest of a run: what made it, what came out", Args: cobra.ExactArgs(1),
		Long:    "Prints the manifest of a run. RUN is its id, or the first digits of it, if no other run begins with them.",
		Example: a.examples("registry show 60f88db3"),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		m, err := a.readManifest(ctx, reg, args[0])
		if err != nil {
			return err
		}
		text, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return a.indentJSON(store.PrintableJSON(text))
	})
	return cmd
}

// readManifest reads that of the run whose id begins with some digits.
func (a *app) readManifest(ctx context.Context, reg *registry.Registry, prefix string) (registry.Manifest, error) {
	run, err := study.Resolve(ctx, a.Catalogue, reg, prefix)
	if err != nil {
		return registry.Manifest{}, err
	}
	m, _, err := reg.Run(ctx, run)
	return m, err
}

func newCheck(a *app) *cobra.Command {
	var opts registry.CheckOptions
	var publicKey string
	cmd := &cobra.Command{Use: "check", Short: "Look for damage in objects, manifests and signatures"}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		var err error
		if publicKey != "" {
			if opts.PublicKey, err = readPublicKey(publicKey); err != nil {
				return usagef("--public-key: %w", err)
			}
		}
		opts.Progress = a.counter("checked")
		problems, err := reg.Check(ctx, opts)
		list, e := reg.EvidenceList(ctx)
		if err = errors.Join(err, e); err != nil {
			return err
		}
		found := checked{Items: append([]registry.Problem{}, problems...)}
		if list != nil {
			found.Evidence = &evidence{len(list.Runs), len(list.Files), reg.LeftOut(), list.Plans}
		}
		if a.json {
			err = a.printJSON("problems", found)
		} else {
			a.printChecked(reg.String(), found)
		}
		if err == nil && len(problems) > 0 {
			err = coded{exitIntegrity, fmt.Sprintf("%s has %d problems", reg, len(problems))}
		}
		return err
	})
	a.addJSON(cmd)
	cmd.Flags().BoolVar(&opts.ReadData, "read-data", false, "read and hash every object, not only its size")
	cmd.Flags().StringVar(&publicKey, "public-key", "", "PEM file of an Ed25519 public key: every manifest must be signed by it, of evidence the list")
	return cmd
}

// checked is what registry check finds.
type checked struct {
	Items    []registry.Problem `json:"items"`
	Evidence *evidence          `json:"evidence,omitempty"`
}

// evidence is what an evidence file says of itself.
type evidence struct {
	Runs    int                     `json:"runs"`    // with analyses
	Files   int                     `json:"files"`   // for the tools of others
	LeftOut int                     `json:"leftOut"` // artifacts of the runs
	Plans   []registry.EvidencePlan `json:"plans"`
}

func (a *app) printChecked(place string, found checked) {
	for _, p := range found.Items {
		a.printf("%v\n", p)
	}
	if len(found.Items) == 0 {
		a.printf("%s is whole\n", place)
	}
	e := found.Evidence
	if e == nil {
		return
	}
	a.printf("evidence of %d runs and analyses, with %d files for the tools of others\n", e.Runs, e.Files)
	if e.LeftOut > 0 {
		a.printf("%d artifacts of them, such as checkpoints, were left out on purpose\n", e.LeftOut)
	}
	for _, p := range e.Plans {
		a.printf("plan %s: %d of its %d runs exist, and are here\n", store.Printable(p.Plan), p.Finished, p.Planned)
	}
}

func newSign(a *app) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "Sign all finished runs with an Ed25519 key (in-toto)",
		Example: "  openssl genpkey -algorithm ed25519 -out key.pem\n  openssl pkey -in key.pem -pubout -out public.pem\n" +
			a.examples("registry sign --key key.pem", "registry check --public-key public.pem"),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		key, err := readPrivateKey[ed25519.PrivateKey](file, "an Ed25519 key")
		if err != nil {
			return usagef("--key: %w", err)
		}
		signed, bad := 0, 0
		for run, err := range reg.Runs(ctx) {
			if err == nil {
				err = reg.Sign(ctx, run, key)
			}
			switch {
			case err == nil:
				signed++
			case errors.Is(err, registry.ErrCorrupt), errors.Is(err, registry.ErrExist):
				bad++
				a.Say("not signed: " + store.Printable(err.Error()))
			default:
				return err
			}
		}
		a.printf("%d manifests are signed by key %s\n", signed, registry.KeyID(key.Public().(ed25519.PublicKey)))
		if bad > 0 {
			return coded{exitIntegrity, fmt.Sprintf("%d manifests or signatures are damaged", bad)}
		}
		return nil
	})
	cmd.Flags().StringVar(&file, "key", "", "PEM file of the private key (PKCS #8)")
	return cmd
}

func newGC(a *app) *cobra.Command {
	opts := registry.GCOptions{Owner: fmt.Sprintf("process %d", os.Getpid())}
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Collect blobs that no run needs (looks only, without --remove)",
		Long: `Finds blobs that no manifest or live run needs, such as the checkpoints of finished runs'
earlier attempts. With --remove they are moved to the trash, and what has been there for longer than the
grace period is deleted. Runs may be at work meanwhile.`,
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		if opts.Grace <= 0 {
			return usagef("--grace must be positive")
		}
		opts.Progress = a.counter("looked at")
		found, err := reg.GC(ctx, opts)
		if err != nil && len(found.Unknown) == 0 {
			return err
		}
		if a.json {
			return errors.Join(a.printJSON("collection", found), err)
		}
		verb := "would be "
		if opts.Remove {
			verb = ""
		}
		show := func(what string, blobs []registry.Garbage) {
			var bytes int64
			for _, g := range blobs {
				bytes += g.Size
			}
			a.printf("%d blobs (%.1f MB) %s%s\n", len(blobs), float64(bytes)/1e6, verb, what)
		}
		show("moved to the trash", found.Trashed)
		show("restored from the trash", found.Restored)
		show("deleted", found.Purged)
		show("left alone, damaged", found.Damaged)
		if found.Files > 0 {
			a.printf("%d files (%.1f MB) that killed writers had left half-written are deleted\n", found.Files, float64(found.FileBytes)/1e6)
		}
		for _, p := range found.Unknown {
			a.printf("what it needs is not known: %v\n", p)
		}
		return err
	})
	a.addJSON(cmd)
	cmd.Flags().BoolVar(&opts.Remove, "remove", false, "do it; without this flag nothing is written")
	cmd.Flags().DurationVar(&opts.Grace, "grace", registry.DefaultGrace, "age below which nothing is touched, and time that the trash is kept")
	return cmd
}

func newGet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get RUN ARTIFACT",
		Short:   "Write an artifact of a run (a series, a checkpoint), verified",
		Long:    "Writes an artifact of a run. RUN is its id, or the first digits of it, if no other run begins with them.",
		Example: a.examples("registry get 60f88db3 series -o series.jsonl"),
		Args:    cobra.ExactArgs(2),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		m, err := a.readManifest(ctx, reg, args[0])
		if err != nil {
			return err
		}
		d, ok := m.Artifacts[args[1]]
		if !ok {
			return usagef("run %s has no artifact %q: `%s registry show` lists them", m.Run, args[1], a.Name)
		}
		blob, err := reg.Blob(ctx, d)
		if err != nil {
			return err
		}
		return a.writeModel(blob)
	})
	a.addOutput(cmd)
	a.addModelKey(cmd)
	return cmd
}

func newExport(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Write all finished runs as an OCI image layout, a tar"}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, _ []string) error {
		var left []registry.Problem
		err := a.write("--output", a.output, func(w io.Writer) (err error) {
			left, err = reg.Export(ctx, w, a.counter("exported"))
			return err
		})
		for _, p := range left {
			a.Say("left out: " + p.String())
		}
		if err == nil && len(left) > 0 {
			err = coded{exitIntegrity, fmt.Sprintf("%d objects are damaged; the runs and signatures that need them are not in the archive", len(left))}
		}
		return err
	})
	a.addOutput(cmd)
	return cmd
}

func newImport(a *app) *cobra.Command {
	var publicKeys []string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the runs of an exported archive, verified (- is stdin)",
		Long: `Adds the runs of an archive that export wrote. Results are verified; where and with what a run was made
is the word of whoever wrote the archive, unless it is signed: with --public-key only runs that one of these
keys has signed are added, with these signatures. Signatures by other keys cannot be verified and are left out.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts := registry.ImportOptions{Progress: a.counter("imported")}
		for _, name := range publicKeys {
			key, err := readPublicKey(name)
			if err != nil {
				return usagef("--public-key: %w", err)
			}
			opts.PublicKeys = append(opts.PublicKeys, key)
		}
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
		added, err := reg.Import(cmd.Context(), archive, opts)
		if err != nil {
			return err
		}
		if n := len(added.Displaced); n > 0 {
			err = coded{exitIntegrity, fmt.Sprintf("%d runs are signed in the archive, and are here with another provenance that no given key has signed: look at each with `%s registry show`, forget what is not to be trusted, and import again: %s",
				n, a.Name, strings.Join(added.Displaced, ", "))}
		}
		if a.json {
			return cmp.Or(a.printJSON("import", added), err)
		}
		a.printf("%d runs imported into %s\n", added.Runs, reg)
		for _, x := range []struct {
			n    int
			what string
		}{
			{added.Unsigned, "runs are left out: no given key has signed them"},
			{added.Unknown, "signatures are left out: their keys were not given (--public-key)"},
			{len(added.Kept), provenanceKept},
		} {
			if x.n > 0 {
				a.printf("%d %s\n", x.n, x.what)
			}
		}
		return err
	}
	a.addStore(cmd)
	a.addJSON(cmd)
	cmd.Flags().StringSliceVar(&publicKeys, "public-key", nil, "PEM file of an Ed25519 public key, by which signatures are verified (repeatable)")
	return cmd
}

// provenanceKept is said of a number of runs.
const provenanceKept = "runs were there with the same result and another provenance, which stays"

func newCopy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy a registry, verified; a copy interrupted goes on",
		Example: a.examples("registry copy .cidbench 's3://bucket/r?endpoint=https://s3.example'"),
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
			return a.printJSON("copy", last)
		}
		a.printf("%d objects, %d of them there already, %.1f MB sent\n", last.Total, last.Skipped, float64(last.Bytes)/1e6)
		if len(last.Kept) > 0 {
			a.printf("%d %s\n", len(last.Kept), provenanceKept)
		}
		return nil
	}
	a.addJSON(cmd)
	return cmd
}
