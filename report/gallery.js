"use strict";
// Every image of the page is a number from 0 to n - 1; everything known of it is in arrays of that length.
const DATA = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove(); // the text would be kept beside what it says
const TILES = 64, NOWHERE = 65535;
const ARRAYS = {Uint8: Uint8Array, Uint16: Uint16Array, Uint32: Uint32Array, Int32: Int32Array, Float32: Float32Array};
const $ = (id) => document.getElementById(id);

function bytesOf(letters) {
  const binary = atob(letters), bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function unpacked(column) {
  const numbers = new ARRAYS[column.type](bytesOf(column.data).buffer);
  column.data = null; // its letters are not needed any more
  return numbers;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function population(of) {
  const bars = {start: unpacked(of.bars.start), said: unpacked(of.bars.said), count: unpacked(of.bars.count), models: of.bars.models};
  return {modal: unpacked(of.modal), confidence: unpacked(of.confidence), bars};
}

const n = DATA.example.length;
const label = unpacked(DATA.label), dense = population(DATA.dense);
const levels = DATA.levels.map((of) => ({name: of.name, ...population(of), flip: unpacked(of.flip), moved: unpacked(of.moved), scores: new Map(Object.entries(of.scores).map(([name, values]) => [name, unpacked(values)]))}));
const columns = DATA.columns.map((of) => ({name: of.name, names: of.names, values: unpacked(of.values)}));
const control = levels.find((level) => level.name === "control");
const strip = DATA.strip && {...DATA.strip, row: unpacked(DATA.strip.row)};
const CHANGED = DATA.files ? "flips" : "PIEs";

// What is asked for: the page's state, which stands in its address.
const others = levels.filter((level) => level !== control), changes = (level) => level.flip.reduce((sum, flip) => sum + (flip > 0), 0);
const DEFAULT = {level: (others.length ? others : levels).reduce((most, level) => (changes(level) > changes(most) ? level : most)).name, state: "changed", flip: "", label: "", column: "", value: "", sort: "moved", name: "", from: "", to: "", image: ""};
let asked = {...DEFAULT}, shown = [], current = -1;

const STATES = [["all", "all images"], ["changed", `${CHANGED} of the level`], ...(control ? [["control", `${CHANGED} of the control`], ["both", "of both"], ["neither", "of neither"]] : [["neither", "all but these"]])];
const SORTS = [["moved", "models that were right and are wrong, most first"], ["won", "models that were wrong and are right, most first"], ["fall", "confidence that is lost, most first"], ["dense", "confidence before, least first"], ["own", "confidence after, least first"], ["name", "name"],
  ...[...levels[0].scores.keys()].map((name) => [`score:${name}`, `${name}, ${name.startsWith("p_") ? "least" : "most"} first`])];
// Of a number the images in the quarters of its values.
const QUARTERS = ["lowest quarter", "second quarter", "third quarter", "highest quarter"];
for (const column of columns) {
  if (column.names) continue;
  const known = [...column.values].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const ends = [1, 2, 3].map((quarter) => known[Math.ceil((known.length * quarter) / 4) - 1]);
  column.quarter = column.values.map((value) => (Number.isNaN(value) ? -1 : ends.filter((end) => value > end).length));
}
function groupOf(column) { return column.names ? {names: column.names, number: column.values} : {names: QUARTERS, number: column.quarter}; }

function className(number) { return number === NOWHERE ? "undecided, a tie" : DATA.classes[number]; }
function percent(thousandths) { return thousandths === NOWHERE ? "unknown" : `${(thousandths / 10).toFixed(1)} %`; }
function levelOf(name) { return levels.find((level) => level.name === name) || levels[0]; }

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => element("option", text, {value})));
}

function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  asked = {...DEFAULT};
  for (const key of Object.keys(DEFAULT)) if (said.has(key)) asked[key] = said.get(key);
  const known = {
    level: levels.map((level) => level.name), state: STATES.map(([state]) => state), flip: DATA.directions,
    label: ["", ...DATA.classes.keys()].map(String), column: ["", ...columns.map((each) => each.name)],
    sort: [...SORTS.map(([sort]) => sort), ...columns.filter((each) => !each.names).map((each) => `column:${each.name}`)],
  };
  known.from = known.to = known.label;
  for (const [key, values] of Object.entries(known)) if (!values.includes(asked[key])) asked[key] = DEFAULT[key];
  const column = columns.find((each) => each.name === asked.column);
  if (asked.value && !(column && groupOf(column).names.includes(asked.value))) asked.value = "";
  if (asked.from === "" || asked.to === "") asked.from = asked.to = "";
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) if (value !== DEFAULT[key]) said.set(key, value);
  history.replaceState(null, "", `#${said}`);
}

function matching() {
  const level = levelOf(asked.level), found = [];
  const column = columns.find((each) => each.name === asked.column), group = column && groupOf(column);
  const value = group && asked.value !== "" ? group.names.indexOf(asked.value) : -1;
  const wanted = asked.label === "" ? -1 : Number(asked.label), flip = DATA.directions.indexOf(asked.flip);
  const from = asked.from === "" ? -1 : Number(asked.from), to = asked.to === "" ? -1 : Number(asked.to);
  const part = asked.name.toLowerCase();
  for (let i = 0; i < n; i += 1) {
    const own = level.flip[i] > 0, seeds = control ? control.flip[i] > 0 : false;
    if (asked.state === "changed" && !own) continue;
    if (asked.state === "control" && !seeds) continue;
    if (asked.state === "both" && !(own && seeds)) continue;
    if (asked.state === "neither" && (own || seeds)) continue;
    if (asked.flip && level.flip[i] !== flip) continue;
    if (wanted >= 0 && label[i] !== wanted) continue;
    if (value >= 0 && group.number[i] !== value) continue;
    if (from >= 0 && dense.modal[i] !== from) continue;
    if (to >= 0 && level.modal[i] !== to) continue;
    if (part && !DATA.example[i].toLowerCase().includes(part)) continue;
    found.push(i);
  }
  return sorted(found, level);
}

function sorted(found, level) {
  const known = (value) => (value === NOWHERE ? 1001 : value);
  const column = columns.find((each) => `column:${each.name}` === asked.sort);
  const keys = {
    moved: (i) => level.moved[i], won: (i) => -level.moved[i],
    fall: (i) => (level.confidence[i] === NOWHERE || dense.confidence[i] === NOWHERE ? Infinity : level.confidence[i] - dense.confidence[i]), dense: (i) => known(dense.confidence[i]), own: (i) => known(level.confidence[i]),
  };
  const score = level.scores.get(asked.sort.replace("score:", "")), sign = asked.sort.startsWith("score:p_") ? 1 : -1;
  const key = asked.sort.startsWith("score:") ? (i) => (Number.isNaN(score[i]) ? Infinity : sign * score[i]) : column ? (i) => (Number.isNaN(column.values[i]) ? Infinity : -column.values[i]) : keys[asked.sort];
  if (!key) return found;
  const of = new Map(found.map((i) => [i, key(i)]));
  return found.sort((a, b) => (of.get(a) === of.get(b) ? a - b : of.get(a) - of.get(b)));
}

function refresh(keep = false) {
  const place = keep && current >= 0 ? shown[current] : -1;
  shown = matching();
  current = shown.indexOf(place);
  for (const key of ["level", "state", "flip", "label", "column", "sort", "name"]) $(key).value = asked[key];
  const column = columns.find((each) => each.name === asked.column);
  $("valueLabel").hidden = !column;
  if (column) options($("value"), [["", "any"], ...groupOf(column).names.map((name) => [name, name])]);
  $("value").value = asked.value;
  const pair = asked.from !== "" ? `, from ${className(Number(asked.from))} to ${className(Number(asked.to))}` : "";
  $("count").textContent = `${shown.length.toLocaleString("en")} of ${n.toLocaleString("en")} images${pair}`;
  writeAddress();
  drawMatrix();
  $("scroll").scrollTop = 0;
  layout();
  showDetail(asked.image === "" ? -1 : Number(asked.image));
}

// The grid: only the images that are in view are elements.
let perRow = 1, side = 40;
function layout() {
  side = Math.max(DATA.tile, 44) + 8;
  perRow = Math.max(1, Math.floor(($("scroll").clientWidth - 4) / side));
  $("space").style.height = `${Math.ceil(shown.length / perRow) * side}px`;
  drawTiles();
}

// Each sheet is a file of the page's own, named once: as letters it would be kept several times.
function nameSheets(kind, uris) {
  const addresses = uris.splice(0).map((uri) => URL.createObjectURL(new Blob([bytesOf(uri.split(",")[1])], {type: "image/webp"})));
  document.head.append(element("style", addresses.map((address, number) => `.${kind}${number}{background-image:url(${address})}`).join("")));
}

function place(node, kind, number, tile, size) {
  const perSheet = TILES * TILES, on = number % perSheet, scale = size / tile, style = node.style;
  node.classList.add(`${kind}${Math.floor(number / perSheet)}`);
  style.backgroundSize = `${TILES * tile * scale}px auto`;
  style.backgroundPosition = `${-(on % TILES) * size}px ${-Math.floor(on / TILES) * size}px`;
  style.width = `${size}px`;
  style.height = `${size}px`;
}

function told(i) {
  const level = levelOf(asked.level);
  return `${DATA.example[i]}: label ${className(label[i])}, dense says ${className(dense.modal[i])}, ${level.name} says ${className(level.modal[i])}`;
}

function drawTiles() {
  const box = $("scroll"), first = Math.max(0, Math.floor(box.scrollTop / side) - 1) * perRow;
  const last = Math.min(shown.length, (Math.ceil((box.scrollTop + box.clientHeight) / side) + 1) * perRow);
  const focused = document.activeElement && document.activeElement.classList.contains("tile") ? Number(document.activeElement.dataset.at) : -1;
  const level = levelOf(asked.level), made = [];
  for (let at = first; at < last; at += 1) {
    const i = shown[at], tile = element("button", undefined, {type: "button", class: "tile", "aria-label": told(i), "data-at": at, tabindex: at === Math.max(0, current) ? "0" : "-1"});
    if (level.flip[i]) tile.classList.add("changed");
    if (at === current) tile.setAttribute("aria-current", "true");
    place(tile, "sheet", i, DATA.tile, side - 12);
    tile.style.width = tile.style.height = `${side - 8}px`;
    tile.style.left = `${(at % perRow) * side + 4}px`;
    tile.style.top = `${Math.floor(at / perRow) * side + 4}px`;
    made.push(tile);
  }
  $("space").replaceChildren(...made);
  if (focused >= first && focused < last) focusTile(focused);
}

function focusTile(at) {
  const tile = $("space").querySelector(`[data-at="${at}"]`);
  if (tile) tile.focus({preventScroll: true});
}

function moveTo(at) {
  if (!shown.length) return;
  current = Math.min(shown.length - 1, Math.max(0, at));
  const box = $("scroll"), top = Math.floor(current / perRow) * side;
  if (top < box.scrollTop) box.scrollTop = top;
  if (top + side > box.scrollTop + box.clientHeight) box.scrollTop = top + side - box.clientHeight;
  drawTiles();
  focusTile(current);
  if (!$("detail").hidden) open(shown[current]);
}

function open(i) {
  asked.image = String(i);
  writeAddress();
  showDetail(i);
}

function bars(of, i) {
  const box = element("div");
  const order = [];
  for (let k = of.bars.start[i]; k < of.bars.start[i + 1]; k += 1) order.push([of.bars.count[k], of.bars.said[k]]);
  order.sort((a, b) => b[0] - a[0]);
  for (const [count, said] of order) {
    const bar = element("div", undefined, {class: said === label[i] ? "bar true" : "bar"}), fill = element("i");
    fill.style.width = `${(9 * count) / of.bars.models}rem`;
    bar.append(fill, element("span", `${className(said)}: ${count} of ${of.bars.models}`));
    box.append(bar);
  }
  return box;
}

function showDetail(i) {
  const panel = $("detail"), before = panel.hidden;
  panel.hidden = !(i >= 0 && i < n);
  if (panel.hidden !== before) layout();  // the grid is another width
  if (panel.hidden) { panel.replaceChildren(); return; }
  const large = element("span", undefined, {class: "large", role: "img", "aria-label": told(i)});
  place(large, "sheet", i, DATA.tile, DATA.tile * Math.max(1, Math.floor(192 / DATA.tile)));
  const list = element("dl");
  const row = (name, ...content) => { const cell = element("dd"); cell.append(...content); list.append(element("dt", name), cell); };
  row("label", className(label[i]));
  row(`dense says ${className(dense.modal[i])}; confidence in the label ${percent(dense.confidence[i])}`, bars(dense, i));
  for (const level of levels) {
    const what = DATA.directions[level.flip[i]];
    row(`${level.name} says ${className(level.modal[i])}${what ? `, ${what}` : ""}; confidence ${percent(level.confidence[i])}`, bars(level, i));
  }
  for (const column of columns) {
    const value = column.values[i];
    row(column.name, column.names ? (value === NOWHERE ? "unknown" : column.names[value]) : Number.isNaN(value) ? "unknown" : String(Number(value.toPrecision(6))));
  }
  if (strip && strip.row[i] >= 0) {
    const box = element("div", undefined, {class: "strip"});
    strip.names.forEach((name, k) => {
      const figure = element("figure"), picture = element("span", undefined, {role: "img", "aria-label": name});
      place(picture, "strip", strip.row[i] * strip.names.length + k, DATA.tile, 64);
      figure.append(picture, element("figcaption", name));
      box.append(figure);
    });
    row(`corrupted, severity ${strip.severity}`, box);
  }
  const close = element("button", "Close", {type: "button"});
  close.addEventListener("click", () => closeDetail());
  panel.replaceChildren(element("h2", DATA.example[i]), large, list, close);
}

function closeDetail() {
  asked.image = "";
  writeAddress();
  showDetail(-1);
  if (current >= 0) focusTile(current);
}

// From which answer to which: as a matrix where there are few classes, else the most frequent changes.
function drawMatrix() {
  if (!$("matrixBox").open) return;
  const level = levelOf(asked.level), counts = new Map();
  for (let i = 0; i < n; i += 1) {
    if (!level.flip[i]) continue;
    const key = dense.modal[i] * DATA.classes.length + level.modal[i];
    counts.set(key, (counts.get(key) || 0) + 1);
  }
  const C = DATA.classes.length, table = element("table"), pick = (from, to, count) => {
    const button = element("button", String(count), {type: "button", "aria-label": `${count} from ${className(from)} to ${className(to)}`, "data-pair": `${from}-${to}`});
    button.addEventListener("click", () => { asked = {...DEFAULT, level: asked.level, sort: asked.sort, from: String(from), to: String(to)}; refresh(); });
    return button;
  };
  if (C <= 20) {
    const head = element("tr");
    head.append(element("th", `dense ↓ ${level.name} →`, {scope: "col"}), ...DATA.classes.map((name) => element("th", name, {scope: "col"})));
    table.append(head);
    for (let from = 0; from < C; from += 1) {
      const line = element("tr");
      line.append(element("th", className(from), {scope: "row"}));
      for (let to = 0; to < C; to += 1) {
        const cell = element("td"), count = counts.get(from * C + to) || 0;
        if (count) cell.append(pick(from, to, count));
        line.append(cell);
      }
      table.append(line);
    }
  } else {
    const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 100);
    const head = element("tr");
    head.append(...["dense says", `${level.name} says`, "images"].map((name) => element("th", name, {scope: "col"})));
    table.append(head);
    for (const [key, count] of most) {
      const from = Math.floor(key / C), to = key % C, line = element("tr"), cell = element("td");
      cell.append(pick(from, to, count));
      line.append(element("td", className(from)), element("td", className(to)), cell);
      table.append(line);
    }
  }
  $("matrix").replaceChildren(table);
}

options($("level"), levels.map((level) => [level.name, level.name]));
options($("state"), STATES);
options($("flip"), [["", "any way"], ...DATA.directions.slice(1).map((each) => [each, each])]);
options($("label"), [["", "any"], ...DATA.classes.map((name, number) => [String(number), name])]);
options($("column"), [["", "none"], ...columns.map((each) => [each.name, each.name])]);
options($("sort"), [...SORTS, ...columns.filter((each) => !each.names).map((each) => [`column:${each.name}`, `${each.name}, most first`])]);
$("about").textContent = (n < DATA.total ? `${n.toLocaleString("en")} of the ${DATA.total.toLocaleString("en")} test images: ${DATA.changed_shown.toLocaleString("en")} of the ${DATA.changed.toLocaleString("en")} whose answer changes at any level or in the control, and ${(n - DATA.changed_shown).toLocaleString("en")} others whose dense votes are as doubtful. ` : "")
  + `A framed image is one of the level's ${CHANGED}: ${DATA.files ? "its file says something else than the dense one" : "the modal label of its models is another than the dense models'"}.`;
for (const key of ["level", "state", "flip", "label", "column", "sort"]) {
  $(key).addEventListener("change", () => { asked[key] = $(key).value; if (key === "column") asked.value = ""; if (key === "level") asked.from = asked.to = ""; refresh(); });
}
$("value").addEventListener("change", () => { asked.value = $("value").value; refresh(); });
$("name").addEventListener("input", () => { asked.name = $("name").value; refresh(); $("name").focus(); });
$("reset").addEventListener("click", () => { asked = {...DEFAULT, state: "all", level: asked.level}; refresh(); });
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("matrixBox").addEventListener("toggle", drawMatrix);
$("scroll").addEventListener("scroll", drawTiles, {passive: true});
$("space").addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (tile) { current = Number(tile.dataset.at); open(shown[current]); drawTiles(); focusTile(current); }
});
$("scroll").addEventListener("keydown", (event) => {
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow, ArrowUp: -perRow, PageDown: perRow * 5, PageUp: -perRow * 5};
  if (event.key in steps) { event.preventDefault(); moveTo((current < 0 ? 0 : current) + (current < 0 ? 0 : steps[event.key])); }
  if (event.key === "Home") { event.preventDefault(); moveTo(0); }
  if (event.key === "End") { event.preventDefault(); moveTo(shown.length - 1); }
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); if (current < 0) current = 0; if (shown.length) open(shown[current]); }
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !$("detail").hidden) closeDetail(); });
window.addEventListener("resize", layout);
window.addEventListener("hashchange", () => { readAddress(); refresh(); });
nameSheets("sheet", DATA.sheets);
if (strip) nameSheets("strip", strip.sheets);
readAddress();
refresh();
