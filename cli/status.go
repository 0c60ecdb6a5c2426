package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/registry/store"
	"github.com/cidbench/cidbench/study"
)

func newStatus(a *app) *cobra.Command {
	var watch bool
	every := 10 * time.Second
	cmd := &cobra.Command{
		Use:   "status [--watch [INTERVAL]]",
		Short: "Show what is done, held, failed or missing, and what is left",
		Long: `Shows where the cells stand: complete, failed and why, damaged, held by whom and at which step, begun or
missing; how many of the analyses that claims observe are done; the rate of the last hour, and what the rest takes
with as many workers as there are now. With --price it says what is left to pay.

With --watch it looks again every INTERVAL (` + every.String() + ` unless given), until nothing is left: on a terminal it redraws
itself and ends at q, elsewhere it prints some lines, with --json an object in a line. In a bucket a look takes at
most 50 requests, however many runs and workers there are: what changes is read in turn, so that the step of a cell
may be some looks old. Without --watch it reads who holds 30 cells that were begun, and says how many more there are.`,
		Example: a.examples("status", "status --watch", "status --watch 1m --price 2 --json"),
		Args: func(cmd *cobra.Command, args []string) error {
			if !watch {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.MaximumNArgs(1)(cmd, args)
		},
		PreRunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var err error
			if every, err = time.ParseDuration(args[0]); err != nil || every < time.Second || every > time.Hour {
				return usagef("--watch %s: the interval lies between 1s and 1h", args[0])
			}
			return nil
		},
	}
	a.addStudy(cmd, study.Read, func(ctx context.Context, s *study.Study) error {
		if watch {
			return a.watch(ctx, s, every)
		}
		at, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON("status", at)
		}
		a.printCells(at.Cells)
		if at.Unread > 0 {
			a.printf("%s\n", unread(at))
		}
		a.printAnalyses(at.Analyses)
		a.printf("%s\n", left(at))
		return nil
	})
	a.addSweep(cmd)
	a.addLook(cmd)
	a.addRuns(cmd)
	a.addNight(cmd)
	a.addJSON(cmd)
	a.addPrice(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "look again and again")
	return cmd
}

// printCells prints where cells stand, and a summary.
func (c *Console) printCells(cells []study.CellState) {
	count := map[study.State]int{}
	for _, cell := range cells {
		count[cell.State]++
		detail := cell.Reason
		switch {
		case cell.State == study.Held:
			detail = holder(cell, time.Now())
		case cell.Step > 0:
			detail = fmt.Sprintf("step %d of %d", cell.Step, cell.Spec.Training.Steps())
		case cell.Seconds > 0 && detail == "":
			detail = fmt.Sprintf("%.0f s", cell.Seconds)
		}
		c.printf("%-9s %-36s T %-5g seed %-3d %s  %s\n", cell.State, cell.Arm, cell.Temperature, cell.Seed, short(cell.Run), detail)
	}
	c.printf("%d cells: %s\n", len(cells), counted(count))
}

// unread says of how many cells it is not known whether somebody is at work on them.
func unread(at *study.Standing) string {
	return fmt.Sprintf("%d that were begun are not looked at yet", at.Unread)
}

// counted says how many cells are in each state; those that are seldom only where there are any.
func counted(count map[study.State]int) string {
	var said []string
	for _, state := range []study.State{study.Complete, study.Failed, study.DamagedRun, study.Held, study.Begun, study.Missing} {
		if n := count[state]; n > 0 || state != study.DamagedRun && state != study.Held {
			said = append(said, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(said, ", ")
}

// holder says who holds a cell, since when, and at which step he is.
func holder(cell study.CellState, now time.Time) string {
	text := "by " + store.Printable(cell.Owner)
	if !cell.Since.IsZero() {
		text += fmt.Sprintf(" since %s (%s)", cell.Since.Local().Format("15:04"), max(now.Sub(cell.Since), 0).Round(time.Second))
	}
	if steps := cell.Spec.Training.Steps(); steps > 0 {
		text = fmt.Sprintf("step %d of %d, ", cell.Step, steps) + text
	}
	if cell.Silent {
		text = "no sign of life, " + text
	}
	return text
}

// printAnalyses prints how many of each arm there are, if any are asked for.
func (c *Console) printAnalyses(a study.Analyses) {
	if a.Needed == 0 {
		return
	}
	for _, arm := range a.Arms {
		c.printf("analyses  %-36s T %-5g %d of %d are done\n", arm.Arm, arm.Temperature, arm.Done, arm.Needed)
	}
	c.printf("%s\n", analysesLine(a))
}

func analysesLine(a study.Analyses) string {
	text := "analyses: " + a.String()
	if a.Seconds > 0 {
		text += fmt.Sprintf("; the rest take about %s of a device", seconds(a.Seconds))
	}
	return text
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}

// left says how fast it goes, and what is left.
func left(at *study.Standing) string {
	text := ""
	if at.PerHour > 0 {
		text = fmt.Sprintf("%.3g cells an hour in the last hour; ", at.PerHour)
	}
	switch {
	case at.Done():
		return text + "nothing is left"
	case at.Basis == "":
		return text + "what is left is not known: no cell was trained yet"
	}
	text += fmt.Sprintf("about %s left", at.Left.Wall())
	if n := at.Counts[study.Held]; n > 0 {
		text += " at this pace"
	} else {
		text += " for one worker; nobody is at work"
	}
	text += fmt.Sprintf(", %.2f device hours", at.Left.DeviceHours)
	if at.Left.Money > 0 {
		text += fmt.Sprintf(", %.2f to pay", at.Left.Money)
	}
	return text + " (" + at.Basis + ")"
}
