// Package report is the way out of the house of reports: it writes a report, or two side by side, in a format
// that is asked for by name. What it writes comes from the rooms below, the highest first:
//
//	page    HTML with its figures       write  text, Markdown, JSON, CSV: they compute nothing
//	diff    two reports side by side
//	layout  a report as a document: sections of blocks, every number spelled
//	figure  charts as values
//	judge   verdicts from runs: pure functions
//	words   numbers and sentences
//	model   what a report is
//	stats   the statistics, which know nothing of reports
//
// Package mutation holds tests alone: a mistaken method would be caught.
package report
