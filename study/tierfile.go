package study

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cidbench/cidbench/bench"
	"github.com/cidbench/cidbench/bench/dataset"
	"github.com/cidbench/cidbench/bench/dataset/shards"
	"github.com/cidbench/cidbench/bench/tierfile"
)

// IsTierFile says whether the name of a tier is that of a file.
func IsTierFile(tier string) bool {
	extension := filepath.Ext(tier)
	return extension == ".yaml" || extension == ".yml" || strings.ContainsRune(tier, filepath.Separator)
}

// WithTierFile reads a tier from a file, and gives the catalogue with it. Its data set is one of the catalogue, or one
// that the user imported. Errors: UsageError.
func WithTierFile(catalogue *bench.Catalogue, file string) (*bench.Catalogue, *bench.Tier, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, UsageError{err}
	}
	changed, tier, err := withTier(catalogue, text)
	if err != nil {
		err = UsageError{fmt.Errorf("%s: %w", file, err)}
	}
	return changed, tier, err
}

// withTier is the catalogue with the tier of a file's text.
func withTier(catalogue *bench.Catalogue, text []byte) (*bench.Catalogue, *bench.Tier, error) {
	tier, err := tierfile.Read(text, catalogue)
	if err != nil {
		return nil, nil, err
	}
	if catalogue.Tier(tier.ID) == tier {
		return catalogue, tier, nil
	}
	if catalogue.Dataset(tier.Dataset) == nil {
		if !validName.MatchString(tier.Dataset) {
			return nil, nil, fmt.Errorf("dataset: %q is no name of a data set: `data ls` lists them", tier.Dataset)
		}
		catalogue = catalogue.With(&dataset.Source{
			Name: tier.Dataset, From: "imported by its user", Import: &dataset.Import{}, Read: shards.Read(tier.Dataset),
		})
	}
	changed := *catalogue
	changed.Tiers = append(slices.Clone(catalogue.Tiers), tier)
	return &changed, tier, nil
}
