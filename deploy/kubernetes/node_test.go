package kubernetes_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A node runs the container of each pod as a process of this machine, in place of a kubelet and a container runtime:
// the entrypoint of every image is one program, an empty volume is a folder by which its path in the values of the
// environment is replaced, and where the test may do so a process has the user that the pod asks for.
type node struct {
	*cluster
	program string
	dir     string
	pods    map[string]*process // by UID

	mu    sync.Mutex
	ended []ending
}

// A process is the container of a pod.
type process struct {
	cmd    *exec.Cmd
	log    *os.File
	begun  time.Time
	killed time.Time // when it was told to end; zero before
	done   chan struct{}
	code   int // once it is done
}

// An ending is that of a pod of a job's index.
type ending struct {
	Job, Index, Pod string
	Code            int
}

// pod is what the node needs of one.
type pod struct {
	Metadata struct {
		Name, Namespace, UID string
		Labels               map[string]string
		Annotations          map[string]string
		DeletionTimestamp    *time.Time
	}
	Spec struct {
		TerminationGracePeriodSeconds int
		SecurityContext               struct{ RunAsUser, RunAsGroup uint32 }
		Containers                    []container
	}
	Status struct{ Phase string }
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct {
		Name, Value string
		ValueFrom   struct{ FieldRef struct{ FieldPath string } }
	}
	EnvFrom      []struct{ SecretRef struct{ Name string } }
	VolumeMounts []struct{ MountPath string }
}

func (p *pod) path() string {
	return "/api/v1/namespaces/" + p.Metadata.Namespace + "/pods/" + p.Metadata.Name
}

const (
	jobLabel   = "batch.kubernetes.io/job-name"
	indexLabel = "batch.kubernetes.io/job-completion-index"
)

// join adds a node to the cluster, which runs pods until the test ends. What it cannot do fails the test.
func (c *cluster) join(t *testing.T, program string) *node {
	t.Helper()
	n := &node{cluster: c, program: program, dir: t.TempDir(), pods: map[string]*process{}}
	if err := os.Chmod(filepath.Dir(n.dir), 0o711); err != nil { // for the users of pods
		t.Fatal(err)
	}
	room := map[string]string{"cpu": "64", "memory": "256Gi", "ephemeral-storage": "256Gi", "pods": "64"}
	if err := c.call(t.Context(), http.MethodPost, "/api/v1/nodes", "application/json", map[string]any{
		"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": "node"},
		"status": map[string]any{"capacity": room, "allocatable": room, "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
	}, nil); err != nil {
		t.Fatal(err)
	}
	// The API server taints a new node until another controller has judged it, which is not here.
	if err := c.call(t.Context(), http.MethodPatch, "/api/v1/nodes/node", "application/merge-patch+json", map[string]any{"spec": map[string]any{"taints": nil}}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-over
		for _, p := range n.pods {
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	})
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			if err := n.sync(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("the node: %v", err)
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	return n
}

// sync does for each pod of the node what is next.
func (n *node) sync(ctx context.Context) error {
	var list struct{ Items []pod }
	if err := n.call(ctx, http.MethodGet, "/api/v1/pods?fieldSelector=spec.nodeName=node", "", nil, &list); err != nil {
		return err
	}
	for _, p := range list.Items {
		var err error
		running, doomed := n.pods[p.Metadata.UID], p.Metadata.DeletionTimestamp != nil
		switch {
		case running == nil && !doomed && p.Status.Phase == "Pending":
			err = n.start(ctx, &p)
		case running == nil && p.Status.Phase == "Pending":
			err = n.report(ctx, &p, "Failed", map[string]any{"waiting": map[string]any{"reason": "ContainerCreating"}})
		case doomed && p.Status.Phase != "Running":
			err = n.call(ctx, http.MethodDelete, p.path()+"?gracePeriodSeconds=0", "", nil, nil)
		case running == nil:
		case isDone(running):
			if p.Status.Phase == "Running" {
				err = n.finish(ctx, &p, running)
			}
		case doomed && running.killed.IsZero():
			running.killed = time.Now()
			_ = running.cmd.Process.Signal(syscall.SIGTERM)
		case doomed && time.Since(running.killed) > time.Duration(p.Spec.TerminationGracePeriodSeconds)*time.Second:
			_ = running.cmd.Process.Kill()
		}
		// The pod may be gone, or changed, since it was listed.
		if refused := (*refusal)(nil); errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusConflict) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isDone(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// start runs the pod's container.
func (n *node) start(ctx context.Context, p *pod) error {
	c, dir := p.Spec.Containers[0], filepath.Join(n.dir, p.Metadata.UID)
	cache := filepath.Join(dir, "volume")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	env, err := n.environment(ctx, p, cache)
	if err != nil {
		return err
	}
	log, err := os.Create(n.logFile(p.Metadata.Name))
	if err != nil {
		return err
	}
	r := &process{cmd: exec.Command(n.program, c.Args...), log: log, begun: time.Now(), done: make(chan struct{})}
	r.cmd.Env, r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = env, dir, log, log
	if user := p.Spec.SecurityContext; os.Geteuid() == 0 {
		r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.RunAsUser, Gid: user.RunAsGroup}}
		if err := os.Chown(cache, int(user.RunAsUser), int(user.RunAsGroup)); err != nil {
			return err
		}
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	n.pods[p.Metadata.UID] = r
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // its state says more
		r.code = r.cmd.ProcessState.ExitCode()
		if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			r.code = 128 + int(status.Signal())
		}
		_ = log.Close()
	}()
	return n.report(ctx, p, "Running", map[string]any{"running": map[string]any{"startedAt": stamp(r.begun)}})
}

// environment is that of the pod's container, as NAME=VALUE.
func (n *node) environment(ctx context.Context, p *pod, volume string) ([]string, error) {
	c, values := p.Spec.Containers[0], map[string]string{}
	for _, from := range c.EnvFrom {
		var secret struct{ Data map[string][]byte }
		if err := n.call(ctx, http.MethodGet, "/api/v1/namespaces/"+p.Metadata.Namespace+"/secrets/"+from.SecretRef.Name, "", nil, &secret); err != nil {
			return nil, err
		}
		for name, value := range secret.Data {
			values[name] = string(value)
		}
	}
	for _, e := range c.Env {
		value := e.Value
		if field := e.ValueFrom.FieldRef.FieldPath; field != "" {
			kind, key, _ := strings.Cut(strings.TrimSuffix(field, "']"), "['")
			value = map[string]map[string]string{"metadata.labels": p.Metadata.Labels, "metadata.annotations": p.Metadata.Annotations}[kind][key]
		}
		for _, mount := range c.VolumeMounts {
			if rest, inside := strings.CutPrefix(value, mount.MountPath); inside {
				value = volume + rest
			}
		}
		values[e.Name] = value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// finish reports how the pod's container has ended.
func (n *node) finish(ctx context.Context, p *pod, r *process) error {
	phase, reason := "Succeeded", "Completed"
	if r.code != 0 {
		phase, reason = "Failed", "Error"
	}
	err := n.report(ctx, p, phase, map[string]any{"terminated": map[string]any{
		"exitCode": r.code, "reason": reason, "startedAt": stamp(r.begun), "finishedAt": stamp(time.Now()),
	}})
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, ending{p.Metadata.Labels[jobLabel], p.Metadata.Labels[indexLabel], p.Metadata.Name, r.code})
	return nil
}

func (n *node) report(ctx context.Context, p *pod, phase string, state map[string]any) error {
	c := p.Spec.Containers[0]
	return n.call(ctx, http.MethodPatch, p.path()+"/status", "application/strategic-merge-patch+json", map[string]any{"status": map[string]any{
		"phase": phase, "startTime": stamp(time.Now()),
		"containerStatuses": []any{map[string]any{
			"name": c.Name, "image": c.Image, "imageID": c.Image, "restartCount": 0, "ready": phase == "Running", "state": state,
		}},
	}}, nil)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// logFile is where a pod's output goes.
func (n *node) logFile(pod string) string { return filepath.Join(n.dir, pod+".log") }

// log is what a pod has said.
func (n *node) log(pod string) string {
	text, _ := os.ReadFile(n.logFile(pod))
	return string(text)
}

// endings are those of a job's pods, by index, each in the order of time.
func (n *node) endings(job string) []ending {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(n.ended), func(e ending) bool { return e.Job != job })
	slices.SortStableFunc(all, func(a, b ending) int { return cmp.Compare(a.Index, b.Index) })
	return all
}
