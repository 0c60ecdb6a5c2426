// Package s3test runs S3 servers for tests: each a process of its own on a free loopback port, with its data in a
// temporary folder. Package testservers builds the programs.
//
// A server that cannot be built or started fails the test. Whoever cannot have one sets CIDBENCH_SKIP_S3=1.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cidbench/cidbench/internal/testservers"
)

const (
	skipVariable  = "CIDBENCH_SKIP_S3"
	minioVariable = "CIDBENCH_TEST_MINIO"
	region        = "us-east-1"
	// Bucket is the one bucket of every server.
	Bucket = "tests"

	// AccessKey and SecretKey are the credentials of every server. They are set
	// in the environment of the test that starts it.
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key-0123456789"
)

// A Program is a kind of S3 server.
type Program struct {
	name     string
	optional bool
	command  func(binary, address, dir string) *exec.Cmd
}

// Versitygw stores each object as a file of its name in Server.Dir.
var Versitygw = Program{"versitygw", false, func(binary, address, dir string) *exec.Cmd {
	return exec.Command(binary, "--port", address, "--access", AccessKey, "--secret", SecretKey, "--region", region, "--quiet", "posix", dir)
}}

// MinIO takes minutes to build, and runs only where it is asked for.
var MinIO = Program{"minio", true, func(binary, address, dir string) *exec.Cmd {
	cmd := exec.Command(binary, "server", "--quiet", "--address", address, dir)
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+AccessKey, "MINIO_ROOT_PASSWORD="+SecretKey)
	return cmd
}}

// GoFakeS3 ignores conditions and checksums: it is there to be refused.
var GoFakeS3 = Program{"gofakes3", false, func(binary, address, _ string) *exec.Cmd {
	return exec.Command(binary, "-backend", "memory", "-host", address)
}}

// A Server is a running S3 server with one bucket.
type Server struct {
	// Dir is where it keeps its data.
	Dir     string
	program Program
	binary  string
	address string
	cmd     *exec.Cmd
	output  *strings.Builder
	ended   chan struct{} // closed when cmd has
}

// Start starts a server that lives as long as the test.
func Start(t testing.TB, program Program) *Server {
	t.Helper()
	if os.Getenv(skipVariable) == "1" {
		t.Skipf("NOT TESTED on S3: %s=1 says to do without %s", skipVariable, program.name)
	}
	if program.optional && os.Getenv(minioVariable) != "1" {
		t.Skipf("not tested on MinIO: set %s=1 to build and test it", minioVariable)
	}
	binary, err := testservers.Build(t.Context(), program.name)
	if err != nil {
		t.Fatalf("cannot build %s, which this test runs; set %s=1 to do without: %v", program.name, skipVariable, err)
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", SecretKey)
	t.Setenv("AWS_REGION", region)
	s := &Server{Dir: t.TempDir(), program: program, binary: binary, address: address}
	t.Cleanup(func() {
		select {
		case <-s.ended:
			if s.cmd != nil {
				t.Errorf("%s has ended by itself: %v\n%s", program.name, s.cmd.ProcessState, s.output)
			}
		default:
		}
		s.Kill()
	})
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := s.Client()
	if err == nil {
		err = client.MakeBucket(t.Context(), Bucket, minio.MakeBucketOptions{Region: region})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is that of a store with the given prefix.
func (s *Server) URL(prefix string) string {
	u := url.URL{Scheme: "s3", Host: Bucket, Path: "/" + prefix, RawQuery: url.Values{"endpoint": {s.endpoint()}}.Encode()}
	return u.String()
}

// File is where versitygw keeps an object.
func (s *Server) File(object string) string {
	return filepath.Join(s.Dir, Bucket, filepath.FromSlash(object))
}

func (s *Server) endpoint() string { return "http://" + s.address }

// Process is the running server; it has another after Restart.
func (s *Server) Process() *os.Process { return s.cmd.Process }

// Kill ends the server with SIGKILL.
func (s *Server) Kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		<-s.ended
		s.cmd = nil
	}
}

// Restart starts the server, again on the same address and folder, and returns when it answers.
func (s *Server) Restart(ctx context.Context) error {
	s.Kill()
	s.cmd = s.program.command(s.binary, s.address, s.Dir)
	s.output = new(strings.Builder)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	ended, cmd := make(chan struct{}), s.cmd
	s.ended = ended
	go func() {
		cmd.Wait()
		close(ended)
	}()
	client := &http.Client{Timeout: time.Second}
	var err error
	for range 400 {
		var response *http.Response
		if response, err = client.Get(s.endpoint()); err == nil {
			response.Body.Close()
			if response.StatusCode < 500 {
				return nil
			}
			err = errors.New(response.Status)
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.Kill() // then nobody writes to its output
	return fmt.Errorf("%s does not answer: %w\n%s", s.program.name, err, s.output)
}

// Client is one with the defaults of minio-go.
func (s *Server) Client() (*minio.Client, error) {
	return minio.New(s.address, &minio.Options{
		Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: region,
	})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
