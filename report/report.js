"use strict";
// Contents, the choice of dark or light, sorting, searching. Without it the page is whole, only still.
const root = document.documentElement;

// Dark or light: as the system says, until the reader chooses. Where the browser keeps nothing for files, the choice lasts as long as the page.
const theme = document.getElementById("theme");
const kept = { get: () => { try { return localStorage.getItem("lacuna-theme"); } catch { return null; } },
  set: (value) => { try { localStorage.setItem("lacuna-theme", value); } catch { /* it lasts as long as the page */ } } };
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
const named = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Show the page ${dark() ? "light" : "dark"}`); };
if (kept.get()) root.dataset.theme = kept.get();
theme.hidden = false;
theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; kept.set(root.dataset.theme); named(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", named);
named();

// Contents: always open beside the text, folded above it; the heading that was passed last is marked.
const contents = document.getElementById("contents");
const narrow = matchMedia("(max-width: 60rem)");
const settle = () => { contents.open = !narrow.matches; };
narrow.addEventListener("change", settle);
settle();
const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
contents.addEventListener("click", (event) => { if (event.target.closest("a") && narrow.matches) contents.open = false; });
const headings = [...links.keys()].map((id) => document.getElementById(id));
let waiting = false;
function mark() {
  waiting = false;
  const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 120).at(-1) || headings[0];
  for (const [id, link] of links) id === passed.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
}
addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(mark); } }, { passive: true });
mark();

// Tables: a cell is worth the number that its table has, else the number that it begins with, else its text.
function worth(cell) {
  if (cell.dataset.value) return Number(cell.dataset.value.split(" ")[0]);
  const text = cell.textContent.trim();
  const number = /^[-+]?[\d,]*\.?\d+(?![\w])/.exec(text);
  return number ? Number(number[0].replaceAll(",", "")) : text;
}
function before(one, other) { // what is undefined comes last, words after numbers
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return one.localeCompare(other, undefined, { numeric: true });
}
function sort(heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  const table = heading.closest("table"), rows = [...table.tBodies[0].rows], place = heading.cellIndex;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = rows.map((row) => ({ row, key: worth(row.cells[place]) }));
  const empty = (key) => key === "–" || key === "" || Number.isNaN(key);
  keyed.sort((a, b) => (empty(a.key) - empty(b.key)) || (empty(a.key) ? 0 : (down ? -1 : 1) * before(a.key, b.key)));
  table.tBodies[0].append(...keyed.map(({ row }) => row));
}
for (const table of document.querySelectorAll("main table")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sort(heading));
    heading.replaceChildren(button);
  }
  table.addEventListener("pointerover", (event) => { // the unrounded numbers
    const cell = event.target.closest("td[data-value]");
    if (cell && !cell.title) cell.title = cell.dataset.value;
  });
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= 15) continue;
  const box = table.closest(".wide").previousElementSibling;
  const field = document.createElement("input"), shown = document.createElement("output");
  field.type = "search";
  field.placeholder = "Search these rows";
  field.setAttribute("aria-label", `Search the rows of ${table.id.slice(6)}.csv that are shown`);
  shown.textContent = `${rows.length} rows`;
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      found += !row.hidden;
    }
    shown.textContent = `${found} of ${rows.length} rows`;
  });
  box.append(field, shown);
  box.hidden = false;
}

// Figures: a picture becomes its elements when the pointer first enters it, and the mark that is nearest says its numbers.
const NEAR = 40; // pixels
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true"); // the table has the same numbers
document.body.append(tip);
function elements(picture) {
  const bytes = Uint8Array.from(atob(picture.src.split(",")[1]), (each) => each.charCodeAt(0));
  const drawn = document.importNode(new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml").documentElement, true);
  drawn.setAttribute("class", "plate");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", picture.alt);
  for (const part of drawn.children) part.setAttribute("aria-hidden", "true");
  picture.replaceWith(drawn);
  return [...drawn.querySelectorAll('[role="graphics-symbol"]:is([aria-roledescription="point"], [aria-roledescription="bar"])')];
}
function distance(mark, x, y) { // from the middle of a point; of a bar from its edges, and 0 inside it
  const box = mark.getBoundingClientRect();
  if (mark.getAttribute("aria-roledescription") === "point") return Math.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y);
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}
for (const figure of document.querySelectorAll("figure")) {
  let marks = null, near = null;
  const leave = () => { near?.classList.remove("near"); near = null; tip.hidden = true; };
  const look = ({ clientX: x, clientY: y }) => {
    const picture = figure.querySelector('img[src^="data:image/svg+xml"]');
    if (picture) marks = elements(picture);
    leave();
    let least = NEAR;
    for (const mark of marks || []) {
      const away = distance(mark, x, y);
      if (away < least) [least, near] = [away, mark];
    }
    if (!near) return;
    near.classList.add("near");
    tip.textContent = near.getAttribute("aria-label");
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect(), room = root.clientWidth - width - 8;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? y - height - 12 : y + 18}px`;
  };
  figure.addEventListener("pointermove", look);
  figure.addEventListener("pointerdown", look);
  figure.addEventListener("pointerleave", leave);
  figure.addEventListener("pointercancel", leave);
}

// Paper has no folds: they open for it, and close again.
let opened = [];
addEventListener("beforeprint", () => { opened = [...document.querySelectorAll("main details:not([open])")]; for (const each of opened) each.open = true; for (const each of document.images) each.loading = "eager"; });
addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
