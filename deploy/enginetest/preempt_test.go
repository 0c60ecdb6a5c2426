package enginetest_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/cidbench/cidbench/deploy/enginetest"
)

// A matrix whose only worker is preempted every twenty seconds, at random, has the results of an undisturbed process.
func TestPreempted(t *testing.T) {
	enginetest.Asked(t)
	matrix := enginetest.NewMatrix(t)
	store := t.TempDir()
	stopped := enginetest.Preempt(t, 1, 20*time.Second, func() *exec.Cmd {
		return exec.Command(matrix.Program, append([]string{"run", "--parallel", "1", "--lease", "5s", "--store", store}, matrix.Args...)...)
	})
	if stopped < 3 {
		t.Errorf("the worker was stopped %d times: little was tested", stopped)
	}
	t.Logf("stopped %d times", stopped)
	matrix.Compare(t, store)
}
