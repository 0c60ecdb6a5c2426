package machine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCPU(t *testing.T) {
	if name := CPU(); SIMD && !strings.Contains(name, Vectors()) {
		t.Errorf("processor %q, without the instructions that the bytes depend on", name)
	}
	if now := Now(); now.Cores < 1 {
		t.Errorf("%+v", now)
	}
}

func TestLimits(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		own   string
		want  Limits
	}{
		"nothing":           {nil, "", Limits{}},
		"no limit":          {map[string]string{"cpu.max": "max 100000", "memory.max": "max"}, "0::/\n", Limits{}},
		"root":              {map[string]string{"cpu.max": "150000 100000", "memory.max": "1024"}, "0::/\n", Limits{Quota: 1.5, MemoryLimit: 1024}},
		"the tightest":      {map[string]string{"a/cpu.max": "50000 100000", "a/b/cpu.max": "100000 100000", "a/b/memory.max": "7", "a/memory.max": "9"}, "0::/a/b\n", Limits{Quota: .5, MemoryLimit: 7}},
		"version 1":         {map[string]string{"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000", "memory/memory.limit_in_bytes": "64"}, "4:memory:/x\n", Limits{Quota: 2, MemoryLimit: 64}},
		"version 1 without": {map[string]string{"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000", "memory/memory.limit_in_bytes": "9223372036854771712"}, "", Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			own := filepath.Join(root, "own")
			write := func(path, text string) {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			write(own, test.own)
			for file, text := range test.files {
				write(filepath.Join(root, file), text)
			}
			if got := limits(root, own); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestMost(t *testing.T) {
	for l, want := range map[Limits]int64{{}: 0, {Memory: 8}: 8, {Memory: 8, MemoryLimit: 4}: 4, {Memory: 4, MemoryLimit: 8}: 4, {MemoryLimit: 4}: 4} {
		if got := l.Most(); got != want {
			t.Errorf("%+v: %d, want %d", l, got, want)
		}
	}
}
