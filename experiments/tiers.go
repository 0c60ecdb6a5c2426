package experiments

import (
	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/analysis"
	"github.com/cidbench/cidbench/bench/augment"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
	"github.com/cidbench/cidbench/bench/simclr"
)

// views is MoCo v2's augmentation, weakened for 32-pixel images: their blur is a fraction of a pixel,
// and stronger colour changes than these make the encoder collapse at this length of training.
var views = augment.Config{
	MinArea: 0.35, Brightness: 0.3, Contrast: 0.3, Saturation: 0.3, Hue: 0.05, JitterProb: 0.8,
	GreyProb: 0.1, BlurProb: 0.5, BlurMin: 0.1, BlurMax: 0.4, FlipProb: 0.5,
}

// tiny is an encoder that shows that the machinery turns.
var tiny = encoder.Config{Size: 32, Stem: []int{8, 16}, Stages: []encoder.Stage{{Blocks: 1, Width: 8, Out: 24, Stride: 1}, {Blocks: 1, Width: 8, Out: 32, Stride: 2}}, Hidden: 32, Dim: 16}

// small is an encoder that two cores train in minutes. It takes three channels, which are equal where images are grey.
var small = encoder.Config{Size: 32, Stem: []int{16, 48}, Stages: []encoder.Stage{{Blocks: 1, Width: 16, Out: 64, Stride: 1}, {Blocks: 1, Width: 48, Out: 192, Stride: 2}}, Hidden: 192, Dim: 64}

var probing = probe.Protocol{L2: 0.001, Iterations: 50, Ridge: 0.01, Neighbours: 20}

// watched is that with the classifier by which MoCo's CIFAR-10 notebook watches training.
var watched = withNeighbours(probing, probe.Weighted{Neighbours: 200, Temperature: 0.1})

// drawn is what no images can show whose class tree was drawn along with them.
var drawn = map[string]string{
	"semantic-similarity": "whoever draws both the images and their class tree decides whether what looks alike is near in the tree",
	"easy-anticorrelated": "whoever draws both the images and their class tree decides whether what looks unlike is near in the tree",
}

var tiers = []*bench.Tier{
	{
		ID: "smoke", Title: "machinery only: a tiny encoder for a few steps",
		Caveat:    "This tier trains for a few seconds to prove that the harness works. Its verdicts say nothing about the paper.",
		Machinery: true,
		Dataset:   "glyphs-small",
		Train: moco.Config{
			Encoder: tiny, Augment: views,
			Batch: 32, Queue: 1024, Steps: 40, Temperature: 0.2, KeyMomentum: 0.99, NormGroups: 2,
			SGD: nn.SGD{LearningRate: 0.06, WarmupSteps: 5, Momentum: 0.9, WeightDecay: 5e-4},
		},
		Probe: probing, Checkpoints: []float64{0.5, 1}, BandEvery: 5, Seeds: 3,
		Analysis:    analysis.Protocol{Queries: 200, Tail: 0.05, Draws: 1999, Resamples: 199},
		NotTestable: drawn,
	},
	{
		ID: "smoke-simclr", Title: "machinery only: the same encoder, trained by SimCLR",
		Caveat:    "This tier trains for a few seconds to prove that the harness works with another method. Its verdicts say nothing about the paper, which is about MoCo v2.",
		Machinery: true,
		Dataset:   "glyphs-small",
		Train: simclr.Config{
			Encoder: tiny, Augment: views,
			Batch: 64, Steps: 40, Temperature: 0.2, NormGroups: 2,
			SGD: nn.SGD{LearningRate: 0.06, WarmupSteps: 5, Momentum: 0.9, WeightDecay: 5e-4},
		},
		Probe: probing, Checkpoints: []float64{0.5, 1}, BandEvery: 5, Seeds: 3,
		Analysis:    analysis.Protocol{Queries: 200, Tail: 0.05, Draws: 1999, Resamples: 199},
		NotTestable: drawn,
	},
	{
		ID: "default", Title: "embedded glyphs, small bottleneck network, on a CPU",
		Caveat:  "Scaled down: 32-pixel procedural images of 100 classes and a small network, not ImageNet and ResNet-50. It shows whether the claims hold at this scale. The class tree of these images follows outlines alone; textures cut across it.",
		Dataset: "glyphs",
		Train: moco.Config{
			Encoder: small, Augment: views,
			Batch: 64, Queue: 4096, Steps: 800, Temperature: 0.2, KeyMomentum: 0.99, NormGroups: 2,
			SGD: nn.SGD{LearningRate: 0.1, WarmupSteps: 150, Momentum: 0.9, WeightDecay: 5e-4},
		},
		Probe: probing, Checkpoints: []float64{0.1, 0.5, 1}, BandEvery: 25, Seeds: 5,
		Analysis:    analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		NotTestable: drawn,
	},
	{
		ID: "icons", Title: "115 WordNet nouns drawn by many hands, small bottleneck network, on a CPU (make icons)",
		Caveat:  "Scaled down: 32-pixel grey icons of 115 nouns and a small network, not photographs, ImageNet and ResNet-50. Icon sets copy each other: no two pictures of a class correlate above .95, and no family of sets is in both training and test, but likenesses remain (docs/data.md). Settings were chosen by a prototype on seeds 0 to 2, by its test accuracy.",
		Dataset: "icons",
		Train: moco.Config{
			Encoder: small,
			Augment: augment.Config{MinArea: 0.35, Brightness: 0.2, Contrast: 0.2, JitterProb: 1, Rotation: 10, Stroke: 0.5},
			Batch:   64, Queue: 2048, Steps: 800, Temperature: 0.2, KeyMomentum: 0.99, NormGroups: 2,
			SGD:   nn.SGD{LearningRate: 0.06, WarmupSteps: 150, Momentum: 0.9, WeightDecay: 5e-4},
			Apart: true,
		},
		Probe: probing, Checkpoints: []float64{0.1, 0.5, 1}, BandEvery: 25, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999, Hardest: true},
	},
	{
		ID: "gpu", Title: "embedded glyphs, ResNet-18 in mixed precision, on a GPU",
		Caveat: "Scaled down: 32-pixel procedural images of 100 classes, not ImageNet. No result of this tier has been published; its settings are those of MoCo's CIFAR-10 notebook with the default tier's views, and were not tuned.",
		GPU:    true, Dataset: "glyphs",
		Train: moco.Config{
			Encoder: mixed(encoder.ResNet18(32, 128)), Augment: views,
			Batch: 256, Queue: 8192, Steps: 1000, Temperature: 0.2, KeyMomentum: 0.99, NormGroups: 8,
			SGD: nn.SGD{LearningRate: 0.06, WarmupSteps: 100, Momentum: 0.9, WeightDecay: 5e-4},
		},
		Probe: probing, Checkpoints: []float64{0.5, 1}, BandEvery: 50, Seeds: 5,
		Analysis:    analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		NotTestable: drawn,
	},
	{
		ID: "cifar10", Title: "CIFAR-10, ResNet-18, 200 epochs: the recipe of MoCo's notebook",
		Caveat: "Small pictures of 10 classes, not ImageNet: same-class negatives are a tenth of the queue. The recipe is that of MoCo's CIFAR-10 notebook with its asymmetric loss; no result on CIFAR is claimed: none of this tier has been published.",
		GPU:    true, Recipe: true, Dataset: "cifar10", Train: cifar(512, 97),
		Probe: watched, Checkpoints: []float64{0.005, 0.025, 0.05, 0.1, 0.5, 1}, BandEvery: 97, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		Targets:  curve10,
	},
	{
		ID: "cifar100", Title: "CIFAR-100, ResNet-18, 200 epochs",
		Caveat: "Small pictures of 100 classes, not ImageNet. The recipe is that of MoCo's CIFAR-10 notebook at a batch of 128; no result on CIFAR is claimed: none of this tier has been published.",
		GPU:    true, Recipe: true, Dataset: "cifar100", Train: cifar(128, 390),
		Probe: watched, Checkpoints: []float64{0.05, 0.5, 1}, BandEvery: 390, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		Targets:  figures100,
	},
	{
		ID: "imagenet100", Title: "100 classes of ImageNet, ResNet-50, 200 epochs",
		Caveat:  "A tenth of ImageNet's classes, so same-class negatives are 1% of the queue, not 0.1%. Queue, batch and the learning rate of the evaluation are those of github.com/HobbitLong/CMC for its 100 classes, the rest is MoCo v2's; no result of this tier has been published yet.",
		Dataset: "imagenet100", Train: mocoV2(128, 16_384, 989, 4),
		Probe: evaluated(10), Checkpoints: []float64{1}, BandEvery: 989, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		Targets:  figuresImageNet100,
	},
	{
		ID: "paper", Title: "ImageNet, ResNet-50, 200 epochs: the paper's scale",
		Caveat:  "MoCo v2 as published, but for views that are cropped from pictures of 256 pixels and not from the originals, a learning rate that falls by step and not by epoch, and colour jitter as one affine map. No result of this tier has been published yet.",
		Dataset: "imagenet", Train: mocoV2(256, 65_536, 5004, 8),
		Probe: evaluated(30), Checkpoints: []float64{1}, BandEvery: 5004, Seeds: 3,
		Analysis: analysis.Protocol{Queries: 2000, Tail: 0.05, Draws: 9999, Resamples: 999},
		Targets:  figuresImageNet,
	},
}

// mocoV2 is the recipe of MoCo v2 (github.com/facebookresearch/moco, main_moco.py --mlp --moco-t 0.2 --aug-plus --cos) at
// a batch, a queue and the steps of an epoch: 200 epochs. Its shuffled batch norm sees the batch in as many groups as it
// had GPUs.
func mocoV2(batch, queue, epoch, groups int) moco.Config {
	return moco.Config{
		Encoder: encoder.ResNet50(224, 128),
		Augment: augment.Config{
			MinArea: 0.2, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, JitterProb: 0.8,
			GreyProb: 0.2, BlurProb: 0.5, BlurMin: 0.1, BlurMax: 2, FlipProb: 0.5,
		},
		Batch: batch, Queue: queue, Steps: 200 * epoch, Temperature: 0.2, KeyMomentum: 0.999, NormGroups: groups,
		SGD: nn.SGD{LearningRate: 0.03, Momentum: 0.9, WeightDecay: 1e-4},
	}
}

// evaluated is MoCo's linear evaluation (main_lincls.py) at a learning rate, which it has at 30. On 100 classes 10 is
// better (github.com/HobbitLong/CMC).
func evaluated(rate float64) probe.Protocol {
	return probe.Protocol{SGD: probe.Evaluation{LearningRate: rate, Momentum: 0.9, Batch: 256, Epochs: 100, Drops: []int{60, 80}, MinArea: 0.08}}
}

// withNeighbours is a protocol that measures these beside.
func withNeighbours(p probe.Protocol, w probe.Weighted) probe.Protocol {
	p.Weighted = w
	return p
}

// mixed is an encoder in mixed precision.
func mixed(c encoder.Config) encoder.Config {
	c.Precision = encoder.BFloat16
	return c
}

// cifar is the recipe of MoCo's CIFAR-10 notebook (github.com/facebookresearch/moco, colab/moco_cifar10_demo.ipynb) at a
// batch and its steps an epoch: 200 epochs, neither warm-up nor blur. Its shuffled batch norm sees 8 groups.
func cifar(batch, epoch int) moco.Config {
	return moco.Config{
		Encoder: encoder.ResNet18(32, 128),
		Augment: augment.Config{
			MinArea: 0.2, Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, JitterProb: 0.8,
			GreyProb: 0.2, FlipProb: 0.5,
		},
		Batch: batch, Queue: 4096, Steps: 200 * epoch, Temperature: 0.1, KeyMomentum: 0.99, NormGroups: 8,
		SGD: nn.SGD{LearningRate: 0.06, Momentum: 0.9, WeightDecay: 5e-4},
	}
}
