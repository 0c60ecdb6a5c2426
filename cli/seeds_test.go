package cli

import "testing"

func TestSeedCount(t *testing.T) {
	for text, want := range map[string]string{ // as shown; empty for an error
		"5": "5", "-1": "", "": "", "2.5": "", "auto": "", "99999999999999999999": "",
	} {
		v := &seedCount{new(int)}
		if err := v.Set(text); (err != nil) != (want == "") || err == nil && v.String() != want {
			t.Errorf("%q: %v, shown as %q, want %q", text, err, v, want)
		}
	}
}
