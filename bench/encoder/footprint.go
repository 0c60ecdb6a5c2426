package encoder

// Footprint is what an encoder takes, in numbers.
type Footprint struct {
	// Params are trained, Stats are running statistics.
	Params, Stats int
	// Activations are kept of one view for the way back: what each convolution and linear layer writes, before and after
	// batch norm and ReLU, and sums of residual blocks.
	Activations int
	// Widest is the largest of them, in and out of one convolution.
	Widest int
}

// Footprint counts them from the shapes of a valid configuration.
func (c Config) Footprint() (s Footprint) {
	body, head := c.backbone(), c.head()
	for _, p := range append(body.Params(), head.Params()...) {
		s.Params += p.Size()
	}
	for _, p := range append(body.Stats(), head.Stats()...) {
		s.Stats += p.Size()
	}
	written := func(channels, side int) {
		s.Activations += 2 * channels * side * side
		s.Widest = max(s.Widest, 2*channels*side*side)
	}
	side := c.Size
	switch c.StemKind {
	case CIFARStem:
		written(c.Stem[0], side)
	case ImageNetStem:
		written(c.Stem[0], side/2)
		side /= 4
		s.Activations += c.Stem[0] * side * side // pooled
	default:
		for _, out := range c.Stem {
			side /= 2
			written(out, side)
		}
	}
	in := c.Stem[len(c.Stem)-1]
	for _, stage := range c.Stages {
		for i := range stage.Blocks {
			before := side
			if i == 0 {
				side /= stage.Stride
			}
			if stage.Basic {
				written(stage.Width, side)
			} else {
				written(stage.Width, before)
				written(stage.Width, side)
			}
			written(stage.Out, side)
			if in != stage.Out || before != side {
				written(stage.Out, side)
			}
			s.Activations += stage.Out * side * side // the sum
			in = stage.Out
		}
	}
	s.Activations += c.Features() + 2*c.Hidden + 2*c.Dim
	return s
}
