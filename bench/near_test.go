package bench

import (
	"strconv"
	"testing"
)

// What was most likely meant is named; a name that is near none gets those there are, if they can be read.
func TestUnknown(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = "arm" + strconv.Itoa(i)
	}
	for _, tc := range []struct {
		name  string
		known []string
		want  string
	}{
		{"defalt", []string{"smoke", "default"}, `unknown tier "defalt": did you mean "default"?`},
		{"SMOKE", []string{"smoke", "default"}, `unknown tier "SMOKE": did you mean "smoke"?`},
		{"def", []string{"smoke", "default"}, `unknown tier "def": did you mean "default"?`},
		{"paper", []string{"smoke", "default"}, `unknown tier "paper": choose one of smoke, default`},
		{"", []string{"smoke", "default"}, `unknown tier "": choose one of smoke, default`},
		{"nothing", many, `unknown tier "nothing", like none of the 30 there are`},
	} {
		if got := Unknown("tier", tc.name, tc.known).Error(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}
