package backend

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Choose resolves a --backend flag: "go"; "xla", any plugin that works, a GPU before the CPU; "xla:NAME", such as "cpu"
// or "cuda"; "xla:/path/to/plugin.so"; or "auto" (Auto). A plugin that it returns has computed
// something. Errors: the flag is none of these; no such plugin works, with the reason of each; the context's.
func Choose(ctx context.Context, flag string) (Backend, error) {
	kind, name, named := strings.Cut(flag, ":")
	switch {
	case flag == "go":
		return Backend{Kind: "go"}, nil
	case kind == "xla" && filepath.IsAbs(name):
		python, _ := AskPython(ctx) // or without its wheels
		return first(ctx, flag, []*Plugin{at(name, Find(python))})
	case kind == "xla" && named != (name == ""):
		python, _ := AskPython(ctx)
		return first(ctx, flag, wanted(name, Find(python)))
	case flag == "auto":
		python, _ := AskPython(ctx)
		return Auto(ctx, Find(python))
	}
	return Backend{}, fmt.Errorf("--backend %q is not auto, go, xla, xla:NAME or xla:/path/to/plugin.so", flag)
}

// wanted are the plugins of a name or kind, of all if it is empty; GPUs come first.
func wanted(name string, found []*Plugin) []*Plugin {
	all := slices.DeleteFunc(slices.Clone(found), func(p *Plugin) bool {
		return name != "" && name != p.Name && name != p.Kind
	})
	slices.SortStableFunc(all, func(a, b *Plugin) int { return order(a) - order(b) })
	return all
}

func order(p *Plugin) int { return map[string]int{"cuda": -1, "cpu": 1}[p.Kind] }

// working is the first plugin that works; nil if none does.
func working(ctx context.Context, plugins []*Plugin) (*Plugin, error) {
	for _, p := range plugins {
		if err := Try(ctx, p); err != nil {
			return nil, err
		}
		if p.Reason == "" {
			return p, nil
		}
	}
	return nil, nil
}

// first is the backend on the first plugin that works.
func first(ctx context.Context, flag string, plugins []*Plugin) (Backend, error) {
	p, err := working(ctx, plugins)
	switch {
	case err != nil:
		return Backend{}, err
	case p != nil:
		b := on(p, plugins)
		if card := NVIDIA(); flag == "xla" && card != "" && len(wanted("cuda", plugins)) == 0 {
			b.Note += "; " + noCUDA(card)
		}
		return b, nil
	case len(plugins) == 0:
		return Backend{}, fmt.Errorf("--backend %s: no such PJRT plugin is installed; README, Backends, says how to install one and doctor what is there", flag)
	}
	return Backend{}, fmt.Errorf("--backend %s: no such PJRT plugin works:%s", flag, reasons(plugins))
}

// on is the backend on a plugin that works, with what came of those that were to come before it.
func on(p *Plugin, plugins []*Plugin) Backend {
	note := fmt.Sprintf("XLA on %s: %s", p.Label(), p.Devices[0])
	if more := len(p.Devices) - 1; more > 0 {
		note += fmt.Sprintf(" and %d more", more)
	}
	if failed := plugins[:slices.Index(plugins, p)]; len(failed) > 0 {
		note += "; not on" + reasons(failed)
	}
	return Backend{Kind: "xla", Plugin: p, Note: note}
}

func noCUDA(card string) string {
	return fmt.Sprintf("this machine has an NVIDIA card (%s), but no CUDA plugin is installed, so training runs on the CPU; README, Backends, says how to install one", card)
}

// reasons says why each of some plugins is not used.
func reasons(plugins []*Plugin) string {
	var text strings.Builder
	for _, p := range plugins {
		fmt.Fprintf(&text, "\n  %s (%s): %s", p.Path, p.Kind, p.Reason)
	}
	return text.String()
}

// Auto takes the first GPU that works, then a CPU plugin of XLA, on which the smoke tier takes a little less time than on go
// and larger ones take half of it (docs/performance.md), and go where there is neither. It tries the plugins of a GPU only where the machine
// shows a card; those that were tried already it does not try again. Errors: the context's.
func Auto(ctx context.Context, found []*Plugin) (Backend, error) { return auto(ctx, found, NVIDIA()) }

func auto(ctx context.Context, found []*Plugin, card string) (Backend, error) {
	gpus := wanted("cuda", found)
	if card != "" {
		if p, err := working(ctx, gpus); err != nil {
			return Backend{}, err
		} else if p != nil {
			return on(p, gpus), nil
		}
	}
	cpus := wanted("cpu", found)
	b := Backend{Kind: "go"}
	if p, err := working(ctx, cpus); err != nil {
		return Backend{}, err
	} else if p != nil {
		b = on(p, cpus)
	}
	var note string
	switch {
	case card != "" && len(gpus) == 0:
		note = noCUDA(card)
	case card != "":
		note = fmt.Sprintf("this machine has an NVIDIA card (%s), but no CUDA plugin works, so training runs on the CPU:%s", card, reasons(gpus))
	case len(gpus) > 0:
		note = fmt.Sprintf("a CUDA plugin is installed (%s), but the machine shows no NVIDIA card or driver, so training runs on the CPU", gpus[0].Path)
	}
	if b.Kind == "go" && len(cpus) > 0 {
		b.Note = "no CPU plugin of XLA works, so the pure-Go backend is used:" + reasons(cpus)
	} else if b.Kind == "go" {
		b.Note = "no XLA plugin for a CPU is installed, so the pure-Go backend is used"
	}
	b.Note = strings.TrimPrefix(note+"; "+b.Note, "; ")
	return b, nil
}
