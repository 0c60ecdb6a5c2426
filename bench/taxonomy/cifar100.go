package taxonomy

import (
	"maps"
	"slices"
)

// cifar100 has the superclasses of CIFAR-100 and their classes, named as in the data set's own files, both in
// alphabetical order. Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009), and
// https://www.cs.toronto.edu/~kriz/cifar.html.
var cifar100 = []struct {
	superclass string
	classes    [5]string
}{
	{"aquatic_mammals", [...]string{"beaver", "dolphin", "otter", "seal", "whale"}},
	{"fish", [...]string{"aquarium_fish", "flatfish", "ray", "shark", "trout"}},
	{"flowers", [...]string{"orchid", "poppy", "rose", "sunflower", "tulip"}},
	{"food_containers", [...]string{"bottle", "bowl", "can", "cup", "plate"}},
	{"fruit_and_vegetables", [...]string{"apple", "mushroom", "orange", "pear", "sweet_pepper"}},
	{"household_electrical_devices", [...]string{"clock", "keyboard", "lamp", "telephone", "television"}},
	{"household_furniture", [...]string{"bed", "chair", "couch", "table", "wardrobe"}},
	{"insects", [...]string{"bee", "beetle", "butterfly", "caterpillar", "cockroach"}},
	{"large_carnivores", [...]string{"bear", "leopard", "lion", "tiger", "wolf"}},
	{"large_man-made_outdoor_things", [...]string{"bridge", "castle", "house", "road", "skyscraper"}},
	{"large_natural_outdoor_scenes", [...]string{"cloud", "forest", "mountain", "plain", "sea"}},
	{"large_omnivores_and_herbivores", [...]string{"camel", "cattle", "chimpanzee", "elephant", "kangaroo"}},
	{"medium_mammals", [...]string{"fox", "porcupine", "possum", "raccoon", "skunk"}},
	{"non-insect_invertebrates", [...]string{"crab", "lobster", "snail", "spider", "worm"}},
	{"people", [...]string{"baby", "boy", "girl", "man", "woman"}},
	{"reptiles", [...]string{"crocodile", "dinosaur", "lizard", "snake", "turtle"}},
	{"small_mammals", [...]string{"hamster", "mouse", "rabbit", "shrew", "squirrel"}},
	{"trees", [...]string{"maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"}},
	{"vehicles_1", [...]string{"bicycle", "bus", "motorcycle", "pickup_truck", "train"}},
	{"vehicles_2", [...]string{"lawn_mower", "rocket", "streetcar", "tank", "tractor"}},
}

// CIFAR100 is the tree of CIFAR-100: below the root the 20 superclasses, node 1 + coarse label, and below these
// the 100 classes. Labels, coarse and fine, are those of the data set's files: the names in alphabetical order.
func CIFAR100() Tree {
	t := &Memory{}
	root := t.Add("CIFAR-100")
	above := map[string]int{}
	for _, s := range cifar100 {
		superclass := t.Add(s.superclass, root)
		for _, class := range s.classes {
			above[class] = superclass
		}
	}
	for _, class := range slices.Sorted(maps.Keys(above)) {
		t.Label(t.Add(class, above[class]))
	}
	return t
}
