package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cidbench/cidbench/cli"
)

// try runs a command of the program.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli.Console{Catalogue: catalogue, Name: "ring", Args: args, Stdout: &out, Stderr: &errs}
	code = c.Run(t.Context())
	return code, out.String(), errs.String()
}

// The claims of this paper are planned, run, judged and reproduced by the packages that test the other one, and nothing
// is said of that.
func TestVerify(t *testing.T) {
	store := t.TempDir() + "/store"
	on := func(store string, args ...string) []string {
		return append(args, "--tier", "smoke", "--backend", "go", "--store", store)
	}
	if code, text, errs := try(t, on(store, "plan", "--register")...); code != 0 || !strings.HasPrefix(text, "plan ") {
		t.Fatalf("register: exit %d: %s%s", code, text, errs)
	}
	verify := on(store, "verify")
	code, first, progress := try(t, verify...)
	if !slices.Contains([]int{0, 3, 4}, code) || !strings.Contains(progress, "12 of 12 cells are done (0 were there already, 0 failed)") {
		t.Fatalf("exit %d: %s", code, progress)
	}
	again, second, progress := try(t, verify...)
	if again != code || second != first || !strings.Contains(progress, "cells were there already: nothing to run") {
		t.Errorf("again: exit %d, after %d: %s", again, code, progress)
	}
	for _, claim := range claims { // one claim has one verdict, whichever selection asks
		_, alone, _ := try(t, on(store, "verify", "--no-run", "--claim", claim.ID, "--json")...)
		_, among, _ := try(t, on(store, "verify", "--no-run", "--json")...)
		if a, b := verdict(t, alone, claim.ID), verdict(t, among, claim.ID); a != b {
			t.Errorf("%s is %s alone and %s among all", claim.ID, a, b)
		}
	}

	evidence := t.TempDir() + "/evidence.tar.gz"
	code, page, progress := try(t, on(store, "report", "--format", "html", "--save-evidence", evidence)...)
	if code != 0 {
		t.Fatalf("report: exit %d: %s", code, progress)
	}
	foreign := regexp.MustCompile(`(?i)cidbench (verify|run|plan|report|list|analyze)\b|created equal|2010\.06682|hardest 5%`)
	for text, wants := range map[string][]string{
		first: {catalogue.Paper.Title, "`ring report` has the figures"},
		page:  {catalogue.Paper.Title, "ring verify --tier smoke", "leaving out the very hardest helps"},
	} {
		flowing := strings.Join(strings.Fields(text), " ") // lines are broken anywhere
		for _, want := range wants {
			if !strings.Contains(flowing, want) {
				t.Errorf("%q is not in %.300s", want, flowing)
			}
		}
		if found := foreign.FindString(flowing); found != "" {
			t.Errorf("%q is in %.300s", found, flowing)
		}
	}

	// What is trained again is the same, and is said to be.
	code, text, progress := try(t, on(t.TempDir()+"/again", "reproduce", "--evidence", evidence)...)
	outcome := regexp.MustCompile(`Of (\d+) runs, (\d+) have the same bytes as the published evidence; the verdict on each of the 2 claims is the same\.`).FindStringSubmatch(strings.Join(strings.Fields(text), " "))
	if code != 0 || outcome == nil || outcome[1] != outcome[2] || outcome[1] == "0" {
		t.Errorf("reproduce: exit %d: %s%s", code, text, progress)
	}
}

// verdict finds that on a claim in a report.
func verdict(t *testing.T, report, claim string) string {
	t.Helper()
	var r struct {
		Claims []struct{ ID, Verdict string }
	}
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatalf("%v: %s", err, report)
	}
	for _, c := range r.Claims {
		if c.ID == claim {
			return c.Verdict
		}
	}
	t.Fatalf("no %s in %s", claim, report)
	return ""
}

// Runs that came before their plan confirm nothing, and that is said.
func TestRunsBeforeThePlan(t *testing.T) {
	store := t.TempDir() + "/store"
	run := []string{"--tier", "smoke", "--backend", "go", "--store", store, "--claim", "ring"}
	if code, _, errs := try(t, append([]string{"run", "--look", "1"}, run...)...); code != 0 {
		t.Fatalf("run: exit %d: %s", code, errs)
	}
	registration := func() string {
		_, text, _ := try(t, append([]string{"verify", "--no-run", "--json"}, run...)...)
		var r struct {
			Claims []struct{ Registration string }
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Claims) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		return r.Claims[0].Registration
	}
	if got := registration(); got != "not registered" {
		t.Errorf("without a plan: %q", got)
	}
	if code, _, errs := try(t, "plan", "--register", "--tier", "smoke", "--backend", "go", "--store", store); code != 0 {
		t.Fatalf("register: exit %d: %s", code, errs)
	}
	if got := registration(); got != "before plan" {
		t.Errorf("with a later plan: %q", got)
	}
}

func TestList(t *testing.T) {
	code, text, errs := try(t, "list")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"Negatives from a ring of difficulty", "test: ring greater hardest10, margin 5% of the gain", "secondary in the plan of tier smoke", "random9", "[keep hardest 10%, then drop hardest 1%]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if code, _, errs := try(t, "verify", "--claim", "hardest5"); code != 2 || !strings.Contains(errs, "unknown claim \"hardest5\": choose one of ring, ") {
		t.Errorf("a claim of another paper: exit %d, %s", code, errs)
	}
}
