package bench

import (
	"errors"
	"fmt"
	"regexp"

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
	// Temperature of InfoNCE, if the arm has one of its own; 0 means that of the claim.
	Temperature float64
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
	if a.Features != Trained && (len(a.Rules) > 0 || a.Temperature != 0) {
		errs = append(errs, errors.New("it is not trained, so rules and temperature mean nothing"))
	}
	if a.Temperature < 0 {
		errs = append(errs, errors.New("a temperature cannot be negative"))
	}
	for _, r := range a.Rules {
		errs = append(errs, r.Validate())
	}
	return errors.Join(errs...)
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)

func validID(id string) error {
	if !idPattern.MatchString(id) {
		return errors.New("an id is made of a-z, 0-9, dot and dash")
	}
	return nil
}

// Sweep varies the share of the negatives: each line is a way of choosing them, trained at each of the
// fractions. It has no verdict; it is the picture behind the claims, of which each looks at one fraction.
type Sweep struct {
	ID    string
	Title string
	Lines []SweepLine
	// Fractions of the queue, rising, in (0, 1]; evenly spaced on a logarithmic axis, for the figure.
	Fractions []float64
	// Reference is the arm that the lines are compared with, drawn as a level.
	Reference string
	// Seeds is the number of seeds unless the caller says otherwise.
	Seeds int
}

// SweepLine is one way of choosing negatives: it keeps or drops those of a pool.
type SweepLine struct {
	Action negatives.Action `json:"action"`
	Pool   negatives.Pool   `json:"pool"`
}

// Keeps says that the line keeps its fraction, and drops the rest.
func (l SweepLine) Keeps() bool { return l.Action == negatives.Keep }

// String reads like "keep hardest".
func (l SweepLine) String() string { return fmt.Sprintf("%s %s", l.Action, l.Pool) }

// Arm is the arm of a line at a fraction.
func (l SweepLine) Arm(fraction float64) *Arm {
	rule := negatives.Rule{Action: l.Action, Pool: l.Pool, Fraction: fraction}
	return &Arm{
		ID:    fmt.Sprintf("%s-%s-%g", l.Action, l.Pool, fraction),
		Title: rule.String(), Features: Trained, Rules: []negatives.Rule{rule},
	}
}

// Arms lists the arms of all lines, line by line.
func (s *Sweep) Arms() (arms []*Arm) {
	for _, line := range s.Lines {
		for _, fraction := range s.Fractions {
			arms = append(arms, line.Arm(fraction))
		}
	}
	return arms
}

// Validate reports what is wrong with a sweep by itself, besides its arms.
func (s *Sweep) Validate() error {
	if len(s.Lines) == 0 || len(s.Fractions) == 0 || s.Title == "" || s.Seeds < 1 || s.Seeds > MaxSeeds {
		return errors.Join(validID(s.ID), fmt.Errorf("title, lines, fractions and 1 to %d seeds must be given", MaxSeeds))
	}
	return validID(s.ID)
}
