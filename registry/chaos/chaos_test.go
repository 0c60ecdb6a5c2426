// Package chaos breaks a registry in every way at once, repeatably by seed: processes that write runs and collect
// garbage are killed, stopped and starved of disk, clocks jump, and what goes to the store and comes back is refused,
// lost, cut, flipped, delayed or delivered twice. In the end the registry has to hold what it would without all that.
package chaos

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

var (
	seed = flag.Uint64("seed", 1, "of the first round; the next has the next")
	want = flag.Int("faults", 150, "rounds go on until there were so many, on each store")
)

// partVariable says to a process that it plays a part, as JSON.
const partVariable = "CIDBENCH_CHAOS_PART"

func TestMain(m *testing.M) {
	text := os.Getenv(partVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var p part
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = p.play(context.Background(), os.Stdout)
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// TestDirectory has the faults in the calls of each process to the file system: those of a network file system.
func TestDirectory(t *testing.T) {
	rounds(t, func(t *testing.T, s *storm) {
		s.url = filepath.Join(t.TempDir(), "registry")
		s.root, s.rate = s.url, 0.06
	})
}

// TestVersitygw has them in the requests, and the server among the processes.
func TestVersitygw(t *testing.T) {
	server := s3test.Start(t, s3test.Versitygw)
	rounds(t, func(t *testing.T, s *storm) {
		prefix := fmt.Sprint("round-", s.seed)
		s.calm, s.root, s.server = server.URL(prefix), server.File(prefix), server
		config, err := s3.ParseURL(s.calm)
		if err != nil {
			t.Fatal(err)
		}
		config.Endpoint = s.intercept(t, config.Endpoint, 0.12)
		s.url = config.String()
	})
}

// rounds lets one storm after the other loose on a new registry.
func rounds(t *testing.T, prepare func(t *testing.T, s *storm)) {
	total := newTally()
	for round := *seed; total.faults < *want; round++ {
		t.Run(fmt.Sprint("seed ", round), func(t *testing.T) {
			s := newStorm(t, round)
			prepare(t, s)
			if s.calm == "" {
				s.calm = s.url
			}
			s.rage()
			s.wantUndisturbed()
			total.add(s.tally)
			if t.Failed() {
				t.Logf("again: go test ./registry/chaos -run %s -seed %d -faults 1\nthe last of what happened:\n%s", t.Name(), round, s.tail())
			}
		})
		if t.Failed() {
			break
		}
	}
	t.Log(total)
}
