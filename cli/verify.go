package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cidbench/cidbench/report"
	"github.com/cidbench/cidbench/report/layout"
	"github.com/cidbench/cidbench/report/model"
	"github.com/cidbench/cidbench/report/words"
	"github.com/cidbench/cidbench/report/write"
	"github.com/cidbench/cidbench/study"
)

const verifyHelp = `Runs what is missing for the selected claims (all of them without --claim), then judges each:
supported, refuted or inconclusive. It prints the answers, and a line for each claim; report and show have all
else. The exit code says the outcome. A tier that only checks the machinery ends with PASS or FAIL instead, and
its exit code is that.

With --data it does so on your pictures, at the scale of --tier or of one that it chooses by their number and by
whether a GPU is used, and says what it assumes. No plan covers that, so every verdict is exploratory.

The claims that the tier's plan names are confirmed: on the plan's own seeds, at its looks (numbers of seeds)
until each is decided, and at levels that keep any wrong verdict among them below the plan's alpha. Their
verdicts are the same whichever command and selection asks. A plan counts if it was registered before its
runs: see plan --register. All other claims are exploratory: judged once, on the seeds from 0, each at a level
of its own. With --explore so are the plan's, which is no verdict of the plan.`

func newVerify(a *app) *cobra.Command {
	claim := "verify --claim " + first(study.ClaimIDs(a.Catalogue))
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "Run what is missing and judge the claims",
		Long:    verifyHelp,
		Example: a.examples(claim, claim+" --budget 2h", "verify --tier "+first(study.TierIDs(a.Catalogue)), "verify --no-run --json"),
		PreRunE: func(*cobra.Command, []string) error { // what flags say only together
			if a.Runs != "" && !a.noRun {
				return usagef("--runs judges stored runs: use it with --no-run")
			}
			return nil
		},
	}
	a.addStudy(cmd, study.Write, a.verify)
	a.addWorkers(cmd)
	a.addSharing(cmd)
	a.addRuns(cmd)
	a.addNight(cmd)
	a.addJSON(cmd)
	f := cmd.Flags()
	f.DurationVar(&a.Budget, "budget", 0, "train no more after this time, such as 90m (default: no limit)")
	f.BoolVar(&a.noRun, "no-run", false, "judge only what is stored")
	return cmd
}

func (a *app) verify(ctx context.Context, s *study.Study) error {
	if a.yours != "" && !a.noRun {
		p, err := s.Plan(ctx)
		if err != nil {
			return err
		}
		a.Say(fmt.Sprintf("%s to run (%s)", p.Rest, p.Basis))
	}
	r, err := s.Judge(ctx, !a.noRun)
	if err != nil {
		return err
	}
	if a.json {
		err = report.Write(a.Stdout, r, "json", a.Text)
	} else {
		err = a.conclude(r)
	}
	if err != nil {
		return err
	}
	if code := r.ExitCode(); code != exitSupported {
		return coded{code: code}
	}
	return nil
}

// conclude prints what a report opens with, and what became of each claim.
func (a *app) conclude(r *model.Report) error {
	if err := write.Text(a.Stdout, layout.Opening(r), a.Text); err != nil {
		return err
	}
	return write.Sentences(a.Stdout, append(words.Closing(r), strings.Join(layout.Tallies(r), " "),
		fmt.Sprintf("`%s report` has the figures and all details, `%s show CLAIM` those of one claim.", a.Name, a.Name)), a.Text)
}
