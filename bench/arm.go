package bench

import (
	"errors"
	"fmt"

	"github.com/cidbench/cidbench/bench/negatives"
)

// Features says which representation of an image is probed.
type Features string

// The representations. Untrained and Pixels are floors: what accuracy means starts above them.
const (
	Trained   Features = "trained"   // the query encoder after training
	Untrained Features = "untrained" // the same encoder as initialised
	Pixels    Features = "pixels"    // the image itself
)

// Arm is one condition under which an encoder is trained: which negatives each query sees.
type Arm struct {
	ID    string
	Title string
	// Rules restrict the queue; a negative is seen if every rule lets it pass. No rule: all negatives.
	Rules []negatives.Rule
	// Features is Trained unless the arm is a floor.
	Features Features
}

// Validate reports everything that is wrong with an arm by itself.
func (a *Arm) Validate() error {
	errs := []error{validID(a.ID)}
	if a.Title == "" {
		errs = append(errs, errors.New("it has no title"))
	}
	if a.Features != Trained && a.Features != Untrained && a.Features != Pixels {
		errs = append(errs, fmt.Errorf("features %q is not trained, untrained or pixels", a.Features))
	}
	if a.Features != Trained && len(a.Rules) > 0 {
		errs = append(errs, errors.New("it is not trained, so rules mean nothing"))
	}
	for _, r := range a.Rules {
		errs = append(errs, r.Validate())
	}
	return errors.Join(errs...)
}
