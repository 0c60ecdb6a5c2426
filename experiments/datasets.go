package experiments

import (
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/icons"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/taxonomy"
)

// The glyphs are drawn; all other sets are imported into the data directory. docs/data.md says what the glyphs show,
// and how the others are identified.
var datasets = []*dataset.Source{
	{
		Name: "glyphs", From: "drawn by cidbench: ten outlines times ten textures",
		Digest: "sha256:6a26a2b5b350a288aa7ceda1d5f4ca04c5fe3f06710426bd497641ac21f57445",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(10_000, 5_000),
		Extent: dataset.Extent{Side: 32, Classes: 100, Train: 10_000, Test: 5_000, Resident: true},
	},
	{
		Name: "glyphs-small", From: "the first images of glyphs",
		Digest: "sha256:694905712762d37ee3742e7bcea1648670a3003a275d18310eff8f9033de63f6",
		Tree:   dataset.GlyphTree, Read: dataset.Glyphs(1_000, 500),
		Extent: dataset.Extent{Side: 32, Classes: 100, Train: 1_000, Test: 500, Resident: true},
	},
	{
		Name: "cifar10", From: "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
		Digest: "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd/cifar10-v1",
		Tree:   taxonomy.CIFAR10, Read: shards.Read("cifar10"),
		Import: &dataset.Import{
			URL:    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
			Digest: "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
		},
		Extent: dataset.Extent{Side: 32, Classes: 10, Train: 50_000, Test: 10_000},
	},
	{
		Name: "cifar100", From: "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
		Digest: "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec/cifar100-v1",
		Tree:   taxonomy.CIFAR100, Read: shards.Read("cifar100"),
		Import: &dataset.Import{
			URL:    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
			Digest: "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
		},
		Extent: dataset.Extent{Side: 32, Classes: 100, Train: 50_000, Test: 10_000},
	},
	{
		Name: "tiny-imagenet", From: "Stanford CS231n, http://cs231n.stanford.edu/tiny-imagenet-200.zip",
		Digest: "sha256:6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821/tiny-imagenet-v1+pictures-v1",
		Read:   shards.Read("tiny-imagenet"),
		Import: &dataset.Import{
			Side: 64, WordNet: true, Bytes: 248_100_043,
			URL:    "https://cs231n.stanford.edu/tiny-imagenet-200.zip",
			Digest: "sha256:6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
		},
		Extent: dataset.Extent{Side: 64, Classes: 200, Train: 100_000, Test: 10_000},
	},
	{
		Name: "fashion-mnist", From: "Xiao et al. 2017, https://github.com/zalandoresearch/fashion-mnist; Debian's package dataset-fashion-mnist",
		Digest: "sha256:293ec8d76d35a006282177ec36c32cbe90059a33f94ae98a12c7d40f74e90ba1",
		Tree:   taxonomy.FashionMNIST, Read: shards.Read("fashion-mnist"),
		Import: &dataset.Import{},
		Extent: dataset.Extent{Side: 28, Classes: 10, Train: 60_000, Test: 10_000},
	},
	{
		Name: icons.TestSet, From: "icons of npm's " + icons.Package + ", which `make icons-data` makes into pictures",
		Digest: "sha256:f1c60159f0cd58ea9fe0f080525825a1f1ee0f950f5d475366c91039cbff9199",
		Tree:   icons.Tree, Read: shards.Read(icons.TestSet),
		Import: &dataset.Import{},
	},
	{
		Name: icons.ValidationSet, From: "the training images of icons, with other families of icon sets for test: for choosing settings",
		Digest: "sha256:fdc993f030b660d776b06e907b4508db4bc94b2039e99651df0550176aa0a345",
		Tree:   icons.Tree, Read: shards.Read(icons.ValidationSet),
		Import: &dataset.Import{},
	},
	{
		Name: "imagenet", From: "ILSVRC 2012, https://www.image-net.org: each user's own copy",
		Read:   shards.Read("imagenet"),
		Import: &dataset.Import{Side: 256, WordNet: true},
		Extent: dataset.Extent{Side: 256, Classes: 1000, Train: 1_281_167, Test: 50_000},
	},
	{
		Name: "imagenet100", From: "the 100 classes of ILSVRC 2012 that github.com/HobbitLong/CMC lists: each user's own copy",
		Read:   shards.Read("imagenet100"),
		Import: &dataset.Import{Side: 256, WordNet: true, Classes: imageNet100},
		Extent: dataset.Extent{Side: 256, Classes: 100, Train: 126_689, Test: 5_000},
	},
}
