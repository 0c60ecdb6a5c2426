package bench

import (
	"slices"
	"strings"
	"testing"
)

func TestParseShare(t *testing.T) {
	for _, tc := range []struct {
		text, index string
		want        Share
		wrong       string
	}{
		{"0/8", "", Share{0, 8}, ""},
		{"7/8", "3", Share{7, 8}, ""},
		{"/8", "3", Share{3, 8}, ""},
		{"0/1", "", Share{0, 1}, ""},
		{"8/8", "", Share{}, "the indices are 0 to 7"},
		{"-1/8", "", Share{}, "the indices are 0 to 7"},
		{"/8", "", Share{}, "no scheduler gives one"},
		{"/8", "9", Share{}, "the indices are 0 to 7"},
		{"0/0", "", Share{}, "there can be 1 to"},
		{"0/1000000000", "", Share{}, "there can be 1 to"},
		{"3", "", Share{}, "write I/N"},
		{"a/b", "", Share{}, "write I/N"},
		{"1/2/3", "", Share{}, "write I/N"},
	} {
		got, err := ParseShare(tc.text, tc.index)
		if tc.wrong == "" && (err != nil || got != tc.want) {
			t.Errorf("%q with index %q: %v, %v", tc.text, tc.index, got, err)
		}
		if tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)) {
			t.Errorf("%q with index %q: %v, want an error with %q", tc.text, tc.index, err, tc.wrong)
		}
	}
}

// The shares of all workers are all jobs, each once.
func TestSharesAreAPartition(t *testing.T) {
	for _, of := range []int{0, 1, 3, 10, 20} {
		var all []int
		for i := range max(of, 1) {
			all = append(all, Share{i, of}.own(10)...)
		}
		slices.Sort(all)
		if !slices.Equal(all, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("of %d workers: %v", of, all)
		}
	}
}
