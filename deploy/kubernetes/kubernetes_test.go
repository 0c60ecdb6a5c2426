// Package kubernetes_test runs job.yaml on a control plane of Kubernetes that it starts, with a node that runs pods as
// processes of this machine.
package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/cidbench/cidbench/deploy/enginetest"
	"github.com/cidbench/cidbench/registry/s3/s3test"
)

// A manifest is what the tests read of job.yaml and gpu.yaml.
type manifest struct {
	Spec struct {
		Completions, Parallelism int
		Template                 struct {
			Spec struct {
				Containers []struct {
					Args            []string
					SecurityContext struct {
						ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
					} `yaml:"securityContext"`
				}
			}
		}
	}
}

// The number of workers is told to Kubernetes and to each worker, and the root of none may be written, which no standard of
// Kubernetes asks for.
func TestManifests(t *testing.T) {
	var job, gpu manifest
	for file, m := range map[string]*manifest{"job.yaml": &job, "gpu.yaml": &gpu} {
		text, err := os.ReadFile(file)
		if err == nil {
			err = yaml.Unmarshal(text, m)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	want := fmt.Sprint("/", job.Spec.Completions)
	for file, m := range map[string]*manifest{"job.yaml": &job, "gpu.yaml": &gpu} {
		args := m.Spec.Template.Spec.Containers[0].Args
		if at := slices.Index(args, "--worker") + 1; at == 0 || args[at] != want {
			t.Errorf("%s: the arguments are %q, want --worker %s, after job.yaml's completions", file, args, want)
		}
	}
	if !job.Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem {
		t.Error("job.yaml: the root of the container may be written")
	}
	if job.Spec.Parallelism != job.Spec.Completions {
		t.Errorf("job.yaml runs %d of %d workers at a time", job.Spec.Parallelism, job.Spec.Completions)
	}
}

func TestJob(t *testing.T) {
	enginetest.Asked(t)
	server := s3test.Start(t, s3test.Versitygw)
	c := newCluster(t)
	// The API server itself says what the strictest of Kubernetes' standards forbids: of a job as a warning, and no pod that
	// it forbids is made.
	c.must(t, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test", "labels": {
"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}}}`, "create", "-f", "-")
	enginetest.Wait(t, time.Minute, "the account of the namespace", func() bool {
		return c.call(t.Context(), http.MethodGet, "/api/v1/namespaces/test/serviceaccounts/default", "", nil, nil) == nil
	})
	c.must(t, "", "create", "secret", "generic", "cidbench-store",
		"--from-literal=AWS_ACCESS_KEY_ID="+s3test.AccessKey, "--from-literal=AWS_SECRET_ACCESS_KEY="+s3test.SecretKey)

	t.Run("manifests", func(t *testing.T) { checkManifests(t, c) })
	matrix := enginetest.NewMatrix(t)
	e := &engine{cluster: c, node: c.join(t, matrix.Program), matrix: matrix, server: server}
	t.Run("usage", e.usage)
	t.Run("failure", e.failure)
	t.Run("time limit", e.timeLimit)
	t.Run("matrix", e.interrupted)
}

// checkManifests has the API server look at what people copy, and nothing is made of it.
func checkManifests(t *testing.T, c *cluster) {
	text, err := os.ReadFile("job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	job := string(text)
	edited := func(from, to string) string {
		if strings.Count(job, from) != 1 {
			t.Fatalf("job.yaml does not have %q once", from)
		}
		return strings.Replace(job, from, to, 1)
	}
	for _, tc := range []struct{ name, text, complaint string }{
		{"job", job, ""},
		{"gpu", c.must(t, "", "patch", "--local", "-f", "job.yaml", "--patch-file", "gpu.yaml", "-o", "yaml"), ""},
		{"queue", edited("  # labels: {", "  labels: {"), ""},
		{"misspelt", edited("backoffLimitPerIndex", "backofLimitPerIndex"), `unknown field "spec.backofLimitPerIndex"`},
		{"privileges", edited("            allowPrivilegeEscalation: false\n", ""), `would violate PodSecurity "restricted:latest": allowPrivilegeEscalation`},
	} {
		_, complaints, err := c.kubectl(tc.text, "create", "--dry-run=server", "--validate=strict", "-f", "-")
		if tc.complaint == "" && (err != nil || complaints != "") {
			t.Errorf("%s: %v\n%s", tc.name, err, complaints)
		} else if !strings.Contains(complaints, tc.complaint) {
			t.Errorf("%s: kubectl says %q, want %q in it", tc.name, complaints, tc.complaint)
		}
	}
}

// An engine is the cluster with a node that runs cidbench, the matrix that it is to compute, and a bucket.
type engine struct {
	*cluster
	node   *node
	matrix *enginetest.Matrix
	server *s3test.Server
}

// create makes a job of job.yaml with so many workers, on a store of its name, with other arguments. No failure that
// counts is forgiven.
func (e *engine) create(t *testing.T, name string, workers int, args ...string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{
		"completions": workers, "parallelism": workers, "backoffLimitPerIndex": 0,
		"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
			"name": "cidbench", "args": append([]string{"run", "--worker", fmt.Sprint("/", workers), "--parallel", "1", "--no-wait"}, args...),
			"env": []any{map[string]any{"name": "CIDBENCH_STORE", "value": e.server.URL(name)}},
		}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	job := e.must(t, "", "patch", "--local", "-f", "job.yaml", "-p", string(patch), "-o", "yaml")
	job = strings.Replace(job, "  name: cidbench\n", "  name: "+name+"\n", 1) // of the job, which comes first
	e.must(t, job, "create", "--validate=strict", "-f", "-")
}

// status is that of a job.
type status struct {
	Active, Succeeded, Failed int
	FailedIndexes             string
	Conditions                []struct{ Type, Status, Reason, Message string }
}

func (e *engine) status(t *testing.T, job string) status {
	t.Helper()
	var j struct{ Status status }
	if err := e.call(t.Context(), http.MethodGet, "/apis/batch/v1/namespaces/test/jobs/"+job, "", nil, &j); err != nil {
		t.Fatal(err)
	}
	return j.Status
}

// condition is whether a condition of the job holds, and why.
func (s status) condition(kind string) (reason string, holds bool) {
	for _, c := range s.Conditions {
		if c.Type == kind && c.Status == "True" {
			return c.Reason + ": " + c.Message, true
		}
	}
	return "", false
}

// running are the pods of a job's index that run.
func (e *engine) running(t *testing.T, job, index string) (names []string) {
	t.Helper()
	query := url.Values{"labelSelector": {jobLabel + "=" + job + "," + indexLabel + "=" + index}, "fieldSelector": {"status.phase=Running"}}
	var list struct{ Items []pod }
	if err := e.call(t.Context(), http.MethodGet, "/api/v1/namespaces/test/pods?"+query.Encode(), "", nil, &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Items {
		names = append(names, p.Metadata.Name)
	}
	return names
}

// Exit code 2 fails the job at once.
func (e *engine) usage(t *testing.T) {
	e.create(t, "usage", 2, "--tier", "nosuch")
	enginetest.Wait(t, time.Minute, "the job to fail", func() bool { _, failed := e.status(t, "usage").condition("Failed"); return failed })
	if why, _ := e.status(t, "usage").condition("Failed"); !strings.HasPrefix(why, "PodFailurePolicy: ") || !strings.Contains(why, "exit code 2") {
		t.Errorf("the job failed by %q, want exit code 2 by its pod failure policy", why)
	}
}

// Any other failure counts, for its index alone.
func (e *engine) failure(t *testing.T) {
	e.create(t, "failure", 2, "--tier", "smoke", "--base", "nosuch.tar.gz")
	enginetest.Wait(t, time.Minute, "the job to fail", func() bool { _, failed := e.status(t, "failure").condition("Failed"); return failed })
	s := e.status(t, "failure")
	if why, _ := s.condition("Failed"); !strings.HasPrefix(why, "FailedIndexes: ") || s.FailedIndexes != "0,1" || s.Failed != 2 {
		t.Errorf("the job failed by %q, indexes %q, %d pods; want both indexes, a pod each", why, s.FailedIndexes, s.Failed)
	}
}

// A worker that stops by itself with 75 is run again, and that is no failure.
func (e *engine) timeLimit(t *testing.T) {
	e.create(t, "limit", 1, append([]string{"--time-limit", "1s"}, e.matrix.Args...)...)
	enginetest.Wait(t, 2*time.Minute, "two workers to reach their limit", func() bool { return len(e.node.endings("limit")) >= 2 })
	for _, end := range e.node.endings("limit") {
		if end.Code != 75 {
			t.Errorf("%s ended with %d, want 75:\n%s", end.Pod, end.Code, e.node.log(end.Pod))
		}
	}
	s := e.status(t, "limit")
	if why, failed := s.condition("Failed"); failed || s.Failed != 0 || s.FailedIndexes != "" {
		t.Errorf("the job counts %d failures, of indexes %q: %s", s.Failed, s.FailedIndexes, why)
	}
	e.must(t, "", "delete", "job", "limit", "--wait=false")
}

// A worker is deleted in mid-training, and then the job suspended as when it is preempted: it ends with the results of
// one undisturbed process, and nothing of it counts as a failure.
func (e *engine) interrupted(t *testing.T) {
	const name = "matrix"
	e.create(t, name, 3, append([]string{"--checkpoint-every", "5s"}, e.matrix.Args...)...)
	trains := func(but string) (pod string) {
		for _, p := range e.running(t, name, "0") {
			if p != but && strings.Contains(e.node.log(p), "step ") {
				pod = p
			}
		}
		return pod
	}
	var first string
	enginetest.Wait(t, 5*time.Minute, "the first worker to train", func() bool { first = trains(""); return first != "" })
	e.must(t, "", "delete", "pod", first, "--wait=false")
	enginetest.Wait(t, 5*time.Minute, "another in its place", func() bool { return trains(first) != "" })

	e.must(t, "", "patch", "job", name, "--type=merge", "-p", `{"spec": {"suspend": true}}`)
	enginetest.Wait(t, time.Minute, "the job to be suspended", func() bool {
		s := e.status(t, name)
		_, suspended := s.condition("Suspended")
		return suspended && s.Active == 0 && len(e.running(t, name, "0")) == 0
	})
	before := e.node.endings(name)
	e.must(t, "", "patch", "job", name, "--type=merge", "-p", `{"spec": {"suspend": false}}`)
	enginetest.Wait(t, 15*time.Minute, "the job to complete", func() bool {
		s := e.status(t, name)
		if why, failed := s.condition("Failed"); failed {
			t.Fatalf("the job failed by %s; its pods ended as %v", why, e.node.endings(name))
		}
		_, complete := s.condition("Complete")
		return complete
	})
	if s := e.status(t, name); s.Succeeded != 3 || s.Failed != 0 {
		t.Errorf("%d workers succeeded and %d failed, want 3 and none", s.Succeeded, s.Failed)
	}
	stopped := map[string]int{}
	for _, end := range before {
		if end.Code == 75 {
			stopped[end.Index]++
		}
	}
	if stopped["0"] < 2 {
		t.Errorf("pods ended as %v, want the deleted and the suspended worker of index 0 to have stopped with 75", before)
	}
	e.matrix.Compare(t, e.server.URL(name))
}
