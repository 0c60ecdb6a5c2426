package taxonomy

// CIFAR10 is a tree of CIFAR-10, labelled as in its files: animals and vehicles. The data set has none of its own;
// this one is ours.
func CIFAR10() Tree {
	t := &Memory{}
	root := t.Add("CIFAR-10")
	animal, vehicle := t.Add("animal", root), t.Add("vehicle", root)
	for _, class := range []struct {
		name  string
		above int
	}{
		{"airplane", vehicle}, {"automobile", vehicle}, {"bird", animal}, {"cat", animal}, {"deer", animal},
		{"dog", animal}, {"frog", animal}, {"horse", animal}, {"ship", vehicle}, {"truck", vehicle},
	} {
		t.Label(t.Add(class.name, class.above))
	}
	return t
}

// FashionMNIST has the classes of Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist), and says nothing of
// how near they are.
func FashionMNIST() Tree {
	return Flat("Fashion-MNIST", "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
}
