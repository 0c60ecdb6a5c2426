package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/cidbench/cidbench/registry/store"
)

// Of two writers that start from the same version, one is told to look again.
func Example() {
	ctx := context.Background()
	s := store.NewMemory("example")
	first, err := s.Swap(ctx, "counter", "", []byte("1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Swap(ctx, "counter", first, []byte("2 by one writer")); err != nil {
		log.Fatal(err)
	}
	_, err = s.Swap(ctx, "counter", first, []byte("2 by another"))
	fmt.Println(errors.Is(err, store.ErrConflict))
	data, _, err := s.Load(ctx, "counter")
	fmt.Printf("%s %v\n", data, err)
	// Output:
	// true
	// 2 by one writer <nil>
}
