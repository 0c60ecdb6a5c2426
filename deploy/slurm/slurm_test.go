// Package slurm_test runs array.sbatch on a Slurm that it starts: two nodes on this machine.
package slurm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/deploy/enginetest"
)

// programs of Slurm and munge, in Debian's slurm-wlm and munge.
var programs = []string{"munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue"}

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
	user := strings.TrimSpace(enginetest.Run(t, "id", "-un"))
	write(t, filepath.Join(dir, "munge", "key"), strings.Repeat("no secret ", 100), 0o400)
	config := filepath.Join(dir, "slurm.conf")
	write(t, config, fmt.Sprintf(configuration, dir, host, user), 0o644)
	t.Setenv("SLURM_CONF", config)

	munge := func(name string) string { return filepath.Join(dir, "munge", name) }
	enginetest.Serve(t, "munged", "--foreground", "--force", "--key-file="+munge("key"), "--socket="+munge("socket"), "--pid-file="+munge("pid"), "--seed-file="+munge("seed"), "--log-file="+munge("log"))
	enginetest.Wait(t, 10*time.Second, "munge", func() bool { _, err := os.Stat(munge("socket")); return err == nil })
	enginetest.Serve(t, "slurmctld", "-D", "-c")
	for _, node := range []string{"n1", "n2"} {
		enginetest.Serve(t, "slurmd", "-D", "-N", node)
	}
	enginetest.Wait(t, 60*time.Second, "both nodes", func() bool {
		out, _ := exec.Command("sinfo", "--noheader", "--format=%D %t").Output()
		return strings.TrimSpace(string(out)) == "2 idle"
	})
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// An array trains a matrix once: with a task that is requeued in mid-training, and with one that runs into its time
// limit, again and again, the results are those of one undisturbed process.
func TestArray(t *testing.T) {
	enginetest.Asked(t)
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is not installed: install Debian's slurm-wlm and munge", p)
		}
	}
	matrix := enginetest.NewMatrix(t)
	t.Setenv("CIDBENCH", matrix.Program)
	script, err := filepath.Abs("array.sbatch")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store := filepath.Join(dir, "store")

	cluster(t)
	logs := filepath.Join(dir, "task-%A_%a.log")
	submit := append([]string{"--parsable", "--array=0-3", "--time=1", "--signal=B:TERM@40", "--output=" + logs, script, "--store", store}, matrix.Args...)
	job := strings.TrimSpace(enginetest.Run(t, "sbatch", submit...))
	log := func(task int) string {
		text, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("task-%s_%d.log", job, task)))
		return string(text)
	}
	enginetest.Wait(t, 3*time.Minute, "the first task to train", func() bool { return strings.Contains(log(0), "worker 0/4") && strings.Contains(log(0), "step ") })
	enginetest.Run(t, "scontrol", "requeue", job+"_0")
	enginetest.Wait(t, 20*time.Minute, "the array", func() bool {
		return strings.TrimSpace(enginetest.Run(t, "squeue", "--noheader", "--jobs="+job, "--states=all", "--format=%T")) == "" ||
			!strings.Contains(enginetest.Run(t, "squeue", "--noheader", "--jobs="+job, "--format=%T"), "\n")
	})
	matrix.Compare(t, store)
	// Task 0 was told by hand, which sends the same signal.
	if others := log(1) + log(2) + log(3); !strings.Contains(others, "terminated; finished runs and checkpoints are kept") {
		t.Error("no task ran into its time limit: nothing was tested")
	}
	if t.Failed() {
		for task := range 4 {
			t.Logf("task %d:\n%s", task, log(task))
		}
	}
}
