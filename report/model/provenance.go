package model

import (
	"github.com/cidbench/cidbench/registry"
)

// Provenance says where the numbers come from.
type Provenance struct {
	// Evidence is a digest over the ids and result digests of all runs and analyses used: two reports with
	// equal evidence rest on equal results, wherever and whenever these were computed.
	Evidence registry.Digest `json:"evidence"`
	Command  string          `json:"command"`
	// Used counts the runs and analyses behind the report, Analyses those of them that are analyses.
	Used int `json:"used"`
	// Carried counts those of them that were made under an earlier scheme of keys: they have another name since,
	// and the same numbers.
	Carried  int       `json:"carried,omitempty"`
	Analyses int       `json:"analyses"`
	Code     []Code    `json:"code"`
	Sources  []Commit  `json:"commits"`
	Machines []Machine `json:"machines"`
	// WallHours and KilowattHours (of the processors) are sums over all that was used. Metered is how many
	// of them could read an energy counter; without any, KilowattHours is nil.
	WallHours     float64  `json:"wallHours"`
	KilowattHours *float64 `json:"kilowattHours,omitempty"`
	Metered       int      `json:"metered"`
}

// Code is a digest of the source that determines the numbers.
type Code struct {
	Digest string `json:"digest"`
	// Analyses: it is the code of analyses, and Runs counts these.
	Analyses bool `json:"analyses"`
	Runs     int  `json:"runs"`
}

// Commit is a state of the source.
type Commit struct {
	Tool   string `json:"tool"`
	Commit string `json:"commit"`
	Dirty  bool   `json:"dirty"` // the source differed from the commit
	Runs   int    `json:"runs"`  // and analyses
}

// Machine is what computed runs.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Go      string `json:"go"`
	Backend string `json:"backend"`
	Runs    int    `json:"runs"` // and analyses
}
