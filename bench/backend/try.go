package backend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/gomlx/go-xla/pjrt"
	. "github.com/gomlx/gomlx/core/graph" //nolint:revive // the graph operations read as a language
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/cidbench/cidbench/bench/parallel"
)

// tryEnv names the environment variable that makes a process the trial of the plugin, as JSON, that it holds.
const tryEnv = "CIDBENCH_TRY_PLUGIN"

// tryLimit is the time that a trial may take: a driver that wakes up several GPUs needs half a minute.
const tryLimit = time.Minute

// Every program with this package can be the trial of a plugin, before it does anything else; so none can forget to,
// and begin its own work again instead.
func init() {
	if text, trial := os.LookupEnv(tryEnv); trial {
		os.Exit(answer(text, os.NewFile(3, "answer")))
	}
}

// answer tries the plugin in this process and writes what came of it, as JSON.
func answer(text string, to io.Writer) int {
	var p Plugin
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = p.compute()
	}
	if err != nil {
		p.Reason = oneLine(err.Error())
	}
	if err := json.NewEncoder(to).Encode(p); err != nil {
		return 1
	}
	return 0
}

// compute asks the plugin what it is, and multiplies on it: a library that loads may still lack what it compiles with.
func (p *Plugin) compute() error {
	name, err := p.register()
	if err != nil {
		return err
	}
	library, err := pjrt.GetPlugin(name)
	if err != nil {
		return err
	}
	major, minor := library.Version()
	p.API = fmt.Sprintf("%d.%d", major, minor)
	options := pjrt.NamedValuesMap{}
	if p.Kind == "cuda" {
		options["preallocate"] = false
	}
	client, err := library.NewClient(options)
	if err != nil {
		return err
	}
	p.Kind, p.Version = client.Platform(), oneLine(client.PlatformVersion())
	for _, device := range client.AddressableDevices() {
		description, err := device.GetDescription()
		if err != nil {
			return err
		}
		p.Devices = append(p.Devices, description.DebugString())
	}
	if len(p.Devices) == 0 {
		return errors.New("it finds no device")
	}
	if p.Kind != "cpu" {
		p.Card = card(query(context.Background(), "name,driver_version"))
	}
	if err := client.Destroy(); err != nil {
		return err
	}
	backend, err := p.open("", nil)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	product, err := NewExec(backend, func(x *Node) *Node { return Dot(x, x).Product() })
	if err != nil {
		return err
	}
	out, err := product.Call(tensors.FromValue([][]float32{{1, 2}, {3, 4}}))
	if err != nil {
		return err
	}
	if got, want := fmt.Sprint(out[0].Value()), "[[7 10] [15 22]]"; got != want {
		return fmt.Errorf("it multiplies wrongly: %s instead of %s", got, want)
	}
	return nil
}

// Try tries the plugins that were not tried yet, each in a process of its own that may fail, crash or hang, and notes
// what came of it. It is an error only if the context ends.
func Try(ctx context.Context, plugins ...*Plugin) error { return try(ctx, tryLimit, plugins) }

func try(ctx context.Context, limit time.Duration, plugins []*Plugin) error {
	parallel.Each(len(plugins), len(plugins), func(_, i int) {
		if p := plugins[i]; p.Reason == "" && len(p.Devices) == 0 {
			if err := p.ask(ctx, limit); err != nil {
				p.Reason = oneLine(err.Error())
			}
		}
	})
	return ctx.Err()
}

// ask has another process of this program try the plugin.
func (p *Plugin) ask(ctx context.Context, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	question, err := json.Marshal(p)
	if err != nil {
		return err
	}
	given, giving, err := os.Pipe()
	if err != nil {
		return err
	}
	defer given.Close()
	var said bytes.Buffer
	cmd := exec.CommandContext(limited, program)
	cmd.Env = append(os.Environ(), tryEnv+"="+string(question), "GOTRACEBACK=none")
	cmd.Stderr, cmd.ExtraFiles, cmd.WaitDelay = &said, []*os.File{giving}, time.Second
	err = cmd.Start()
	_ = giving.Close() // the other process has it now
	if err != nil {
		return err
	}
	ended := cmd.Wait() // the answer is short and fits into the pipe
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("it hangs: no answer within %s", limit)
	case ended != nil:
		return fmt.Errorf("it crashes: %s", crash(said.String(), ended))
	}
	if err := json.NewDecoder(given).Decode(p); err != nil {
		return errors.New("it ends the process that loads it")
	}
	return nil
}

var (
	signalled = regexp.MustCompile(`(?m)^\[?(?:signal )?(SIG\w+: [\w ]+?)(?: code=.*)?\]?$`)
	fatal     = regexp.MustCompile(`(?m)^F\d{4} [^\]]*\] (.*)$`) // as Google's libraries log their last words
)

// crash is what a process that ended so said of it.
func crash(said string, ended error) string {
	var parts []string
	for _, pattern := range []*regexp.Regexp{signalled, fatal} {
		if found := pattern.FindStringSubmatch(said); found != nil {
			parts = append(parts, found[1])
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return cmp.Or(strings.Join(parts, ", "), first, ended.Error())
}

// oneLine brings a message to one line of at most 300 bytes, for a list.
func oneLine(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > 300 {
		message = strings.ToValidUTF8(message[:297], "") + "..."
	}
	return message
}
