package page_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
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
func browse(t *testing.T) (ctx context.Context, wrong func() []string) {
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
	loads := 0
	listen := chromedp.WithListener(func(event any) {
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			if address := event.Request.URL; strings.HasPrefix(address, "file:") {
				if loads++; loads > 2 {
					complain("another file is loaded: %s", address)
				}
			} else if !strings.HasPrefix(address, "data:image/png;base64,") {
				complain("a request to %s", address)
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

// checks return lists of what is wrong, as JavaScript expressions.
var checks = map[string]string{
	"wider than the window": `[...document.querySelectorAll("html, body, main, section, h1, h2, h3, p, dl, svg, nav")]
		.filter(e => e.scrollWidth > innerWidth || e.getBoundingClientRect().right > innerWidth + 0.5)
		.map(e => e.tagName + " " + e.id + " " + e.textContent.slice(0, 40))`,
	"image without words":     `[...document.images].filter(e => !e.alt || !e.naturalWidth).map(e => e.outerHTML.slice(0, 80))`,
	"figure without words":    `[...document.querySelectorAll("svg")].filter(e => !e.querySelector(":scope > title")?.textContent || !e.querySelector(":scope > desc")?.textContent).map(e => e.outerHTML.slice(0, 200))`,
	"link to nowhere":         `[...document.links].filter(a => a.protocol == "file:" && (!a.hash || !document.getElementById(decodeURIComponent(a.hash.slice(1))))).map(a => a.href)`,
	"not in a landmark":       `[...document.body.children].filter(e => !["NAV", "MAIN", "SCRIPT"].includes(e.tagName) && e.className != "skip").map(e => e.tagName)`,
	"table without a heading": `[...document.querySelectorAll("table")].filter(t => !t.querySelector("th[scope=col]")).map(t => t.outerHTML.slice(0, 80))`,
	// Text in drawings may stick out of the paper it is drawn on.
	"text beyond its figure": `[...document.querySelectorAll("svg")].filter(s => s.checkVisibility()).flatMap(s => {
		const b = s.getBoundingClientRect();
		return [...s.querySelectorAll("text")].filter(t => {
			const r = t.getBoundingClientRect();
			return r.left < b.left - 1 || r.right > b.right + 1 || r.top < b.top - 1 || r.bottom > b.bottom + 1;
		}).map(t => s.querySelector("title").textContent + ": " + t.textContent);
	})`,
	// WCAG 2.2, success criterion 1.4.3: 4.5 to 1 against the nearest background.
	"too little contrast": `(() => {
		const parse = c => c.match(/[\d.]+/g).map(Number);
		const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((parse(c)[3] ?? 1) > 0) return c; } return "rgb(255, 255, 255)"; };
		const seen = new Set();
		for (const e of document.querySelectorAll("body *")) {
			if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || ["title", "desc"].includes(e.tagName)) continue;
			const style = getComputedStyle(e), colour = e.tagName == "text" ? style.fill : style.color;
			const [a, b] = [light(colour), light(behind(e))], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
			if (ratio < 4.5) seen.add(e.tagName + "." + (e.getAttribute("class") ?? "") + " " + ratio.toFixed(2));
		}
		return [...seen];
	})()`,
}

// interactions say what does not work, and nothing if all is well.
var interactions = map[string]string{
	"tier and temperature are chosen": `(() => {
		const marked = "main > section :is([data-t], [data-tier])", shown = () => [...document.querySelectorAll(marked)].filter(e => e.checkVisibility());
		const before = shown().length, said = [];
		for (const [key, name] of [["t", "Temperature"], ["tier", "Tier"]]) {
			const several = new Set(shown().map(e => e.dataset[key]).filter(v => v)).size > 1;
			const label = [...document.querySelectorAll(".choose")].find(l => l.textContent.startsWith(name));
			if (!label != !several) said.push(name + ": a choice of one, or none of several");
			if (!label) continue;
			const select = label.querySelector("select"), choose = v => { select.value = v; select.dispatchEvent(new Event("change")); };
			choose(select.options[1].value);
			const wrong = shown().filter(e => e.dataset[key] && e.dataset[key] != select.value).length, few = shown().length;
			choose("");
			if (wrong || few >= before || shown().length != before) said.push(name + ": " + wrong + " of another, " + few + " and then " + shown().length + " of " + before);
		}
		return said.join("; ");
	})()`,
	"a table is sorted": `(() => {
		const button = document.querySelector("th button[aria-label='Sort by Mean']"), head = button.parentElement, table = head.closest("table");
		button.click();
		const values = [...table.tBodies[0].rows].map(r => parseFloat(r.cells[head.cellIndex].textContent)).filter(v => !isNaN(v));
		return values.length < 2 || values.some((v, i) => i > 0 && v < values[i - 1]) || head.getAttribute("aria-sort") != "ascending" ? values.join(" ") : "";
	})()`,
	"a link unfolds what it leads to": `(async () => {
		const link = document.querySelector("main a[href^='#claim-']"), target = document.getElementById(link.hash.slice(1));
		if (target.checkVisibility()) return "it was open before";
		link.click();
		await new Promise(done => addEventListener("hashchange", () => setTimeout(done), {once: true}));
		return target.checkVisibility() && target.closest("details").open ? "" : link.hash + " is put away";
	})()`,
	"a term is explained": `[...document.querySelectorAll("a.term")].some(a => !a.title) ? "a term without words" : ""`,
	"a command is copied": `document.querySelector("figcaption code + button, dd code + button")?.textContent == "Copy" ? "" : "no button"`,
}

// axe is a function that lists what axe-core finds serious, with axe-core itself: colours where the page is as it opens,
// since it takes minutes to compare all that are put away, and if it is asked to, everything else in all of the page.
// CIDBENCH_AXE is its axe.min.js, of
// the npm package; .ci/run fetches it.
func axe(t *testing.T) string {
	t.Helper()
	file := os.Getenv("CIDBENCH_AXE")
	if file == "" {
		t.Run("axe", func(t *testing.T) {
			t.Skip("CIDBENCH_AXE does not name the axe.min.js of axe-core, which .ci/run fetches: accessibility is tested without it")
		})
		return ""
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source) + `;
	(async everything => {
		const folded = await axe.run(document, {resultTypes: ["violations"], runOnly: ["color-contrast"]});
		if (!everything) return list(folded.violations);
		const details = [...document.querySelectorAll("details")];
		details.forEach(d => { d.open = true; });
		const all = await axe.run(document, {resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}}});
		details.forEach(d => { d.open = false; });
		return list([...folded.violations, ...all.violations]);

		function list(found) {
			return found.filter(v => ["serious", "critical"].includes(v.impact))
				.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + " (" + v.impact + "): " + n.html.slice(0, 160)));
		}
	})`
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
	ctx, wrong := browse(t)
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	address := url.URL{Scheme: "file", Path: file}
	do(t, ctx, chromedp.EmulateViewport(1280, 800))
	do(t, ctx, chromedp.Navigate(address.String()))
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
	do(t, ctx, chromedp.Navigate(address.String())) // as it was
	accessible := axe(t)
	for _, look := range []struct {
		width  int64
		scheme string
	}{{360, "light"}, {768, "dark"}, {1280, "light"}, {1280, "dark"}, {2560, "light"}} {
		name := fmt.Sprintf("%d-%s", look.width, look.scheme)
		t.Run(name, func(t *testing.T) {
			do(t, ctx, chromedp.EmulateViewport(look.width, 900))
			call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
			})
			for _, open := range []bool{true, false} {
				run(t, ctx, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelectorAll("details").forEach(d => d.open = %v), true`, open)))
				for what, expression := range checks {
					if found := run(t, ctx, chromedp.Evaluate[[]string](expression)); len(found) > 0 {
						t.Errorf("%s (details open: %v), %d times: %q", what, open, len(found), found[:min(5, len(found))])
					}
				}
				if accessible != "" && look.width == 1280 && !open {
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
	t.Run("keyboard", func(t *testing.T) {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		first := run(t, ctx, chromedp.Evaluate[string](`document.activeElement.className`))
		visible := run(t, ctx, chromedp.Evaluate[bool](`document.activeElement.getBoundingClientRect().left >= 0`))
		do(t, ctx, chromedp.KeyEvent(kb.Enter))
		to := run(t, ctx, chromedp.Evaluate[string](`location.hash`))
		if first != "skip" || !visible || to != "#top" {
			t.Errorf("the first stop is %q (visible: %v) and leads to %q", first, visible, to)
		}
	})
	if complaints := wrong(); len(complaints) > 0 {
		t.Errorf("%q", complaints)
	}
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
