package drift

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// Whatever nights a registry holds, they are followed and laid out, or refused with an error.
func FuzzFollow(f *testing.F) {
	nights := twenty(rand.New(rand.NewPCG(1, 1)))
	nights[3].Control = true
	for _, some := range [][]Night{nights, nights[:1], {{}, {}}} {
		text, err := json.Marshal(some)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`[{"name":"a","series":[{"key":"k","values":[1e308,1e308]}]},{"claims":[{"claim":"c","measured":[{"series":"k"}]}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var nights []Night
		if json.Unmarshal(text, &nights) != nil || len(nights) > 50 {
			return
		}
		d, err := follow("tier", nights, 2)
		if err != nil || len(d.Nights) == 0 {
			return
		}
		if len(Document(d)) < 5 {
			t.Error("the document lacks sections")
		}
	})
}
