package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/encoderfile"
	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

func newExportEncoder(a *app) *cobra.Command {
	step := 0
	cmd := &cobra.Command{
		Use:   "export-encoder RUN",
		Short: "Write a stored encoder as a file that PyTorch loads",
		Long: `Writes the encoder that a run has trained, named by its id or the first digits of it: that of the queries, without
the optimiser's state, with the names and shapes that torchvision and MoCo give such tensors, and MoCo's queue with the
class of each negative. The metadata say which run and checkpoint it is, the network's sizes and how images are normalised. With --key it is signed, too, as
OpenSSF model signing does: the signature is written beside it, as OUTPUT.sig.`,
		Example: a.examples("export-encoder 60f88db3 --output encoder.safetensors",
			"export-encoder 60f88db3 --output encoder.safetensors --key ec.pem",
			"analyze --embeddings enc.safetensors:queue \\\n      --labels enc.safetensors:queue_class"),
		Args: cobra.ExactArgs(1),
	}
	a.addRegistry(cmd, func(ctx context.Context, reg *registry.Registry, args []string) error {
		m, err := a.readManifest(ctx, reg, args[0])
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

func newImportEncoder(a *app) *cobra.Command {
	var o encoderfile.Options
	var head, mean, std string
	cmd := &cobra.Command{
		Use:   "import-encoder FILE",
		Short: "Read a ResNet from a checkpoint of PyTorch, safetensors or npz",
		Long: `Finds the ResNet in a checkpoint of MoCo, of torchvision or of others that name its parts alike, behind any prefix
(module.encoder_q., backbone.), and writes it with the queue that came along to a file for probe and analyze. It
prints what the network is, what was assumed of it, and which tensors had no place in it. What is missing, or has
another shape, is an error that names it. Pickles are read as data, and never executed. Without --output it tells
what it would take, and writes nothing.

Images are normalised as ImageNet's, or for a 3x3 stem as CIFAR-10's, unless --mean and --std say otherwise: of red,
green and blue, from 0 to 1.`,
		Example: a.examples("import-encoder moco_v2_800ep_pretrain.pth.tar -o enc.safetensors",
			"import-encoder model.safetensors --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5",
			"probe --encoder encoder.safetensors --data photos"),
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Head = encoderfile.Head(head); o.Head != encoderfile.AutoHead && o.Head != encoderfile.TakeHead && o.Head != encoderfile.NoHead {
			return usagef("--head %q is not auto, fc or none", head)
		}
		if o.Size < 0 || o.Size > 4096 {
			return usagef("--size %d: want 1 to 4096 pixels", o.Size)
		}
		if mean != "" {
			o.Input = &augment.Normalisation{}
			for flag, to := range map[string]*[3]float32{"mean": &o.Input.Mean, "std": &o.Input.Std} {
				if err := channels(map[string]string{"mean": mean, "std": std}[flag], to); err != nil {
					return usagef("--%s: %w", flag, err)
				}
			}
			if err := encoderfile.CheckInput(*o.Input); err != nil {
				return usagef("%w", err)
			}
		}
		return a.importEncoder(args[0], o)
	}
	f := cmd.Flags()
	f.StringVarP(&a.output, "output", "o", "", "safetensors file to write (default: none is written)")
	f.StringVar(&o.Prefix, "prefix", "", "prefix of the encoder's names (default: it is found)")
	f.BoolVar(&o.Momentum, "momentum", false, "take the momentum encoder, that of the keys")
	f.StringVar(&head, "head", string(encoderfile.AutoHead), "projection head: fc takes it for one, none leaves it out, auto takes an MLP and that of MoCo's encoders")
	f.IntVar(&o.Size, "size", 0, "pixels of the images that it was trained on (default: 224, or 32 for a 3x3 stem)")
	f.StringVar(&mean, "mean", "", "mean of red, green and blue, such as 0.485,0.456,0.406")
	f.StringVar(&std, "std", "", "standard deviation of these")
	cmd.MarkFlagsRequiredTogether("mean", "std")
	a.addJSON(cmd)
	complete(cmd, "head", []string{"auto", "fc", "none"})
	return cmd
}

// channels reads three numbers.
func channels(text string, to *[3]float32) error {
	parts := strings.Split(text, ",")
	if len(parts) != len(to) {
		return usagef("%q: want three numbers, such as 0.485,0.456,0.406", text)
	}
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil {
			return usagef("%q: want three numbers, such as 0.485,0.456,0.406", text)
		}
		to[i] = float32(v)
	}
	return nil
}

func (a *app) importEncoder(file string, o encoderfile.Options) error {
	e, r, err := encoderfile.Import(file, o)
	if err != nil {
		return err
	}
	if a.output != "" {
		data, err := e.Encode()
		if err != nil {
			return err
		}
		if err := a.writeBytes(a.output, data); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON("encoder", r)
	}
	a.printf("%s: %s, %d parameters in %d tensors of %s\n", r.File, r.Architecture, r.Parameters, r.Taken, r.Format)
	if r.Prefix != "" {
		a.printf("prefix: %s\n", store.Printable(r.Prefix))
	}
	a.printf("%d features, embeddings of %d dimensions\n", r.Features, r.Embedding)
	if r.Negatives > 0 {
		a.printf("queue: %d negatives\n", r.Negatives)
	}
	for _, sentence := range r.Assumed {
		a.printf("assumed: %s\n", store.Printable(sentence))
	}
	for _, name := range r.LeftOut {
		a.printf("left out: %s\n", store.Printable(name))
	}
	return nil
}

// importOptions are those of commands that import pictures on their way.
func (a *app) importOptions() study.ImportOptions {
	return study.ImportOptions{WordNet: study.WordNet, Progress: a.counter("decoded"), Say: a.Say}
}

// addEncoder adds the flags of commands that try an encoder.
func (a *app) addEncoder(cmd *cobra.Command, t *study.Trial) {
	cmd.Flags().StringVar(&t.Encoder, "encoder", "", "encoder, a file that import-encoder or export-encoder wrote")
	cmd.Flags().IntVar(&t.Images, "images", 0, "images of each split to take at most, spread over the classes (default: all)")
}

func newProbe(a *app) *cobra.Command {
	t := study.Trial{ImportOptions: a.importOptions()}
	cmd := &cobra.Command{
		Use:   "probe --encoder FILE --data SET",
		Short: "Measure how good the features of an encoder are",
		Long: `Fits a softmax classifier, and least squares, to the pooled features of the training images, and counts how many
test images these and the nearest neighbours classify correctly. Nothing in the encoder is trained. The protocol is
that of the tier: an SGD on views takes their place in tiers that evaluate as published, and the tiers of CIFAR let
neighbours in the space of the embeddings vote too, as MoCo's notebook does. --data is a data set by its name, or a folder or archive, which is imported first at the size of
the encoder's images; data import --size gives another.`,
		Example: a.examples("probe --encoder encoder.safetensors --data photos", "probe --encoder enc.safetensors --data cifar10 --images 5000 --json"),
		PreRunE: func(*cobra.Command, []string) error {
			if t.Encoder == "" || t.Set == "" {
				return usagef("give --encoder and --data")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.probe(cmd.Context(), t) },
	}
	a.addEncoder(cmd, &t)
	cmd.Flags().StringVar(&t.Set, "data", "", "the name of a data set, or a folder or archive of pictures")
	a.addDataDir(cmd)
	a.addTier(cmd)
	cmd.Flags().Lookup("tier").Usage = "tier whose probe it is, or a file (.yaml): see tier show"
	a.addBackend(cmd)
	cmd.Flags().IntVar(&t.Threads, "threads", 0, "threads (default: one for each processor)")
	a.addJSON(cmd)
	return cmd
}

func (a *app) probe(ctx context.Context, t study.Trial) error {
	tier := a.Catalogue.Tier(a.Tier)
	if tier == nil {
		return usagef("%w", bench.Unknown("tier", a.Tier, study.TierIDs(a.Catalogue)))
	}
	t.Backend = a.Backend
	p, err := a.data().Probe(ctx, t, tier.Probe)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON("probe", p)
	}
	a.printf("%s, %s\n", p.Encoder, p.Architecture)
	a.printf("%s: %d training and %d test images of %dx%d pixels, %d classes (1/C is %.2g%%)\n", p.Dataset, p.Train, p.Accuracy.N, p.Size, p.Size, p.Classes, 100/float64(p.Classes))
	type line struct {
		what  string
		right int
	}
	lines := []line{{"linear classifier", p.Accuracy.Linear}}
	if !tier.Probe.SGD.Given() {
		lines = append(lines, line{"least squares", p.Accuracy.Ridge}, line{"nearest neighbours", p.Accuracy.KNN})
	}
	if tier.Probe.Weighted.Given() {
		lines = append(lines, line{"neighbours, weighted", p.Accuracy.Weighted})
	}
	for _, line := range lines {
		a.printf("%-21s%6.2f%%  (%d right)\n", line.what, 100*float64(line.right)/float64(p.Accuracy.N), line.right)
	}
	a.printf("protocol %s, on %s\n", p.Protocol, p.Backend)
	return nil
}
