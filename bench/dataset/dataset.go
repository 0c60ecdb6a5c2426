// Package dataset holds the labelled images an experiment trains and probes on, with the class tree of each data
// set. What a class tree is, and what it says of two classes, is in package taxonomy.
//
// The data sets known to Open are procedural: nothing is downloaded, and every image is a function of its split
// and index. Augmentation and batching live with the trainer.
package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"

	"github.com/cidbench/cidbench/bench/taxonomy"
)

// Channels is the number of colour channels of every image: red, green, blue.
const Channels = 3

// A Split is one part, training or test, of a data set.
type Split struct {
	Images []uint8 // [Len, Height, Width, 3], row-major, 0 to 255
	Labels []int32 // [Len], 0 to len(Classes)-1
}

// Len is the number of images.
func (s Split) Len() int { return len(s.Labels) }

// Image returns image i, [Height, Width, 3], as a view of Images.
func (s Split) Image(i int) []uint8 {
	size := len(s.Images) / len(s.Labels)
	return s.Images[i*size : (i+1)*size : (i+1)*size]
}

// A Class is what a label stands for.
type Class struct {
	Name string
}

// A Dataset is a set of labelled RGB images of one shape. It is not changed after Open, so it may be shared.
type Dataset struct {
	Name          string
	Height, Width int // pixels
	Train, Test   Split
	Classes       []Class       // indexed by label
	Tree          taxonomy.Tree // its leaves are the Classes
}

// Fingerprint identifies the content as "sha256:" and 64 hexadecimal digits, over the name, shape, classes, tree,
// labels and images. Equal fingerprints mean equal data.
func (d *Dataset) Fingerprint() string {
	h := sha256.New()
	writeInts(h, d.Height, d.Width, Channels)
	writeString(h, d.Name)
	writeInts(h, len(d.Classes))
	for label, c := range d.Classes {
		writeString(h, c.Name)
		writeInts(h, d.Tree.Leaf(label))
	}
	writeInts(h, d.Tree.Len())
	for node := range d.Tree.Len() {
		writeString(h, d.Tree.Name(node))
		writeParents(h, d.Tree.Parents(node))
	}
	for _, s := range []Split{d.Train, d.Test} {
		writeInts(h, s.Len())
		binary.Write(h, binary.LittleEndian, s.Labels) // a hash never fails to write
		h.Write(s.Images)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// writeString puts the length first, so that neighbouring strings cannot trade letters unnoticed.
func writeString(w io.Writer, s string) {
	writeInts(w, len(s))
	io.WriteString(w, s)
}

// writeParents writes one parent as itself, any other number of them after a negative number that tells how many:
// -1 for the root, which has none. So a tree without joins gives the bytes it gave when a node had one parent.
func writeParents(w io.Writer, parents []int) {
	if len(parents) != 1 {
		writeInts(w, -max(len(parents), 1))
	}
	writeInts(w, parents...)
}

func writeInts(w io.Writer, values ...int) {
	for _, v := range values {
		binary.Write(w, binary.LittleEndian, int64(v))
	}
}
