// The page is whole without this: it opens what a link leads to, sorts, chooses and copies.
"use strict";

// open unfolds what the address leads to.
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let d = target.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", open);
open();

const make = (tag, text, className) => Object.assign(document.createElement(tag), {textContent: text, className: className ?? ""});

// Tables are sorted by a column, unless rows belong together: those begin with an empty cell.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], rows = [...body.rows];
  if (rows.length < 3 || rows.some(r => !r.cells[0].textContent)) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", "↕");
    button.type = "button";
    button.setAttribute("aria-label", "Sort by " + head.textContent);
    button.onclick = () => {
      const up = head.getAttribute("aria-sort") != "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => row.cells[column].textContent;
      const order = (a, b) => {
        const x = parseFloat(key(a)), y = parseFloat(key(b));
        if (isNaN(x) != isNaN(y)) return isNaN(x) ? 1 : -1; // what is not there comes last, either way
        const by = isNaN(x) ? key(a).localeCompare(key(b)) : x - y;
        return up ? by : -by;
      };
      body.append(...rows.toSorted(order));
    };
    head.append(button);
  });
}

// Tier and temperature are chosen: figures and columns of another are put away. What is of all tiers has none.
const chosen = {}, shown = [...document.querySelectorAll("main > section :is([data-t], [data-tier])")];
for (const [key, name] of [["t", "Temperature "], ["tier", "Tier "]]) {
  const values = [...new Set(shown.map(e => e.dataset[key]).filter(v => v))];
  if (values.length < 2) continue;
  const label = make("label", name), select = make("select", "");
  for (const v of ["", ...values]) select.append(new Option(v || "all", v));
  select.onchange = () => {
    chosen[key] = select.value;
    for (const e of shown) e.hidden = ["t", "tier"].some(k => chosen[k] && e.dataset[k] && e.dataset[k] != chosen[k]);
  };
  label.className = "choose";
  label.append(select);
  document.querySelector("#claims").after(label);
}

// A pointer that rests on a term is shown what it means.
for (const a of document.querySelectorAll("a.term")) {
  a.title = document.getElementById(a.hash.slice(1)).querySelector("dd").textContent;
}

// Commands are copied; where a browser forbids that they are selected.
for (const code of document.querySelectorAll("dd code, figcaption code")) {
  const button = make("button", "Copy", "copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy " + code.textContent);
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  code.after(button);
}
