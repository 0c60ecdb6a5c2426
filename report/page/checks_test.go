package page_test

import (
	"maps"
	"os"
	"slices"
	"testing"
)

// Checks that depend on the width, and those of what is printed; the others hold or fail at any.
var (
	atAnyWidth = []string{"wider than the window", "text beyond its figure"}
	onPaper    = []string{"table wider than the paper", "put away", "of no use on paper"}
	everything = slices.DeleteFunc(slices.Sorted(maps.Keys(checks)), func(name string) bool { return slices.Contains(onPaper, name) })
)

// checks return lists of what is wrong, as JavaScript expressions.
var checks = map[string]string{
	"wider than the window": `[...document.querySelectorAll("html, body, main, section, h1, h2, h3, p, dl, svg, nav")]
		.filter(e => e.scrollWidth > innerWidth || e.getBoundingClientRect().right > innerWidth + 0.5)
		.map(e => e.tagName + " " + e.id + " " + e.textContent.slice(0, 40))`,
	"image without words":        `[...document.images].filter(e => !e.alt || !e.naturalWidth).map(e => e.outerHTML.slice(0, 80))`,
	"figure without words":       `[...document.querySelectorAll("svg")].filter(e => !e.querySelector(":scope > title")?.textContent || !e.querySelector(":scope > desc")?.textContent).map(e => e.outerHTML.slice(0, 200))`,
	"link to nowhere":            `[...document.links].filter(a => a.protocol == "file:" && (!a.hash || !document.getElementById(decodeURIComponent(a.hash.slice(1))))).map(a => a.href)`,
	"not in a landmark":          `[...document.body.children].filter(e => !["NAV", "MAIN", "SCRIPT"].includes(e.tagName) && e.className != "skip").map(e => e.tagName)`,
	"table without a heading":    `[...document.querySelectorAll("table")].filter(t => !t.querySelector("th[scope=col]")).map(t => t.outerHTML.slice(0, 80))`,
	"figure without its command": `[...document.querySelectorAll("figure > svg ~ figcaption")].filter(c => !c.querySelector("code")?.textContent.includes(" report ")).map(c => c.textContent)`,
	"table wider than the paper": `[...document.querySelectorAll("table")].filter(t => t.checkVisibility() && t.getBoundingClientRect().right > innerWidth + 0.5).map(t => t.closest("figure").textContent.slice(0, 80))`,
	"put away":                   `[...document.querySelectorAll("details > :not(summary)")].filter(e => !e.checkVisibility()).map(e => e.id + " " + e.textContent.slice(0, 40))`,
	"of no use on paper":         `[...document.querySelectorAll("nav, button, select")].filter(e => e.checkVisibility()).map(e => e.tagName + " " + e.textContent.slice(0, 40))`,
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
	"a term is explained": `(() => {
		const links = [...document.querySelectorAll("a.term")], terms = [...document.querySelectorAll(".terms > div")];
		const unused = terms.filter(d => !links.some(a => a.hash == "#" + d.id)).map(d => d.id + " is nowhere in the text");
		return [...unused, ...links.filter(a => !a.title).map(a => a.textContent + " without words"), ...(terms.length ? [] : ["no terms"])].join("; ");
	})()`,
	// With a clipboard that takes what it is given, and one that refuses.
	"a command is copied": `(async () => {
		const said = [];
		for (const refuses of [false, true]) {
			let taken = "";
			Object.defineProperty(navigator, "clipboard", {configurable: true, value: {writeText: async text => { if (refuses) throw new Error(); taken = text; }}});
			for (const place of ["figcaption", "dd"]) {
				const code = [...document.querySelectorAll(place + " code")].find(c => c.checkVisibility()), button = code?.nextElementSibling;
				if (button?.textContent != "Copy") { said.push("no button in a " + place); continue; }
				button.click();
				for (let i = 0; i < 9; i++) await null; // for promises, and no timer that changes the button back
				const got = (refuses ? getSelection().toString() : taken) + " " + button.textContent, want = code.textContent + (refuses ? " Selected" : " Copied");
				if (got != want) said.push(got + ", not " + want);
				button.textContent = "Copy";
			}
		}
		return said.join("; ");
	})()`,
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
