package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/moco"
)

// network is a ResNet with its batch.
type network struct {
	name, precision string
	pixels, batch   int
}

// parseNetwork reads NAME:PIXELS:PRECISION:BATCH.
func parseNetwork(text string) (n network, err error) {
	fields := strings.Split(text, ":")
	if len(fields) != 4 {
		return n, fmt.Errorf("%q is not NAME:PIXELS:PRECISION:BATCH", text)
	}
	n.name, n.precision = fields[0], fields[2]
	var bad error
	n.pixels, err = strconv.Atoi(fields[1])
	n.batch, bad = strconv.Atoi(fields[3])
	if err = errors.Join(err, bad); err != nil {
		return n, fmt.Errorf("%q: %w", text, err)
	}
	if n.batch < 2 || n.pixels < 32 || n.pixels%32 != 0 {
		return n, fmt.Errorf("%q: a batch is two or more, and pixels a multiple of 32", text)
	}
	if n.name != "resnet18" && n.name != "resnet50" || n.precision != "float32" && n.precision != "bfloat16" {
		return n, fmt.Errorf("%q is not resnet18 or resnet50 with float32 or bfloat16", text)
	}
	return n, nil
}

// train is a training of the network, with batch norm over the whole batch.
func (n network) train(queue int) moco.Config {
	c := tier()
	c.Encoder = map[string]func(int, int) encoder.Config{"resnet18": encoder.ResNet18, "resnet50": encoder.ResNet50}[n.name](n.pixels, 128)
	if n.precision == "bfloat16" {
		c.Encoder.Precision = encoder.BFloat16
	}
	c.Batch, c.Queue, c.NormGroups, c.LearningRate = n.batch, queue, 1, 0.03
	return c
}

func (n network) String() string {
	return fmt.Sprintf("%s at %d pixels, %s, batch %d", n.name, n.pixels, n.precision, n.batch)
}
