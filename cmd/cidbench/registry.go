package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry"
)

func newRegistry(s *state) *cobra.Command {
	c := &cobra.Command{Use: "registry", Short: "Look after a registry: list, show, check, copy, export, collect garbage, sign"}
	group(c)
	c.AddCommand(newLs(s), newShow(s), newGet(s), newCheck(s), newGC(s), newExport(s), newImport(s), newCopy(s), newSign(s))
	return c
}

// openStore opens what --store names; with create, an absent registry is made.
func (o *options) openStore(ctx context.Context, create bool) (*registry.Registry, error) {
	open := registry.OpenExisting
	if create {
		open = registry.Open
	}
	reg, err := open(ctx, o.store)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return reg, nil
}

// manifest opens the registry and reads the manifest of a run.
func (o *options) manifest(ctx context.Context, run string) (*registry.Registry, registry.Manifest, error) {
	reg, err := o.openStore(ctx, false)
	if err != nil {
		return nil, registry.Manifest{}, err
	}
	m, _, err := reg.Run(ctx, run)
	if exitCode(err) == exitInternal { // no failure of the registry: the id is none
		err = usage{err}
	}
	return reg, m, err
}

// counter shows how far a long command is: a line every few seconds, on stderr.
func (s *state) counter(what string) func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if now := time.Now(); now.Sub(last) >= 5*time.Second || done == total && now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintf(s.stderr, "%s: %d of %d\n", what, done, total)
		}
	}
}

func newLs(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "ls",
		Short: "List the finished runs and their result digests",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			reg, err := o.openStore(c.Context(), false)
			if err != nil {
				return err
			}
			runs, err := reg.Statuses(c.Context())
			if err != nil {
				return err
			}
			damaged := 0
			rows := make([]listedRun, 0, len(runs))
			for _, r := range runs {
				row := listedRun{Run: r.Run, Status: string(r.Status), ResultDigest: r.ResultDigest, Manifest: r.Manifest}
				if r.Err != nil {
					row.Status, row.Error = "damaged", r.Err.Error()
					damaged++
				}
				rows = append(rows, row)
			}
			if o.json {
				err = printJSON(s, rows)
			} else {
				for _, r := range rows {
					fmt.Fprintf(s.stdout, "%s  %-8s  %s%s\n", r.Run, r.Status, r.ResultDigest, r.Error)
				}
			}
			if err == nil && damaged > 0 {
				err = coded{exitIntegrity, fmt.Sprintf("%d manifests are damaged", damaged)}
			}
			return err
		},
	}
	o.flagStore(c)
	o.flagJSON(c)
	return c
}

type listedRun struct {
	Run          string          `json:"run"`
	Status       string          `json:"status"`
	ResultDigest registry.Digest `json:"resultDigest,omitempty"`
	Manifest     registry.Digest `json:"manifest,omitempty"`
	Error        string          `json:"error,omitempty"`
}

func newShow(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "Print the manifest of a run: what determined it, what came out, where and when",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			_, m, err := o.manifest(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printJSON(s, m)
		},
	}
	o.flagStore(c)
	return c
}

func newGet(s *state) *cobra.Command {
	o := &options{}
	var output string
	c := &cobra.Command{
		Use:     "get RUN ARTIFACT",
		Short:   "Write an artifact of a run, such as series or a checkpoint, verified",
		Example: "  cidbench registry get 0123...cdef series -o series.jsonl",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			reg, m, err := o.manifest(c.Context(), args[0])
			if err != nil {
				return err
			}
			d, ok := m.Artifacts[args[1]]
			if !ok {
				return usage{fmt.Errorf("run %s has no artifact %q: `cidbench registry show` lists them", args[0], args[1])}
			}
			content, err := reg.Blob(c.Context(), d)
			if err != nil {
				return err
			}
			if output == "" {
				_, err = s.stdout.Write(content)
				return err
			}
			return outputError(replaceFile(output, content))
		},
	}
	o.flagStore(c)
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	return c
}

func outputError(err error) error {
	if err != nil {
		return usage{fmt.Errorf("--output: %w", err)}
	}
	return nil
}

func newCheck(s *state) *cobra.Command {
	o := &options{}
	var readData bool
	var key string
	c := &cobra.Command{
		Use:   "check",
		Short: "Look for damage: missing, truncated, flipped or misplaced objects, bad manifests",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return check(c.Context(), s, o, readData, key) },
	}
	o.flagStore(c)
	o.flagJSON(c)
	c.Flags().BoolVar(&readData, "read-data", false, "read and hash every object, not only its size")
	c.Flags().StringVar(&key, "public-key", "", "PEM file of an Ed25519 public key: every manifest must be signed by it")
	return c
}

func check(ctx context.Context, s *state, o *options, readData bool, keyFile string) error {
	opts := registry.CheckOptions{ReadData: readData, Progress: s.counter("checked")}
	if keyFile != "" {
		key, err := readKey[ed25519.PublicKey](keyFile, x509.ParsePKIXPublicKey)
		if err != nil {
			return usage{fmt.Errorf("--public-key: %w", err)}
		}
		opts.PublicKey = key
	}
	reg, err := o.openStore(ctx, false)
	if err != nil {
		return err
	}
	problems, err := reg.Check(ctx, opts)
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

func newGC(s *state) *cobra.Command {
	o := &options{}
	var remove bool
	var grace time.Duration
	c := &cobra.Command{
		Use:   "gc",
		Short: "Collect blobs that no run needs (looks only, without --remove)",
		Long: `Finds blobs that no manifest or live run needs, such as the checkpoints of finished runs'
earlier attempts. With --remove they are moved to the trash, and what has been there for longer than the
grace period is deleted. Runs may be at work meanwhile.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if grace <= 0 {
				return usage{errors.New("--grace must be positive")}
			}
			reg, err := o.openStore(c.Context(), false)
			if err != nil {
				return err
			}
			report, err := reg.GC(c.Context(), registry.GCOptions{Remove: remove, Grace: grace, Owner: fmt.Sprintf("process %d", os.Getpid()), Progress: s.counter("looked at")})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(s, report)
			}
			verb := "would be "
			if remove {
				verb = ""
			}
			for _, kind := range []struct {
				name string
				list []registry.Garbage
			}{{"moved to the trash", report.Trashed}, {"restored from the trash", report.Restored}, {"deleted", report.Purged}, {"left alone, damaged", report.Damaged}} {
				var bytes int64
				for _, g := range kind.list {
					bytes += g.Size
				}
				fmt.Fprintf(s.stdout, "%d blobs (%.1f MB) %s%s\n", len(kind.list), float64(bytes)/1e6, verb, kind.name)
			}
			return nil
		},
	}
	o.flagStore(c)
	o.flagJSON(c)
	c.Flags().BoolVar(&remove, "remove", false, "do it; without this flag nothing is written")
	c.Flags().DurationVar(&grace, "grace", registry.DefaultGrace, "age below which nothing is touched, and time that the trash is kept")
	return c
}

func newExport(s *state) *cobra.Command {
	o := &options{}
	var output string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write all finished runs as a tar archive, an OCI image layout: the same runs give the same bytes",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			reg, err := o.openStore(c.Context(), false)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return reg.Export(c.Context(), w, s.counter("exported")) }
			if output == "" {
				return write(s.stdout)
			}
			temp, err := os.CreateTemp(filepath.Dir(output), ".cidbench-*")
			if err != nil {
				return outputError(err)
			}
			defer os.Remove(temp.Name()) // gone already if all went well
			if err := errors.Join(write(temp), temp.Chmod(0o644), temp.Close()); err != nil {
				return err
			}
			return outputError(os.Rename(temp.Name(), output))
		},
	}
	o.flagStore(c)
	c.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	return c
}

func newImport(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the runs of an exported archive, verified (- is standard input)",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			archive := io.Reader(os.Stdin)
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return usage{err}
				}
				defer file.Close()
				archive = file
			}
			reg, err := o.openStore(c.Context(), true)
			if err != nil {
				return err
			}
			report, err := reg.Import(c.Context(), archive, registry.ImportOptions{Progress: s.counter("imported")})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(s, report)
			}
			fmt.Fprintf(s.stdout, "%d runs imported into %s\n", report.Runs, reg)
			return nil
		},
	}
	o.flagStore(c)
	o.flagJSON(c)
	return c
}

func newCopy(s *state) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy a registry to another place, verified; an interrupted copy goes on where it was",
		Example: "  cidbench registry copy .cidbench 's3://bucket/prefix?endpoint=https://s3.example.org'",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			from, err := registry.OpenExisting(c.Context(), args[0])
			if err != nil {
				return err
			}
			to, err := registry.Open(c.Context(), args[1])
			if err != nil {
				return err
			}
			var last registry.CopyProgress
			count := s.counter("copied")
			err = registry.Copy(c.Context(), from, to, func(p registry.CopyProgress) {
				last = p
				count(p.Objects, p.Total)
			})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(s, last)
			}
			fmt.Fprintf(s.stdout, "%d objects, %d of them there already, %.1f MB sent\n", last.Total, last.Skipped, float64(last.Bytes)/1e6)
			return nil
		},
	}
	o.flagJSON(c)
	return c
}

func newSign(s *state) *cobra.Command {
	o := &options{}
	var keyFile string
	c := &cobra.Command{
		Use:   "sign",
		Short: "Sign the manifests of all finished runs with an Ed25519 key (in-toto statements)",
		Example: "  openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem\n" +
			"  cidbench registry sign --key key.pem && cidbench registry check --public-key public.pem",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			key, err := readKey[ed25519.PrivateKey](keyFile, x509.ParsePKCS8PrivateKey)
			if err != nil {
				return usage{fmt.Errorf("--key: %w", err)}
			}
			reg, err := o.openStore(c.Context(), false)
			if err != nil {
				return err
			}
			signed := 0
			for run, err := range reg.Runs(c.Context()) {
				if err == nil {
					err = reg.Sign(c.Context(), run, key)
				}
				if err != nil {
					return err
				}
				signed++
			}
			fmt.Fprintf(s.stdout, "%d manifests are signed by key %s\n", signed, registry.KeyID(key.Public().(ed25519.PublicKey)))
			return nil
		},
	}
	o.flagStore(c)
	c.Flags().StringVar(&keyFile, "key", "", "PEM file of the private key (PKCS #8)")
	return c
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
