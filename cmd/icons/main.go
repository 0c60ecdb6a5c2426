// Icons makes the data sets icons and icons-validation of what npm brought, as files for `cidbench data import`. It is
// for `make icons-data`, which says with what.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/icons"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "icons:", err)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.Is(err, dataset.ErrDigest):
		os.Exit(6)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, out, complain io.Writer) error {
	flags := flag.NewFlagSet("icons", flag.ContinueOnError)
	flags.SetOutput(complain)
	modules := flags.String("modules", "", "the folder node_modules with "+icons.Package+" and "+icons.Renderer)
	output := flags.String("output", "", "the folder to write to")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if *modules == "" || *output == "" || flags.NArg() > 0 {
		flags.Usage()
		return flag.ErrHelp
	}
	set, err := icons.Build(ctx, icons.Options{
		Dir: filepath.Join(*modules, "@iconify", "json"), Classes: icons.Classes(), Render: icons.Node(*modules), Rendered: icons.Rendered,
	})
	if err != nil {
		return err
	}
	if err := set.Write(*output); err != nil {
		return err
	}
	_, err = fmt.Fprint(out, set.Summary())
	return err
}
