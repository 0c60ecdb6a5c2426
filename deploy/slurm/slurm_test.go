// Package slurm_test runs array.sbatch on a Slurm that it starts: two nodes on this machine.
package slurm_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// enginesEnv asks for the tests of engines; make test-engines sets it.
const enginesEnv = "CIDBENCH_TEST_ENGINES"

// programs of Slurm and munge, in Debian's slurm-wlm and munge.
var programs = []string{"munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sacct"}

const configuration = `ClusterName=test
SlurmctldHost=%[2]s(127.0.0.1)
SlurmctldPort=16817
SlurmUser=%[3]s
SlurmdUser=%[3]s
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge/socket,cred_expire=10
StateSaveLocation=%[1]s/controller
SlurmdSpoolDir=%[1]s/%%n
SlurmctldPidFile=%[1]s/controller.pid
SlurmdPidFile=%[1]s/%%n.pid
SlurmctldLogFile=%[1]s/controller.log
SlurmdLogFile=%[1]s/%%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
RequeueExit=75
SchedulerParameters=sched_interval=2,batch_sched_delay=1
NodeName=n[1-2] NodeHostname=%[2]s NodeAddr=127.0.0.1 Port=[16818-16819] CPUs=2 RealMemory=1000
PartitionName=all Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
`

// cluster starts a Slurm of two nodes, which ends with the test.
func cluster(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"munge", "controller", "n1", "n2"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	user := strings.TrimSpace(run(t, "id", "-un"))
	write(t, filepath.Join(dir, "munge", "key"), strings.Repeat("no secret ", 100), 0o400)
	config := filepath.Join(dir, "slurm.conf")
	write(t, config, fmt.Sprintf(configuration, dir, host, user), 0o644)
	t.Setenv("SLURM_CONF", config)

	munge := func(name string) string { return filepath.Join(dir, "munge", name) }
	serve(t, dir, "munged", "--foreground", "--force", "--key-file="+munge("key"), "--socket="+munge("socket"), "--pid-file="+munge("pid"), "--seed-file="+munge("seed"), "--log-file="+munge("log"))
	wait(t, 10*time.Second, "munge", func() bool { _, err := os.Stat(munge("socket")); return err == nil })
	serve(t, dir, "slurmctld", "-D", "-c")
	for _, node := range []string{"n1", "n2"} {
		serve(t, dir, "slurmd", "-D", "-N", node)
	}
	wait(t, 60*time.Second, "both nodes", func() bool {
		out, _ := exec.Command("sinfo", "--noheader", "--format=%D %t").Output()
		return strings.TrimSpace(string(out)) == "2 idle"
	})
}

// serve runs a program until the test ends; what it says is shown if the test fails.
func serve(t *testing.T, dir string, program ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, strings.Join(append([]string{program[0]}, program[len(program)-1]), "-")[:min(40, len(program[0])+1)]+fmt.Sprint(time.Now().UnixNano())))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s:\n%s", program[0], text[max(0, len(text)-4000):])
		}
	})
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func wait(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Since(start) > limit {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// digests are those of the results in a store, by run.
func digests(t *testing.T, program, store string) map[string]string {
	t.Helper()
	var runs struct {
		Items []struct{ Run, ResultDigest string }
	}
	if err := json.Unmarshal([]byte(run(t, program, "registry", "ls", "--store", store, "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, x := range runs.Items {
		all[x.Run] = x.ResultDigest
	}
	return all
}

// An array trains a matrix once: with a task that is requeued in mid-training, and with one that runs into its time
// limit, again and again, the results are those of one undisturbed process.
func TestArray(t *testing.T) {
	if os.Getenv(enginesEnv) == "" {
		t.Skip("make test-engines runs this; it takes minutes")
	}
	for _, p := range programs[:len(programs)-1] {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is not installed: install Debian's slurm-wlm and munge", p)
		}
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "cidbench")
	run(t, "go", "build", "-o", program, "github.com/cidbench/cidbench/cmd/cidbench")
	t.Setenv("CIDBENCH", program)
	script, err := filepath.Abs("array.sbatch")
	if err != nil {
		t.Fatal(err)
	}
	// Trainings of half a minute, so that there is something to interrupt.
	tier := filepath.Join(dir, "longer.yaml")
	write(t, tier, "from: smoke\nid: longer\ntrain:\n  steps: 1500\nband_every: 500\n", 0o644)
	matrix := []string{"--tier", tier, "--claim", "hardest5", "--seeds", "1", "--backend", "go"}
	alone, shared := filepath.Join(dir, "alone"), filepath.Join(dir, "shared")
	local := make(chan error, 1)
	go func() {
		out, err := exec.Command(program, append([]string{"run", "--store", alone}, matrix...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		local <- err
	}()

	cluster(t)
	logs := filepath.Join(dir, "task-%A_%a.log")
	submit := append([]string{"--parsable", "--array=0-3", "--time=1", "--signal=B:TERM@40", "--output=" + logs, script, "--store", shared}, matrix...)
	job := strings.TrimSpace(run(t, "sbatch", submit...))
	log := func(task int) string {
		text, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("task-%s_%d.log", job, task)))
		return string(text)
	}
	wait(t, 3*time.Minute, "the first task to train", func() bool { return strings.Contains(log(0), "worker 0/4") && strings.Contains(log(0), "step ") })
	run(t, "scontrol", "requeue", job+"_0")
	wait(t, 20*time.Minute, "the array", func() bool {
		return strings.TrimSpace(run(t, "squeue", "--noheader", "--jobs="+job, "--states=all", "--format=%T")) == "" ||
			!strings.Contains(run(t, "squeue", "--noheader", "--jobs="+job, "--format=%T"), "\n")
	})
	if err := <-local; err != nil {
		t.Fatal(err)
	}
	want, got := digests(t, program, alone), digests(t, program, shared)
	if len(want) == 0 || !maps.Equal(want, got) {
		t.Errorf("the array has %d results, and one process %d; they differ at %v", len(got), len(want), differing(want, got))
	}
	var all strings.Builder
	for task := range 4 {
		all.WriteString(log(task))
	}
	if !strings.Contains(all.String(), "terminated; finished runs and checkpoints are kept") {
		t.Error("no task ran into its time limit: nothing was tested")
	}
	run(t, program, "registry", "check", "--read-data", "--store", shared)
	if t.Failed() {
		t.Log(&all)
	}
}

func differing(a, b map[string]string) (runs []string) {
	for run := range a {
		if a[run] != b[run] {
			runs = append(runs, cmp.Or(run, "?"))
		}
	}
	slices.Sort(runs)
	return runs
}
