package cli

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

func newAnalyze(a *app) *cobra.Command {
	arms := study.ArmIDs(a.Catalogue)
	cmd := &cobra.Command{
		Use:   "analyze | analyze --embeddings FILE --labels FILE",
		Short: "Analyse embeddings of checkpoints, or of files",
		Long: `Measures, on the checkpoints that finished runs keep (early, middle and end of training, and the encoder
as initialised), how difficult negatives relate to the query in meaning, and whether some are hard or easy
for more queries than chance. Each analysis is stored as a run of its own and never repeated. Prints the
statistics over training, with the p values of their permutation nulls.

With --embeddings it measures those of any encoder, from files, and stores nothing. A file is npy, npz, safetensors
or a checkpoint of PyTorch; FILE:NAME is one array of several. Rows are scaled to unit length. Labels are numbers or
names: such an array, text with one a line, or a column of a CSV file, FILE:COLUMN. Every row is a negative of every
other, or with --queue the rows of another file are. --queries rows are queries, drawn evenly from the classes; the
90% intervals hold what that sampling adds.`,
		Example: a.examples("analyze", "analyze --arm "+first(arms)+" --json",
			"analyze --embeddings x.npy --labels y.csv:class --tree wordnet",
			"analyze --embeddings val.npz:z --labels val.npz:y \\\n      --queue checkpoint.pt:state_dict/module.queue --queue-labels queue.txt"),
	}
	a.addStudy(cmd, study.Write, func(ctx context.Context, s *study.Study) error {
		r, err := s.Analyze(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(r.Analyses)
		}
		return write.Text(a.Stdout, layout.Document{layout.Analyses(r)}, a.Text)
	})
	a.addWorkers(cmd)
	a.addJSON(cmd)
	cmd.Flags().StringSliceVar(&a.Arms, "arm", nil, "arm to analyse (repeatable; default those that the claims observe)")
	complete(cmd, "arm", arms)
	a.addEmbeddings(cmd)
	return cmd
}

// addEmbeddings adds the flags of an analysis of files, which takes the command's place where they are given.
func (a *app) addEmbeddings(cmd *cobra.Command) {
	// Of the tail and the draws those of the largest tier; the bootstrap resamples at most a thousand classes.
	r := embeddings.Request{Protocol: analysis.Protocol{Tail: 0.05, Draws: 999, Resamples: 499}}
	files := pflag.NewFlagSet("", pflag.ContinueOnError)
	files.StringVar(&r.Embeddings, "embeddings", "", "file of embeddings, [rows, dimensions], to analyse instead of stored checkpoints")
	files.StringVar(&r.Labels, "labels", "", "file with the class of each row")
	files.StringVar(&r.Tree, "tree", "", "class tree, for nearness in meaning: cifar100, wordnet, wordnet:DIR, or a file (default: none)")
	files.StringVar(&r.Queue, "queue", "", "file of the embeddings that are every query's negatives (default: the other rows)")
	files.StringVar(&r.QueueLabels, "queue-labels", "", "file with the class of each of --queue")
	files.IntVar(&r.Protocol.Queries, "queries", 1000, "rows that are queries")
	cmd.Flags().AddFlagSet(files)
	cmd.MarkFlagsRequiredTogether("embeddings", "labels")
	cmd.MarkFlagsRequiredTogether("queue", "queue-labels")
	stored := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		cmd.Flags().Visit(func(f *pflag.Flag) {
			switch {
			case err != nil || f.Name == "json":
			case r.Embeddings == "" && files.Lookup(f.Name) != nil:
				err = usagef("--%s is of an analysis of files: give --embeddings and --labels", f.Name)
			case r.Embeddings != "" && files.Lookup(f.Name) == nil && f.Name != "threads":
				err = usagef("--%s is of stored checkpoints: leave it out with --embeddings", f.Name)
			}
		})
		if err != nil {
			return err
		}
		if r.Embeddings == "" {
			return stored(cmd, args)
		}
		r.Threads = a.Threads
		if !cmd.Flags().Changed("threads") {
			r.Threads = runtime.GOMAXPROCS(0)
		}
		return a.analyzeFiles(r)
	}
}

func newExportEncoder(a *app) *cobra.Command {
	step := 0
	cmd := &cobra.Command{
		Use:   "export-encoder RUN",
		Short: "Write a stored encoder as a file that PyTorch loads",
		Long: `Writes the encoder that a run has trained - that of the queries, without the optimiser's state - with the names and
shapes that torchvision and MoCo give such tensors, and MoCo's queue with the class of each negative. The metadata
say which run and checkpoint it is, the network's sizes and how images are normalised. With --key it is signed, too, as
OpenSSF model signing does: the signature is written beside it, as OUTPUT.sig.`,
		Example: a.examples("export-encoder 0123...cdef --output encoder.safetensors",
			"export-encoder 0123...cdef --output encoder.safetensors --key ec.pem",
			"analyze --embeddings enc.safetensors:queue \\\n      --labels enc.safetensors:queue_class"),
		Args: cobra.ExactArgs(1),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		m, err := readManifest(ctx, reg, args[0])
		if err != nil {
			return err
		}
		file, err := study.ExportEncoder(ctx, reg, m, step)
		if err != nil {
			return err
		}
		return a.writeModel(file)
	})
	a.addOutput(cmd)
	a.addModelKey(cmd)
	cmd.Flags().IntVar(&step, "checkpoint", 0, "step after which (default: the last that the run keeps)")
	return cmd
}

func (a *app) analyzeFiles(r embeddings.Request) error {
	if err := r.Protocol.Validate(); err != nil {
		return usagef("--queries: %w", err)
	}
	found, err := embeddings.Analyze(r)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(found)
	}
	return write.Text(a.Stdout, layout.Embeddings(found), a.Text)
}
