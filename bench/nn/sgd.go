package nn

import (
	"errors"
	"math"

	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
)

// SGD is stochastic gradient descent with momentum and weight decay, as PyTorch's, along MoCo v2's schedule.
type SGD struct {
	// LearningRate is reached after WarmupSteps (linearly) and falls to 0 along a half cosine.
	LearningRate float64 `json:"learning_rate"`
	WarmupSteps  int     `json:"warmup_steps"`
	Momentum     float64 `json:"momentum"`
	WeightDecay  float64 `json:"weight_decay"`
}

// Validate reports the first setting that cannot be trained with, in so many steps.
func (s SGD) Validate(steps int) error {
	switch {
	case steps < 1 || s.WarmupSteps < 0 || s.WarmupSteps >= steps:
		return errors.New("steps must be positive, and warmup_steps fewer")
	case !(s.Momentum >= 0 && s.Momentum < 1):
		return errors.New("momentum must lie in [0, 1)")
	case !(s.LearningRate > 0) || !(s.WeightDecay >= 0):
		return errors.New("learning_rate must be positive, weight_decay not negative")
	}
	return nil
}

// Rate is the learning rate of a step, counted from 0, of so many.
func (s SGD) Rate(step, steps int) float64 {
	if step < s.WarmupSteps {
		return s.LearningRate * float64(step+1) / float64(s.WarmupSteps)
	}
	done := float64(step-s.WarmupSteps) / float64(steps-s.WarmupSteps)
	return s.LearningRate * 0.5 * (1 + math.Cos(math.Pi*done))
}

// Update takes a step along the gradients in a graph, and returns the new parameters and velocities.
func (s SGD) Update(rate *Node, params, velocity, gradients []*Node) (newParams, newVelocity []*Node) {
	for i, g := range gradients {
		g = Add(Reshape(g, params[i].Shape().Dimensions...), MulScalar(params[i], s.WeightDecay))
		v := Add(MulScalar(velocity[i], s.Momentum), g)
		newVelocity = append(newVelocity, v)
		newParams = append(newParams, Sub(params[i], Mul(v, rate)))
	}
	return newParams, newVelocity
}
