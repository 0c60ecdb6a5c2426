package cli

import (
	"testing"

	"github.com/cidbench/cidbench/bench"
)

// A worker's share is what the flag says, with the scheduler's index where it has none; without a flag it is that of a
// Slurm array.
func TestShare(t *testing.T) {
	slurm := map[string]string{slurmIndex: "12", slurmLeast: "10", slurmCount: "4"}
	for _, tc := range []struct {
		flag string
		env  map[string]string
		want bench.Share
		ok   bool
	}{
		{"", nil, bench.Share{}, true},
		{"2/3", nil, bench.Share{Index: 2, Of: 3}, true},
		{"", slurm, bench.Share{Index: 2, Of: 4}, true},
		{"0/1", slurm, bench.Share{Of: 1}, true},
		{"/8", slurm, bench.Share{Index: 2, Of: 8}, true},
		{"/8", map[string]string{kubernetesIndex: "5"}, bench.Share{Index: 5, Of: 8}, true},
		{"", map[string]string{kubernetesIndex: "5"}, bench.Share{}, true},
		{"/8", nil, bench.Share{}, false},
		{"/2", slurm, bench.Share{}, false},
	} {
		a := &app{Console: &Console{Getenv: func(name string) string { return tc.env[name] }}}
		got, err := a.share(tc.flag)
		if (err == nil) != tc.ok || tc.ok && got != tc.want {
			t.Errorf("--worker %q with %v: %v, %v", tc.flag, tc.env, got, err)
		}
	}
}
