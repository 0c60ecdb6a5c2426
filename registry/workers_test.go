package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

const (
	cells     = 32
	victims   = 6
	survivors = 10
)

func TestWorkers(t *testing.T) { testWorkers(t, t.TempDir()) }

func TestWorkersS3(t *testing.T) { testWorkers(t, s3test.Start(t, s3test.Versitygw).URL("p")) }

// testWorkers lets 16 processes compute the cells of a matrix, and kills six of
// them with SIGKILL while they are at it. Every cell is computed, and again only if
// the process that had begun it was killed or has lost its lease.
func testWorkers(t *testing.T, url string) {
	r := openRegistry(t, url)
	var killed, alive []*process
	for w := range victims {
		killed = append(killed, start(t, workerVariable, url, fmt.Sprint("victim ", w)))
	}
	for w := range survivors {
		alive = append(alive, start(t, workerVariable, url, fmt.Sprint("survivor ", w)))
	}
	gaveUp := make(map[string]bool) // cells with their workers
	for _, victim := range killed {
		gaveUp[victim.line(t)] = true // the cell that it has begun
	}
	for _, survivor := range alive {
		survivor.stdin.Close() // that it may begin
	}
	for _, victim := range killed {
		victim.Process.Kill()
		victim.rest(t)
	}
	for _, survivor := range alive {
		lost, err := survivor.rest(t)
		if err != nil {
			t.Errorf("%s: %v", survivor.name, err)
		}
		for _, cell := range lost {
			gaveUp[cell] = true
		}
	}
	begun := 0
	for cell := range cells {
		run := newRunID(t, cell)
		m, _, err := r.Run(t.Context(), run)
		if err != nil {
			t.Errorf("cell %d is lost: %v", cell, err)
			continue
		}
		var begins []string
		for _, event := range collect(t, r.Events(t.Context(), run)) {
			var worker string
			if err := json.Unmarshal(event.Data, &worker); err != nil {
				t.Fatal(err)
			}
			begins = append(begins, worker)
		}
		begun += len(begins)
		for i, worker := range begins {
			if last := i == len(begins)-1; last && worker != m.Provenance.Tool || !last && !gaveUp[cellOf(worker, cell)] {
				t.Errorf("cell %d is begun by %q and committed by %s; given up are %v", cell, begins, m.Provenance.Tool, gaveUp)
				break
			}
		}
	}
	if begun < cells+victims {
		t.Errorf("%d cells are begun %d times, and %d were given up", cells, begun, victims)
	}
	if got := found(t, r, registry.CheckOptions{ReadData: true}); got != nil {
		t.Errorf("Check finds %q", got)
	}
}

// cellOf is the line about a cell that a worker has begun and will not finish.
func cellOf(worker string, cell int) string { return fmt.Sprintf("%s: cell %d", worker, cell) }

// work is a process of testWorkers: it computes the cells that nobody else does
// until all are there. A survivor waits until it is told to begin, a victim holds
// the first cell that it gets.
func work(url, worker string) error {
	ctx := context.Background()
	r, err := registry.Open(ctx, url)
	if err != nil {
		return err
	}
	victim := strings.HasPrefix(worker, "victim")
	if !victim {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
	}
	order := rand.Perm(cells)
	for len(order) > 0 {
		for _, cell := range slices.Clone(order) {
			over, err := compute(ctx, r, worker, cell, victim)
			if err != nil {
				return err
			}
			if over {
				order = slices.DeleteFunc(order, func(c int) bool { return c == cell })
			}
		}
		time.Sleep(20 * time.Millisecond) // between two looks at what others hold
	}
	return nil
}

// compute reports whether the cell is computed, by this worker or another.
func compute(ctx context.Context, r *registry.Registry, worker string, cell int, hold bool) (over bool, err error) {
	m := newManifest(cell, nil)
	run, err := registry.RunID(m.Key)
	if err != nil {
		return false, err
	}
	lease, err := r.Acquire(ctx, run, worker, ttl)
	switch {
	case errors.Is(err, registry.ErrExist):
		return true, nil
	case errors.Is(err, registry.ErrHeld):
		return false, nil
	case err != nil:
		return false, err
	}
	if _, err := r.Append(ctx, run, "begin", worker); err != nil {
		return false, err
	}
	if hold {
		fmt.Println(cellOf(worker, cell))
		select {} // until killed; the lease is renewed
	}
	select {
	case <-lease.Lost():
		fmt.Println(cellOf(worker, cell))
		return false, nil
	default:
	}
	m.Provenance.Tool = worker
	if _, err := r.Commit(ctx, m); err != nil {
		return false, err
	}
	return true, lease.Release(ctx)
}
