package analysis

import "slices"

// Definition says what a statistic is.
type Definition struct {
	ID    string
	Title string
	// Unit is what the number is.
	Unit string
	// NullValue is what the statistic is expected to be when what it measures is not there, and HasNull says
	// that there is such a null: Null says how it is drawn.
	NullValue float64
	HasNull   bool
	Null      string
}

// The ids of statistics.
const (
	SameClassAUC           = "same-class-auc"
	SemanticPath           = "semantic-path"
	SemanticWuPalmer       = "semantic-wu-palmer"
	SemanticPathAll        = "semantic-path-all"
	SemanticWuPalmerAll    = "semantic-wu-palmer-all"
	AnticorrelatedShare    = "anticorrelated-share"
	NegativeShare          = "negative-share"
	AnticorrelatedPath     = "anticorrelated-path"
	AnticorrelatedWuPalmer = "anticorrelated-wu-palmer"
	HardConsistency        = "hard-consistency"
	EasyConsistency        = "easy-consistency"
	Hardest1Path           = "hardest1-path"
	Hardest1WuPalmer       = "hardest1-wu-palmer"
	Hardest5Path           = "hardest5-path"
	Hardest5WuPalmer       = "hardest5-wu-palmer"
	HardStability          = "hard-stability"
	EasyStability          = "easy-stability"
)

const (
	labelNull = "the labels shuffled over the images"
	treeNull  = "the classes' places in the tree shuffled, images staying with their class"
	countNull = "each query's tail drawn at random, so that counts are binomial"

	correlationUnit = "Spearman's correlation of dot product and similarity, mean over queries"
	contrastUnit    = "difference in mean similarity from the middle half of the same query's negatives"
	extremeUnit     = "difference in mean similarity from all negatives of other classes, mean over queries"
	excessUnit      = "variance of counts over the binomial one, minus 1"
	stabilityUnit   = "Spearman's correlation of two encoders' counts, mean over pairs"
)

// All defines every statistic that Run always computes, in the order of reports.
//
// In the semantic correlations a query counts as 0 if all its negatives are equally hard or all classes equally
// similar to it. With the query's class included, the null's mean lies above NullValue when same-class negatives
// are hard, since a class stays nearest to itself wherever it moves: judge by Statistic.Null. In the contrasts of
// anti-correlated negatives, a query weighs as much as it has such negatives.
var All = []Definition{
	{SameClassAUC, "a negative of the query's class is harder than one of another class", "probability, mean over queries", 0.5, true, labelNull},
	{SemanticPath, "harder negatives of other classes are nearer in meaning, by path", correlationUnit, 0, true, treeNull},
	{SemanticWuPalmer, "harder negatives of other classes are nearer in meaning, by Wu-Palmer", correlationUnit, 0, true, treeNull},
	{SemanticPathAll, "harder negatives are nearer in meaning, by path, the query's class included", correlationUnit, 0, true, treeNull},
	{SemanticWuPalmerAll, "harder negatives are nearer in meaning, by Wu-Palmer, the query's class included", correlationUnit, 0, true, treeNull},
	{AnticorrelatedShare, "the easiest negatives are anti-correlated with the query", "share of the easiest tail with negative dot product", 0, false, ""},
	{NegativeShare, "negatives are anti-correlated with the query", "share of all negatives with negative dot product", 0, false, ""},
	{AnticorrelatedPath, "anti-correlated negatives of other classes in the easiest tail are near in meaning, by path", contrastUnit, 0, true, treeNull},
	{AnticorrelatedWuPalmer, "anti-correlated negatives of other classes in the easiest tail are near in meaning, by Wu-Palmer", contrastUnit, 0, true, treeNull},
	{HardConsistency, "some images are hard negatives of more queries than others", excessUnit, 0, true, countNull},
	{EasyConsistency, "some images are easy negatives of more queries than others", excessUnit, 0, true, countNull},
}

// Extremes defines what Protocol.Hardest adds, in the order of reports. Of each class of queries the negatives of other
// classes in the tail, whichever query's they are, weigh the same.
var Extremes = []Definition{
	{Hardest1Path, "the hardest 1% of negatives, of other classes, are near in meaning, by path", extremeUnit, 0, true, treeNull},
	{Hardest1WuPalmer, "the hardest 1% of negatives, of other classes, are near in meaning, by Wu-Palmer", extremeUnit, 0, true, treeNull},
	{Hardest5Path, "the hardest 5% of negatives, of other classes, are near in meaning, by path", extremeUnit, 0, true, treeNull},
	{Hardest5WuPalmer, "the hardest 5% of negatives, of other classes, are near in meaning, by Wu-Palmer", extremeUnit, 0, true, treeNull},
}

// extremes are the tails of Extremes, in their order.
var extremes = []struct {
	fraction       float64
	path, wuPalmer string
}{{0.01, Hardest1Path, Hardest1WuPalmer}, {0.05, Hardest5Path, Hardest5WuPalmer}}

// OfOne defines every statistic that one encoder can have.
func OfOne() []Definition { return slices.Concat(All, Extremes) }

// Across defines what is measured between encoders, so that none has it alone: Stability computes it from their counts.
var Across = []Definition{
	{HardStability, "encoders agree on which images are hard negatives of many queries", stabilityUnit, 0, false, ""},
	{EasyStability, "encoders agree on which images are easy negatives of many queries", stabilityUnit, 0, false, ""},
}

// ByPath names for each statistic by Wu-Palmer similarity, of negatives of other classes alone, the one that is the same
// by path. In a tree where these similarities have one scale (taxonomy.Table.OneScale) so have the two statistics.
var ByPath = map[string]string{
	SemanticWuPalmer: SemanticPath, AnticorrelatedWuPalmer: AnticorrelatedPath, Hardest1WuPalmer: Hardest1Path, Hardest5WuPalmer: Hardest5Path,
}

// Statistic is a number with what surrounds it.
type Statistic struct {
	Value float64 `json:"value"`
	// Low and High are a 90% bootstrap interval, resampling the classes of queries, or for consistency the images.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Null is missing where Definition.HasNull is false.
	Null *Null `json:"null,omitempty"`
}

// statistic completes a ratio with its interval and, unless draws is nil, its null.
func (p Protocol) statistic(r ratio, draws []float64, threads int) Statistic {
	s := Statistic{Value: r.value()}
	s.Low, s.High = p.interval(r, threads)
	if draws != nil {
		s.Null = newNull(s.Value, draws)
	}
	return s
}

// Define finds the definition of a statistic.
func Define(id string) (Definition, bool) {
	for _, d := range slices.Concat(OfOne(), Across) {
		if d.ID == id {
			return d, true
		}
	}
	return Definition{}, false
}
