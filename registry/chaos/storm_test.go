package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cidbench/cidbench/registry"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

const (
	writers    = 4
	collectors = 2
	// longest is how long a round may take; on an idle machine it takes some ten seconds.
	longest = 8 * time.Minute
	// remembered lines are shown when a round fails.
	remembered = 100
)

// A storm is one round: some processes on one registry, and what is done to them.
type storm struct {
	t         *testing.T
	seed      uint64
	url, calm string          // of the registry: as the processes see it, and without faults on the way
	rate      float64         // of faults in the calls of processes
	root      string          // the folder of its files
	server    *s3test.Server  // nil for a directory
	rubbish   map[string]bool // digests of blobs that nothing ever needs
	ops       chan struct{}   // one for each operation of a process
	ends      chan *process
	torment   sync.WaitGroup // what is done to processes meanwhile

	mu           sync.Mutex // guards the rest
	tally        *tally
	last         []string
	acknowledged map[string]bool // runs that a writer was told are committed
}

func newStorm(t *testing.T, seed uint64) *storm {
	return &storm{
		t: t, seed: seed, rubbish: make(map[string]bool), ops: make(chan struct{}, 1), ends: make(chan *process),
		tally: newTally(), acknowledged: make(map[string]bool),
	}
}

// fault counts one, which befalls what.
func (s *storm) fault(kind, what string) {
	s.hear("fault "+kind+": "+what, kind)
}

// hear takes a line that a process says, or that is said of it.
func (s *storm) hear(line, kind string) {
	if strings.HasPrefix(line, "op ") {
		s.ops <- struct{}{}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last = append(s.last, line); len(s.last) > 2*remembered {
		s.last = slices.Clone(s.last[remembered:])
	}
	what, rest, _ := strings.Cut(line, " ")
	switch what {
	case "fault":
		s.tally.fault(kind)
	case "done":
		s.acknowledged[rest] = true
	case "error":
		s.tally.errors++
	case "wrong", "panic:":
		s.t.Error(line)
	}
}

func (s *storm) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.last[max(0, len(s.last)-remembered):], "\n")
}

// A process plays a part, each time it is started under a new name.
type process struct {
	part
	slot, births int
	cmd          *exec.Cmd
	stdin        io.Closer
}

// rage starts the processes, and torments them until every cell is computed.
func (s *storm) rage() {
	s.litter()
	var live []*process // a process that has ended is none to strike: another may have its number
	for slot := range writers + collectors {
		p := &process{part: part{Role: "writer", URL: s.url, Seed: s.seed, Rate: s.rate}, slot: slot}
		if slot >= writers {
			p.Role = "collector"
		}
		s.start(p)
		live = append(live, p)
	}
	random := randomFor(s.seed, "storm")
	pause := func() int { return 25 + random.IntN(75) }
	late := time.After(longest)
	for busy, next := writers, pause(); busy > 0; {
		select {
		case <-s.ops:
			if next--; next == 0 {
				s.strike(random, live)
				next = pause()
			}
		case p := <-s.ends:
			if p.cmd.ProcessState.Success() && p.Role == "writer" {
				live = slices.DeleteFunc(live, func(other *process) bool { return other == p })
				busy--
			} else {
				s.start(p)
			}
		case <-late:
			s.t.Errorf("after %v, %d of %d writers are not done", longest, busy, writers)
			busy = 0
		}
	}
	s.torment.Wait()
	for _, p := range live {
		_ = p.stdin.Close()
		_ = p.cmd.Process.Kill()
	}
	for ended := 0; ended < len(live); {
		select {
		case <-s.ops:
		case <-s.ends:
			ended++
		}
	}
}

// start starts a process, again if it was killed.
func (s *storm) start(p *process) {
	p.births++
	p.Name = fmt.Sprintf("%s %d.%d", p.Role, p.slot, p.births)
	text, err := json.Marshal(p.part)
	if err != nil {
		s.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	p.cmd = exec.CommandContext(s.t.Context(), self)
	p.cmd.Env = append(os.Environ(), partVariable+"="+string(text))
	p.stdin, err = p.cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd := p.cmd
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line := lines.Text()
			kind, _, _ := strings.Cut(strings.TrimPrefix(line, "fault "), ":")
			s.hear(line, kind)
		}
		_ = cmd.Wait()
		s.ends <- p
	}()
}

// strike does something to a process, or to the files.
func (s *storm) strike(random *rand.Rand, live []*process) {
	p := live[random.IntN(len(live))]
	blows := []string{"kill", "kill", "stop", "full", "clock", "clock"}
	if s.server != nil {
		blows = append(blows, "server")
	}
	blow, moment := blows[random.IntN(len(blows))], upTo(random, 3*time.Millisecond)
	time.Sleep(moment) // somewhere in the middle of what it is at
	victim := p.cmd.Process
	switch blow {
	case "kill":
		if victim.Signal(syscall.SIGKILL) == nil {
			s.fault(p.Role+" killed", p.Name)
		}
	case "stop":
		if victim.Signal(syscall.SIGSTOP) == nil {
			s.fault(p.Role+" stopped", p.Name)
			s.later(term/2+upTo(random, 2*term), func() { _ = victim.Signal(syscall.SIGCONT) })
		}
	case "full":
		who, what := p.Name, "disk of a "+p.Role+" full"
		if s.server != nil {
			victim, who, what = s.server.Process(), "the server", "disk of the server full"
		}
		// A file that grows beyond the limit is refused half-way, as on a disk that is full.
		if limit := uint64(random.IntN(4 << 10)); starve(victim, limit) == nil {
			s.fault(what, fmt.Sprint(who, ", files have at most ", limit, " bytes"))
			s.later(upTo(random, term), func() { _ = starve(victim, unix.RLIM_INFINITY) })
		}
	case "clock":
		s.jump(random)
	case "server":
		s.torment.Wait() // none is done to what is gone
		s.server.Kill()
		s.fault("server killed", "")
		time.Sleep(upTo(random, term/4))
		if err := s.server.Restart(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// later ends a torment.
func (s *storm) later(after time.Duration, end func()) {
	s.torment.Go(func() {
		time.Sleep(after)
		end()
	})
}

// starve limits the files of a process to so many bytes.
func starve(p *os.Process, limit uint64) error {
	if err := p.Signal(syscall.Signal(0)); err != nil { // it has ended
		return err
	}
	return unix.Prlimit(p.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: unix.RLIM_INFINITY}, nil)
}

// jump makes a file one that was written by another clock: off by a part of the grace period, and by more where that
// must not matter: blobs may be old before anything refers to them, and rubbish in the trash always.
func (s *storm) jump(random *rand.Rand) {
	folder := []string{"blobs/sha256", "blobs/sha256", "runs", "trash/sha256", "locks"}[random.IntN(5)]
	var files []string
	_ = filepath.WalkDir(filepath.Join(s.root, folder), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return nil // what is gone meanwhile is none to choose
	})
	if len(files) == 0 {
		return
	}
	file := files[random.IntN(len(files))]
	off := upTo(random, 2*grace/3) - grace/3
	if digest, _, _ := strings.Cut(filepath.Base(file), "-"); folder == "blobs/sha256" || s.rubbish[digest] {
		off = -2 * grace
	}
	then := time.Now().Add(off)
	if os.Chtimes(file, then, then) == nil {
		name, _ := filepath.Rel(s.root, file)
		s.fault("clock jumped", fmt.Sprint(name, " is of another time by ", off))
	}
}

// litter puts blobs into the registry that are old: some that nothing will ever need, and some that runs will.
func (s *storm) litter() {
	r, err := registry.Open(s.t.Context(), s.calm)
	if err != nil {
		s.t.Fatal(err)
	}
	var old []registry.Digest
	put := func(data []byte) {
		d, err := r.PutBlob(s.t.Context(), "text/plain", data)
		if err != nil {
			s.t.Fatal(err)
		}
		old = append(old, d.Digest)
	}
	for i := range 2 * cells {
		data := fmt.Appendf(nil, "rubbish %d of %d", i, s.seed)
		s.rubbish[registry.DigestOf(data).Hex()] = true
		put(data)
	}
	put([]byte(shared))
	for cell := range cells {
		key := cellKey(s.seed, cell)
		if state := advance(key, cell, nil); cell%2 == 0 {
			put(state)
		}
	}
	for _, d := range old {
		then := time.Now().Add(-2 * grace)
		if err := os.Chtimes(filepath.Join(s.root, "blobs/sha256", d.Hex()[:2], d.Hex()), then, then); err != nil {
			s.t.Fatal(err)
		}
	}
}
