package taxonomy_test

import (
	"fmt"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// A tree of four classes, and how near in meaning they are to the first.
func ExampleWuPalmer() {
	var tree taxonomy.Memory
	root := tree.Add("thing")
	animal, vehicle := tree.Add("animal", root), tree.Add("vehicle", root)
	fish := tree.Add("fish", animal)
	tree.Label(tree.Add("trout", fish))
	tree.Label(tree.Add("shark", fish))
	tree.Label(tree.Add("dog", animal))
	tree.Label(tree.Add("bus", vehicle))
	for class := range 4 {
		fmt.Printf("%s: path %.2f, Wu-Palmer %.2f\n", tree.Name(tree.Leaf(class)),
			taxonomy.PathSimilarity(&tree, 0, class), taxonomy.WuPalmer(&tree, 0, class))
	}
	// Output:
	// trout: path 1.00, Wu-Palmer 1.00
	// shark: path 0.33, Wu-Palmer 0.75
	// dog: path 0.25, Wu-Palmer 0.57
	// bus: path 0.17, Wu-Palmer 0.29
}
