package page_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/cidbench/cidbench/report/model"
)

var (
	screenshots = flag.String("screenshots", "", "folder for screenshots of the HTML report, by width, colour scheme and section")
	pageFile    = flag.String("page", "", "an HTML report to test instead of the one of the fixtures")
)

// chromium finds the browser. A machine that must have one says so with CIDBENCH_REQUIRE_CHROMIUM=1.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CIDBENCH_REQUIRE_CHROMIUM") == "1" {
		t.Fatal("CIDBENCH_REQUIRE_CHROMIUM=1, but chromium is not on the PATH")
	}
	t.Skip("chromium is not on the PATH: the HTML report is not tested in a browser")
	return ""
}

// browse opens a browser with a fresh profile, and collects what a page that is whole in itself never does:
// load something, or complain.
func browse(t *testing.T, address string) (ctx context.Context, wrong func() []string) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	var lock sync.Mutex
	var complaints []string
	complain := func(format string, args ...any) {
		lock.Lock()
		defer lock.Unlock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	listen := chromedp.WithListener(func(event any) {
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			if to := event.Request.URL; to != address && !strings.HasPrefix(to, "data:image/png;base64,") {
				complain("a request to %s", to)
			}
		case *log.EventEntryAdded:
			complain("log: %s", event.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			complain("console: %s", event.Type)
		case *runtime.EventExceptionThrown:
			complain("exception: %s", event.ExceptionDetails.Text)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, listen)
	t.Cleanup(cancel)
	call(t, ctx, network.Enable, network.EnableParams{})
	call(t, ctx, log.Enable, cdp.Empty{})
	return ctx, func() []string {
		lock.Lock()
		defer lock.Unlock()
		return complaints
	}
}

// TestPageInBrowser looks at the report of the fixtures, which has something of everything, and at the published one.
func TestPageInBrowser(t *testing.T) {
	fixture := filepath.Join(t.TempDir(), "report.html")
	r := stored(t, "report")
	r.Beside = []*model.Report{stored(t, "report")}
	r.Beside[0].Tier.ID = "second"
	if err := os.WriteFile(fixture, []byte(written(t, r)), 0o600); err != nil {
		t.Fatal(err)
	}
	docs := filepath.Join("..", "..", "docs")
	pages := map[string]string{"fixture": fixture, "published": filepath.Join(docs, "report.html"), "icons": filepath.Join(docs, "report-icons.html")}
	if *pageFile != "" {
		pages = map[string]string{"given": *pageFile}
	}
	for name, file := range pages {
		t.Run(name, func(t *testing.T) { inBrowser(t, file) })
	}
}

func inBrowser(t *testing.T, file string) {
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	ctx, wrong := browse(t, address)
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	do(t, ctx, chromedp.Navigate(address))
	const most = 10 // screens of a laptop, before anything is unfolded
	if tall := run(t, ctx, chromedp.Evaluate[float64](`document.documentElement.scrollHeight / innerHeight`)); tall > most {
		t.Errorf("%.1f screens, %d at most", tall, most)
	}
	t.Run("interaction", func(t *testing.T) {
		for what, expression := range interactions {
			if found := run(t, ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise)); found != "" {
				t.Errorf("%s: %s", what, found)
			}
		}
	})
	do(t, ctx, chromedp.Navigate(address)) // as it was
	accessible := axe(t)
	for _, look := range []struct {
		width  int64
		scheme string
	}{{360, "light"}, {768, "dark"}, {1440, "light"}, {1440, "dark"}, {1920, "light"}} {
		name := fmt.Sprintf("%d-%s", look.width, look.scheme)
		t.Run(name, func(t *testing.T) {
			do(t, ctx, chromedp.EmulateViewport(look.width, 900))
			media(t, ctx, "screen", look.scheme)
			for _, open := range []bool{true, false} {
				unfold(t, ctx, open)
				check(t, ctx, fmt.Sprintf("details open: %v", open), everything)
				if accessible != "" && look.width == 1440 && !open {
					expression := fmt.Sprintf("%s(%v)", accessible, look.scheme == "light")
					for _, found := range run(t, ctx, chromedp.Evaluate[[]string](expression, chromedp.EvalAwaitPromise)) {
						t.Errorf("axe: %s", found)
					}
				}
			}
			if *screenshots != "" {
				shoot(t, ctx, name)
			}
		})
	}
	t.Run("widths", func(t *testing.T) { // on both sides of each that the style sheet names, and beyond
		media(t, ctx, "screen", "light")
		unfold(t, ctx, true)
		for _, width := range []int64{320, 576, 577, 769, 1023, 1024, 1215, 1216, 1280, 1919, 2560} {
			do(t, ctx, chromedp.EmulateViewport(width, 900))
			check(t, ctx, fmt.Sprintf("%d pixels", width), atAnyWidth)
		}
	})
	t.Run("print", func(t *testing.T) {
		const a4 = 718 // its width in pixels, without margins
		do(t, ctx, chromedp.EmulateViewport(a4, 900))
		media(t, ctx, "print", "light")
		unfold(t, ctx, false)
		check(t, ctx, "on paper", slices.Concat(atAnyWidth, onPaper))
	})
	t.Run("keyboard", func(t *testing.T) {
		do(t, ctx, chromedp.EmulateViewport(1280, 800))
		media(t, ctx, "screen", "light")
		do(t, ctx, chromedp.Navigate(address))
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		first := run(t, ctx, chromedp.Evaluate[string](`document.activeElement.className`))
		visible := run(t, ctx, chromedp.Evaluate[bool](`document.activeElement.getBoundingClientRect().left >= 0`))
		do(t, ctx, chromedp.KeyEvent(kb.Enter))
		to := run(t, ctx, chromedp.Evaluate[string](`location.hash`))
		if first != "skip" || !visible || to != "#top" {
			t.Errorf("the first stop is %q (visible: %v) and leads to %q", first, visible, to)
		}
	})
	t.Run("without scripts", func(t *testing.T) {
		call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		do(t, ctx, chromedp.Navigate(address))
		if buttons := run(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("button, select").length`)); buttons > 0 {
			t.Errorf("%d controls that do nothing, or the script runs", buttons)
		}
		check(t, ctx, "without scripts", everything)
		const link = `document.querySelector("main a[href^='#claim-']")`
		visible := chromedp.Evaluate[bool](`document.getElementById(` + link + `.hash.slice(1)).checkVisibility()`)
		if run(t, ctx, visible) {
			t.Error("the section of a claim is open from the beginning")
		}
		run(t, ctx, chromedp.Evaluate[bool](link+`.click(), true`))
		for range 100 {
			if run(t, ctx, visible) {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("a link does not unfold what it leads to")
	})
	if complaints := wrong(); len(complaints) > 0 {
		t.Errorf("%q", complaints)
	}
}

// check has the page checked, and says where that was.
func check(t *testing.T, ctx context.Context, where string, names []string) {
	t.Helper()
	for _, what := range names {
		if found := run(t, ctx, chromedp.Evaluate[[]string](checks[what])); len(found) > 0 {
			t.Errorf("%s (%s), %d times: %q", what, where, len(found), found[:min(5, len(found))])
		}
	}
}

func unfold(t *testing.T, ctx context.Context, open bool) {
	t.Helper()
	run(t, ctx, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelectorAll("details").forEach(d => d.open = %v), true`, open)))
}

func media(t *testing.T, ctx context.Context, media, scheme string) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

func run[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func do(t *testing.T, ctx context.Context, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	run(t, ctx, action)
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

// shoot takes a picture of the first screen and of each section.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	save := func(section string, picture []byte) {
		if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+section+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("screen", run(t, ctx, chromedp.CaptureScreenshot()))
	for _, id := range run(t, ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("section")].map(s => s.getAttribute("aria-labelledby"))`)) {
		save(id, run(t, ctx, chromedp.Screenshot(chromedp.CSS(fmt.Sprintf("section[aria-labelledby=%q]", id)))))
	}
}
