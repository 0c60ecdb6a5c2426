package experiments

import "github.com/cidbench/cidbench/bench"

// Standard deviation of the top-1 accuracy of MoCo v2 between implementations, in points. No other data set has one.
const (
	implementations = 0.53
	ofImageNet      = "top-1 of MoCo v2 on ImageNet in several implementations, 66.4 (VISSL) to 67.7"
	borrowed        = ", borrowed: none is published for this set"
)

const notebook = "github.com/facebookresearch/moco, colab/moco_cifar10_demo.ipynb: its run of 200 epochs with the asymmetric loss, at epochs 1, 5, 10, 20 and 200"

// curve10 is what the notebook's nearest neighbours classify, epoch by epoch; one run.
var curve10 = []bench.Target{
	{Arm: "all", Measure: bench.Weighted, At: 0.005, Figures: []float64{31.98}, SD: implementations, Source: notebook, Spread: ofImageNet + borrowed},
	{Arm: "all", Measure: bench.Weighted, At: 0.025, Figures: []float64{37.95}, SD: implementations, Source: notebook, Spread: ofImageNet + borrowed},
	{Arm: "all", Measure: bench.Weighted, At: 0.05, Figures: []float64{48.03}, SD: implementations, Source: notebook, Spread: ofImageNet + borrowed},
	{Arm: "all", Measure: bench.Weighted, At: 0.1, Figures: []float64{61.38}, SD: implementations, Source: notebook, Spread: ofImageNet + borrowed},
	{Arm: "all", Measure: bench.Weighted, At: 1, Figures: []float64{82.58}, SD: implementations, Source: notebook, Spread: ofImageNet + borrowed},
}

// figures100 is that of the tier's batch; 64, 256, 512 and 1,024 have 52.58, 53.28, 51.47 and 48.90.
var figures100 = []bench.Target{{
	Arm: "all", Measure: bench.Linear, At: 1, Figures: []float64{54.40}, SD: implementations,
	Source: "github.com/ChaoningZhang/Dual-temperature, README: MoCo v2, ResNet-18, 200 epochs at batch 128 and temperature 0.1, by a linear classifier that is trained along", Spread: ofImageNet + borrowed,
}}

// figuresImageNet100 is the mean of three runs, of which the deviation is published, but not each.
var figuresImageNet100 = []bench.Target{{
	Arm: "all", Measure: bench.Linear, At: 1, Figures: []float64{77.88}, SeedsSD: 0.28, SeedsN: 3, SD: implementations,
	Source: "github.com/songweige/Contrastive-Learning-with-Non-Semantic-Negatives, README: MoCo v2, 200 epochs at batch 128 and a queue of 16,384, three runs", Spread: ofImageNet + borrowed,
}}

var figuresImageNet = []bench.Target{{
	Arm: "all", Measure: bench.Linear, At: 1, Figures: []float64{67.7, 67.6, 67.4, 67.6, 67.3}, SD: implementations,
	Source: "github.com/facebookresearch/moco, README: five trials of pre-training and linear evaluation, 200 epochs", Spread: ofImageNet,
}}
