package kubernetes_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cidbench/cidbench/deploy/enginetest"
	"github.com/cidbench/cidbench/internal/testservers"
)

// A cluster is a control plane on this machine: etcd, and what of Kubernetes schedules pods and runs jobs.
type cluster struct {
	program string // all of them, and kubectl
	config  string // kubectl's configuration file
	address string // of the API server, https://
	token   string // of its administrator
	client  *http.Client
}

// newCluster starts a control plane, which ends with the test.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	program, err := testservers.Build(t.Context(), "kubernetes")
	if err != nil {
		t.Fatalf("cannot build the control plane: %v", err)
	}
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c := &cluster{program: program, token: rand.Text()}
	port := freePort(t)
	c.address = "https://127.0.0.1:" + port

	etcd, peers := "http://127.0.0.1:"+freePort(t), "http://127.0.0.1:"+freePort(t)
	enginetest.Serve(t, program, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=default="+peers)
	key := file("accounts.pem", signingKey(t))
	enginetest.Serve(t, program, "kube-apiserver", "--etcd-servers="+etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+port,
		"--cert-dir="+dir, "--token-auth-file="+file("tokens", []byte(c.token+",admin,admin,system:masters\n")),
		"--authorization-mode=RBAC", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes", "--service-account-key-file="+key, "--service-account-signing-key-file="+key)

	authority := filepath.Join(dir, "apiserver.crt")
	enginetest.Wait(t, time.Minute, "the API server's certificate", func() bool {
		text, _ := os.ReadFile(authority)
		roots := x509.NewCertPool()
		c.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
		return roots.AppendCertsFromPEM(text)
	})
	enginetest.Wait(t, time.Minute, "the API server", func() bool { return c.call(t.Context(), http.MethodGet, "/readyz", "", nil, nil) == nil })
	c.config = file("config", fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Config", "current-context": "test",
"clusters": [{"name": "test", "cluster": {"server": %q, "certificate-authority": %q}}],
"users": [{"name": "test", "user": {"token": %q}}],
"contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "test"}}]}`, c.address, authority, c.token))
	enginetest.Serve(t, program, "kube-controller-manager", "--kubeconfig="+c.config, "--leader-elect=false", "--secure-port=0",
		"--controllers=job-controller,serviceaccount-controller,garbage-collector-controller,pod-garbage-collector-controller")
	enginetest.Serve(t, program, "kube-scheduler", "--kubeconfig="+c.config, "--leader-elect=false", "--secure-port=0")
	return c
}

// signingKey is one for the tokens of service accounts, as PEM.
func signingKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// kubectl returns what kubectl writes to stdout and, apart, to stderr.
func (c *cluster) kubectl(input string, args ...string) (out, complaints string, err error) {
	cmd := exec.Command(c.program, append([]string{"kubectl", "--kubeconfig=" + c.config}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// must is kubectl where the test ends if it fails.
func (c *cluster) must(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, complaints, err := c.kubectl(input, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints)
	}
	return out
}

// call asks the API server; body is sent as JSON of the kind that it is called, and the answer goes into an answer.
// Errors: those of the connection, and any status but success.
func (c *cluster) call(ctx context.Context, method, path, kind string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.address+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return &refusal{response.StatusCode, fmt.Sprintf("%s %s: %s\n%s", method, path, response.Status, text)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// A refusal is what the API server says instead of doing it.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }
