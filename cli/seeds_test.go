package cli

import "testing"

func TestSeedCount(t *testing.T) {
	for _, tc := range []struct {
		text  string
		allow bool
		want  string // as shown; empty for an error
	}{
		{"5", false, "5"}, {"5", true, "5"}, {"auto", true, "auto"}, {"auto", false, ""}, {"-1", true, ""},
		{"", true, ""}, {"2.5", false, ""}, {"AUTO", true, ""}, {"99999999999999999999", false, ""},
	} {
		v := &seedCount{n: new(int)}
		if tc.allow {
			v.auto = new(bool)
		}
		if err := v.Set(tc.text); (err != nil) != (tc.want == "") || err == nil && v.String() != tc.want {
			t.Errorf("%q (auto allowed: %v): %v, shown as %q, want %q", tc.text, tc.allow, err, v, tc.want)
		}
	}
	// The last one counts.
	v := &seedCount{new(int), new(bool)}
	for _, text := range []string{"5", "auto", "7"} {
		if err := v.Set(text); err != nil || v.String() != text {
			t.Errorf("%s after another: %v, %s", text, err, v)
		}
	}
}
