package judge_test

import "math"

// tails are the quantiles of t below 0 and above it as they are put out for values of such skewness: a mean may be further
// above what is seen if they reach far up, since t is then far below 0 more often.
func tails(t float64, values ...float64) (low, high float64) {
	n, mean, second, third := float64(len(values)), 0., 0., 0.
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		second, third = second+math.Pow(v-mean, 2)/n, third+math.Pow(v-mean, 3)/n
	}
	out := 1.5 * third / math.Pow(second, 1.5) / math.Sqrt(n) * (t*t/3 + 1./6)
	return t + max(0, out), t + max(0, -out)
}
