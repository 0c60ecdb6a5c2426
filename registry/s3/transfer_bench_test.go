package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cidbench/cidbench/registry/s3"
	"github.com/cidbench/cidbench/registry/s3/s3test"
	"github.com/cidbench/cidbench/registry/store"
	"github.com/minio/minio-go/v7"
)

// A target is somewhere to put objects and to get them from, verified.
type target struct {
	put func(ctx context.Context, key string, data []byte, file string) error
	get func(ctx context.Context, key string) error
}

func storeTarget(s store.Store) target {
	return target{
		func(ctx context.Context, key string, data []byte, _ string) error {
			return s.Create(ctx, key, bytes.NewReader(data), int64(len(data)), store.DigestOf(data))
		},
		func(ctx context.Context, key string) error {
			body, _, err := s.Get(ctx, key)
			if err != nil {
				return err
			}
			defer body.Close()
			data, err := io.ReadAll(body)
			store.DigestOf(data)
			return err
		},
	}
}

// plainTarget is what mc does: puts by minio-go with its defaults.
func plainTarget(client *minio.Client) target {
	return target{
		func(ctx context.Context, key string, data []byte, _ string) error {
			_, err := client.PutObject(ctx, s3test.Bucket, key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{})
			return err
		},
		func(ctx context.Context, key string) error {
			body, err := client.GetObject(ctx, s3test.Bucket, key, minio.GetObjectOptions{})
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.Copy(io.Discard, body)
			return err
		},
	}
}

// shellTarget is cp followed by sha256sum.
func shellTarget(dir string) target {
	run := func(ctx context.Context, script string, args ...string) error {
		return exec.CommandContext(ctx, "sh", append([]string{"-c", script, "sh"}, args...)...).Run()
	}
	return target{
		func(ctx context.Context, key string, _ []byte, file string) error {
			return run(ctx, `cp "$1" "$2" && sha256sum "$2"`, file, filepath.Join(dir, key))
		},
		func(ctx context.Context, key string) error {
			return run(ctx, `cp "$1" "$1.copy" && sha256sum "$1.copy"`, filepath.Join(dir, key))
		},
	}
}

// BenchmarkTransfer puts and gets one object of 100 MiB, and 1,000 of 4 KiB.
func BenchmarkTransfer(b *testing.B) {
	server := s3test.Start(b, s3test.Versitygw)
	dir, err := store.NewDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	bucket, err := s3.Open(server.URL("p"))
	if err != nil {
		b.Fatal(err)
	}
	client, err := server.Client()
	if err != nil {
		b.Fatal(err)
	}
	targets := []struct {
		name string
		target
	}{
		{"directory", storeTarget(dir)}, {"cp+sha256sum", shellTarget(b.TempDir())},
		{"versitygw", storeTarget(bucket)}, {"plain-minio-go", plainTarget(client)},
	}
	n := 0
	for _, kind := range []struct {
		name        string
		count, size int
	}{{"100MiB", 1, 100 << 20}, {"1000x4KiB", 1000, 4 << 10}} {
		data := make([]byte, kind.size)
		file := filepath.Join(b.TempDir(), "data")
		for _, target := range targets {
			name := kind.name + "/" + target.name
			first := n
			b.Run("put/"+name, func(b *testing.B) {
				b.SetBytes(int64(kind.count * kind.size))
				for b.Loop() {
					for range kind.count {
						b.StopTimer()
						rand.Read(data)
						if err := os.WriteFile(file, data, 0o666); err != nil {
							b.Fatal(err)
						}
						b.StartTimer()
						if err := target.put(b.Context(), fmt.Sprintf("k%d", n), data, file); err != nil {
							b.Fatal(err)
						}
						n++
					}
				}
			})
			b.Run("get/"+name, func(b *testing.B) {
				b.SetBytes(int64(kind.count * kind.size))
				for b.Loop() {
					for i := range kind.count {
						if err := target.get(b.Context(), fmt.Sprintf("k%d", first+i)); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
