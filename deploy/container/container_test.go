// Package container_test holds the Containerfiles to what README.md says of them: bases by digest, a user who is not
// root, and a build that gives the program.
package container_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cidbench/cidbench/deploy/enginetest"
)

const root = "../.."

// An instruction of a Containerfile, such as FROM, and what follows it.
type instruction struct{ name, rest string }

// instructions reads a Containerfile; a line that ends with a backslash goes on.
func instructions(text string) (all []instruction) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			name, rest, _ := strings.Cut(line, " ")
			all = append(all, instruction{strings.ToUpper(name), strings.TrimSpace(rest)})
		}
	}
	return all
}

// A base is an image by a tag that says its version and by its digest.
var base = regexp.MustCompile(`^[a-z0-9.-]+/[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}( AS [a-z]+)?$`)

// faults says what is wrong with a Containerfile.
func faults(text string) (all []string) {
	var user, entrypoint string
	for _, i := range instructions(text) {
		switch i.name {
		case "FROM":
			user, entrypoint = "", "" // the last stage is the image
			if !base.MatchString(i.rest) || strings.Contains(i.rest, ":latest@") {
				all = append(all, "the base "+i.rest+" is not pinned by version and digest")
			}
		case "USER":
			user = i.rest
		case "ENTRYPOINT":
			entrypoint = i.rest
		case "COPY", "ADD":
			if strings.Contains(i.rest, "--from=") && !strings.Contains(i.rest, "--from=build ") || strings.Contains(i.rest, "://") {
				all = append(all, i.rest+" copies from outside, by no digest")
			}
		case "RUN":
			if strings.Contains(i.rest, "pip install") && !strings.Contains(i.rest, "--require-hashes") {
				all = append(all, i.rest+" installs what no digest pins")
			}
		}
	}
	if user != "65532:65532" {
		all = append(all, fmt.Sprintf("the user is %q, want 65532:65532", user))
	}
	if entrypoint != `["/usr/local/bin/cidbench"]` {
		all = append(all, fmt.Sprintf("the entrypoint is %q, want cidbench", entrypoint))
	}
	return all
}

func TestImagesArePinned(t *testing.T) {
	files, err := filepath.Glob("Containerfile*")
	if err != nil || len(files) != 2 {
		t.Fatalf("there are Containerfiles %q, %v; want two", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults(string(text)) {
			t.Errorf("%s: %s", file, fault)
		}
	}
}

// The check finds what it is there for.
func TestFaults(t *testing.T) {
	text, err := os.ReadFile("Containerfile.cuda")
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for _, tc := range []struct{ from, to, fault string }{
		{"1.26.8-bookworm@", "latest@", "not pinned"},
		{regexp.MustCompile(`-trixie@sha256:\w+`).FindString(good), "-trixie", "not pinned"},
		{"USER 65532:65532", "USER root", `the user is "root"`},
		{"USER 65532:65532\n", "", `the user is ""`},
		{"ENTRYPOINT", "CMD", `the entrypoint is ""`},
		{"--from=build", "--from=docker.io/library/busybox", "from outside"},
		{" --require-hashes", "", "no digest pins"},
	} {
		if found := faults(strings.Replace(good, tc.from, tc.to, 1)); len(found) != 1 || !strings.Contains(found[0], tc.fault) {
			t.Errorf("with %q for %q: %q, want one fault, %s", tc.to, tc.from, found, tc.fault)
		}
	}
}

// The image builds with the compiler that go.mod asks for: the toolchain of an older one would be fetched.
func TestCompilerIsThatOfTheModule(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(module)
	for _, file := range []string{"Containerfile", "Containerfile.cuda"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("/golang:%s-", version[1]); !strings.Contains(string(text), want) {
			t.Errorf("%s is not on %s, which go.mod asks for", file, want)
		}
	}
}

// What the first Containerfile runs gives a static program, which trains with nothing around it but a folder that its
// user may write.
func TestProgramNeedsNothing(t *testing.T) {
	enginetest.Asked(t)
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	all := instructions(string(text))
	at := slices.IndexFunc(all, func(i instruction) bool { return i.name == "RUN" && strings.HasPrefix(i.rest, "go build ") })
	env := slices.IndexFunc(all, func(i instruction) bool { return i.name == "ENV" })
	if at < 0 || env < 0 || !strings.Contains(all[at].rest, " -o /cidbench ") {
		t.Fatal("the Containerfile does not build /cidbench")
	}
	image := t.TempDir()
	program := filepath.Join(image, "cidbench")
	build := exec.Command("sh", "-c", strings.Replace(all[at].rest, " -o /cidbench ", " -o "+program+" ", 1))
	build.Dir, build.Env = root, append(os.Environ(), strings.Fields(all[env].rest)...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 || slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("the program asks for a loader, and for %v", libraries)
	}
	store := filepath.Join(image, "registry")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("/cidbench", "run", "--tier", "smoke", "--claim", "hardest5", "--seeds", "1", "--backend", "go", "--store", "/registry")
	if run.SysProcAttr = (&syscall.SysProcAttr{Chroot: image}); os.Geteuid() == 0 {
		run.SysProcAttr.Credential = &syscall.Credential{Uid: 65532, Gid: 65532}
		if err := os.Chown(store, 65532, 65532); err != nil {
			t.Fatal(err)
		}
	} else { // a name space of its own is what a user may change the root in
		run.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		run.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getuid(), Size: 1}}
		run.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getgid(), Size: 1}}
	}
	run.Path, run.Dir, run.Env = "/cidbench", "/", []string{}
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chown(store, os.Geteuid(), os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if ls := enginetest.Run(t, program, "registry", "ls", "--store", store); !strings.Contains(ls, "hardest5") {
		t.Errorf("the registry holds %s", ls)
	}
}
