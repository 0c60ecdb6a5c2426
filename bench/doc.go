// Package bench is the engine: it knows what an experiment is (arms, claims, tiers), turns it into a
// matrix of cells, trains and probes each cell once, and keeps what came out in a registry.
//
// The experiments themselves are data and live in package experiments; verdicts live in package report.
package bench
