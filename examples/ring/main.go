// Command ring tests claims of "Conditional Negative Sampling for Contrastive Learning of Visual
// Representations": another paper on the packages of cidbench. All that it adds is its catalogue.
package main

import (
	"os"

	"github.com/cidbench/cidbench/cli"
)

func main() { os.Exit(cli.Main(catalogue)) }
