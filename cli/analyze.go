package cli

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/embeddings"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

func newAnalyze(a *app) *cobra.Command {
	arms := study.ArmIDs(a.Catalogue)
	cmd := &cobra.Command{
		Use:   "analyze [--embeddings FILE --labels FILE | --encoder FILE]",
		Short: "Analyse embeddings of checkpoints, of files or of an encoder",
		Long: `Measures, on the checkpoints that finished runs keep (early, middle and end of training, and the encoder
as initialised), how difficult negatives relate to the query in meaning, and whether some are hard or easy
for more queries than chance. Each analysis is stored as a run of its own and never repeated. Prints the
statistics over training, with the p values of their permutation nulls.

With --embeddings it measures those of any encoder, from files, and stores nothing. A file is npy, npz, safetensors
or a checkpoint of PyTorch; FILE:NAME is one array of several. Rows are scaled to unit length. Labels are numbers or
names: such an array, text with one a line, or a column of a CSV file, FILE:COLUMN. Every row is a negative of every
other, or with --queue the rows of another file are: without --queue-labels nothing is said of their classes, but
which of them are hard for many queries, and what these are near to. --queries rows are queries, drawn evenly from
the classes; the 90% intervals hold what that sampling adds.

With --encoder, a file of import-encoder or export-encoder, it does so on what that makes of the training images of
--data, with the class tree of these.`,
		Example: a.examples("analyze", "analyze --arm "+first(arms)+" --json",
			"analyze --embeddings x.npy --labels y.csv:class --tree wordnet",
			"analyze --embeddings val.npz:z --labels val.npz:y \\\n      --queue checkpoint.pt:state_dict/module.queue --queue-labels queue.txt",
			"analyze --encoder enc.safetensors --data photos \\\n      --queue enc.safetensors:queue"),
	}
	a.addStudy(cmd, study.Write, func(ctx context.Context, s *study.Study) error {
		r, err := s.Analyze(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON("analyses", r.Analyses)
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

// addEmbeddings adds the flags of an analysis of files or of an encoder, which takes the command's place where they are
// given.
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
	trial := study.Trial{ImportOptions: a.importOptions()}
	a.addEncoder(cmd, &trial)
	cmd.MarkFlagsRequiredTogether("embeddings", "labels")
	cmd.MarkFlagsMutuallyExclusive("embeddings", "encoder")
	stored := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		shared := []string{"queue", "queue-labels", "queries"}
		var wrong error
		cmd.Flags().Visit(func(f *pflag.Flag) {
			ofFiles, ofEncoder := files.Lookup(f.Name) != nil, f.Name == "encoder" || f.Name == "images"
			switch {
			case wrong != nil || f.Name == "json" || f.Name == "threads":
			case r.Embeddings == "" && trial.Encoder == "" && ofEncoder:
				wrong = usagef("--%s is of an analysis of an encoder: give --encoder and --data", f.Name)
			case r.Embeddings == "" && trial.Encoder == "" && ofFiles:
				wrong = usagef("--%s is of an analysis of files: give --embeddings and --labels", f.Name)
			case r.Embeddings != "" && !ofFiles:
				wrong = usagef("--%s is not of an analysis of files: leave it out with --embeddings", f.Name)
			case trial.Encoder != "" && !ofEncoder && !slices.Contains(append(shared, "data", "data-dir", "backend"), f.Name):
				wrong = usagef("--%s is not of an analysis of an encoder: leave it out with --encoder", f.Name)
			}
		})
		if r.QueueLabels != "" && r.Queue == "" {
			wrong = cmp.Or(wrong, usagef("--queue-labels are of --queue: give both"))
		}
		if !cmd.Flags().Changed("threads") {
			trial.Threads, r.Threads = 0, runtime.GOMAXPROCS(0)
		} else {
			trial.Threads, r.Threads = a.Threads, a.Threads
		}
		if trial.Encoder != "" || r.Embeddings != "" {
			wrong = cmp.Or(wrong, study.CheckWorkers("--threads", a.Threads))
		}
		switch {
		case wrong != nil:
			return wrong
		case trial.Encoder != "":
			return a.analyzeEncoder(cmd.Context(), trial, r)
		case r.Embeddings != "":
			return a.analyzeFiles(cmd.Context(), r)
		}
		return stored(cmd, args)
	}
}

func (a *app) analyzeFiles(ctx context.Context, r embeddings.Request) error {
	if err := r.Protocol.Validate(); err != nil {
		return usagef("--queries: %w", err)
	}
	return a.printAnalysis(embeddings.Analyze(ctx, r))
}

func (a *app) analyzeEncoder(ctx context.Context, t study.Trial, r embeddings.Request) error {
	if err := r.Protocol.Validate(); err != nil {
		return usagef("--queries: %w", err)
	}
	if a.yours == "" {
		return usagef("--encoder: give --data, the images that it is to embed")
	}
	t.Set, t.Backend = a.yours, a.Backend
	return a.printAnalysis(a.data().AnalyzeEncoder(ctx, t, r))
}

func (a *app) printAnalysis(found *embeddings.Result, err error) error {
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON("embeddings", found)
	}
	return write.Text(a.Stdout, layout.Embeddings(found), a.Text)
}
