// Command cidbench tests the claims of "Are all negatives created equal in contrastive instance
// discrimination?" by training MoCo v2 with negatives restricted by difficulty.
package main

import (
	"os"

	"github.com/cidbench/cidbench/cli"
	"github.com/cidbench/cidbench/experiments"
)

func main() { os.Exit(cli.Main(experiments.All)) }
