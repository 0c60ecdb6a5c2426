// Package method is the contract between the engine and a way of training an encoder by contrastive instance
// discrimination. The engine, the probes and the analyses know nothing else of a method; package methodtest holds
// the contract as tests.
package method

import (
	"context"
	"fmt"

	"github.com/cidbench/cidbench/bench/contrast"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/encoder"
	"github.com/cidbench/cidbench/bench/negatives"
	"github.com/cidbench/cidbench/bench/nn"
	"github.com/cidbench/cidbench/bench/probe"
)

// ID names the numbers of a method. It is part of a run's key.
type ID struct {
	Name string `json:"name"`
	// Version rises when equal settings and seeds give other numbers; what forgets it is caught by the golden
	// digests of experiments.
	Version int `json:"version"`
}

// String reads like "moco v1".
func (id ID) String() string { return fmt.Sprintf("%s v%d", id.Name, id.Version) }

// Method is a way of training with all of its settings, a value. Its JSON is part of a run's key, in which zero
// values do not appear: a new setting whose zero value means "as before" changes no key.
type Method interface {
	ID() ID
	// Validate reports the first setting that cannot be trained with.
	Validate() error
	// Scale is what all methods have settings for.
	Scale() Scale
	// AtTemperature is the same method at another temperature of InfoNCE.
	AtTemperature(temperature float64) Method
	// New prepares a training: weights as encoder.Initial draws them from the seed, so that all arms and methods
	// begin alike. The same Start gives the same bytes on the go backend, whatever the threads.
	New(Start) (Trainer, error)
}

// Scale sizes a training.
type Scale struct {
	Encoder encoder.Config
	// Steps of Batch images.
	Steps, Batch int
	// Negatives is the number that each query has before rules drop any: the length of a queue, or what is in the
	// batch.
	Negatives   int
	Temperature float64
	// Queries of a step, each with its negatives, go back through the encoder.
	Queries int
	// A state has so many Copies of the encoder's parameters - those that SGD moves, their velocities, a key encoder -
	// and so many numbers Beside them, as in a queue. Running statistics are there once.
	Copies, Beside int
}

// Start is what a training begins from.
type Start struct {
	Device nn.Device
	// Rules say which negatives each query sees; none: all.
	Rules []negatives.Rule
	Data  *dataset.Dataset
	// Seed derives every random number.
	Seed uint64
	// Threads bound the host's own parallelism, not the device's.
	Threads int
}

// Trainer is a training in progress. It is not safe for concurrent use.
type Trainer interface {
	Embedder
	// Step is the number of steps done.
	Step() int
	// Advance does one step. If measure is true it also measures bands and uniformity. A loss that is not a number
	// is a *DivergedError, and leaves the weights as they were; a cancelled context does nothing.
	Advance(ctx context.Context, measure bool) (Metrics, error)
	// Save returns the whole state as a file, and Restore replaces the state by one that Save returned for the
	// same Start: training goes on from there to the same bytes. A file that does not fit is an error, and leaves
	// the trainer as it was.
	Save() ([]byte, error)
	Restore(state []byte) error
}

// Embedder is an encoder, trained or not.
type Embedder interface {
	// Features are what is probed: [Len, width of the features], in the order of the images.
	Features(dataset.Split) (probe.Set, error)
	// Embeddings are what is analysed, the space in which negatives are ranked: rows of unit length, [Len, Dim].
	Embeddings(dataset.Split) ([]float32, error)
	// Close releases what the backend holds.
	Close()
}

// Metrics of one step.
type Metrics struct {
	Step         int     `json:"step"` // counted from 1
	Loss         float64 `json:"loss"` // InfoNCE, nats
	Top1         float64 `json:"top1"` // share of queries whose key beats every kept negative
	Kept         float64 `json:"kept"` // negatives kept per query
	Positive     float64 `json:"positive"`
	LearningRate float64 `json:"lr"`
	// Bands are filled when asked for: the same-class share by difficulty, over all negatives.
	Bands []contrast.Band `json:"bands,omitempty"`
	// Uniformity is measured with them.
	Uniformity float64 `json:"uniformity,omitempty"`
}

// Alignment is the mean squared distance of a query to its key (Wang & Isola 2020), both of unit length.
func (m Metrics) Alignment() float64 { return 2 - 2*m.Positive }

// DivergedError says that the loss is no longer a number: the run is over, and says why.
type DivergedError struct {
	Step int
	Loss float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("the loss is %g at step %d: training diverged", e.Loss, e.Step)
}

// Check refuses data that a method of this scale cannot train on.
func (s Scale) Check(data *dataset.Dataset) error {
	switch {
	case data.Height != data.Width || data.Height < s.Encoder.Size:
		return fmt.Errorf("images are %dx%d; views of %d pixels are cropped from squares of as many or more", data.Width, data.Height, s.Encoder.Size)
	case data.Train.Len() < s.Batch:
		return fmt.Errorf("%d training images do not fill a batch of %d", data.Train.Len(), s.Batch)
	}
	return nil
}
