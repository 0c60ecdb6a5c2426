package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/cidbench/cidbench/registry"
)

// A run is stored artifacts first and manifest last, and found by its key.
func Example() {
	ctx := context.Background()
	reg, err := registry.Open(ctx, "mem://example") // or a path, or s3://bucket/prefix
	if err != nil {
		log.Fatal(err)
	}
	weights, err := reg.PutBlob(ctx, "application/octet-stream", []byte("weights"))
	if err != nil {
		log.Fatal(err)
	}
	key := json.RawMessage(`{"method": "moco", "seed": 1}`)
	_, err = reg.Commit(ctx, registry.Manifest{
		Status:    registry.Complete,
		Key:       key,
		Result:    json.RawMessage(`{"top1": 0.5}`),
		Artifacts: map[string]registry.Descriptor{"checkpoint": weights},
	})
	if err != nil {
		log.Fatal(err)
	}

	id, err := registry.RunID(key)
	if err != nil {
		log.Fatal(err)
	}
	run, _, err := reg.Run(ctx, id) // verified
	if err != nil {
		log.Fatal(err)
	}
	data, err := reg.Blob(ctx, run.Artifacts["checkpoint"])
	fmt.Printf("%s %s %s %v\n", run.Status, run.Result, data, err)
	// Output: complete {"top1":0.5} weights <nil>
}

// Of several machines that share a registry, one computes a run.
func ExampleRegistry_Acquire() {
	ctx := context.Background()
	reg, err := registry.Open(ctx, "mem://leases")
	if err != nil {
		log.Fatal(err)
	}
	run, err := registry.RunID(json.RawMessage(`{"seed": 1}`))
	if err != nil {
		log.Fatal(err)
	}
	lease, err := reg.Acquire(ctx, run, "one machine", 20*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	_, err = reg.Acquire(ctx, run, "another", 20*time.Second)
	fmt.Println(errors.Is(err, registry.ErrHeld))
	fmt.Println(lease.Release(ctx))
	// Output:
	// true
	// <nil>
}
