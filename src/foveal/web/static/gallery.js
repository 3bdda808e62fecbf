// The gallery: everything in an index, newest first; or what words, pictures and filters find.

import { ask, call } from "./api.js";
import { isTyping } from "./base.js";
import { $, chooser, dataUrl, h, refilled, say, sign, toast } from "./dom.js";
import { Filters, nearTo, toOData } from "./filters.js";
import { Grid } from "./grid.js";
import { drawMap } from "./map.js";
import { choices, options, settled } from "./options.js";
import { chunkPath, hasPage, nameOf, placeOf, SourcePanel } from "./source.js";
import { day, dayOfYear, number, t, tn, year as yearOf } from "./words.js";

const FOUND = 240;
const AROUND = 100;  // items to either side of an open one
const ORDERS = ["newest", "oldest", "name"];
const REMEMBER_MS = 400;  // browsers refuse an address that changes with every letter
const SLOW_MS = 1000;
const REST_MS = 1500;  // what comes behind the first hits is sought after so long, or when their end comes into sight

const state = { index: "", words: "", images: [], mode: "hybrid", order: "newest", strictness: 2, view: "grid", scored: false };
const panel = new SourcePanel($("#source"), $(".app"));
const filters = new Filters($("#chips"));
const grid = new Grid($("#body"), $("#grid"), { draw: drawCell });
let known = null;

function drawCell(cell, item) {
  const path = chunkPath(state.index, item.chunk_id);
  const alike = item.duplicates?.length ?? 0;
  const labels = item.labels ?? [...new Set((item.objects ?? []).map((one) => one.label))];
  const name = item.description || labels.slice(0, 3).join(", ") || nameOf(item);
  const legs = [...(item.legs ?? [])].sort((a, b) => b.confidence - a.confidence);
  const under = state.scored && legs.length ? legs.map((one) => `${t(`leg.${one.leg}`)} ${number(one.confidence, 2)}`).join(" · ") : name;
  cell.classList.toggle("stacked", alike > 0);
  cell.setAttribute("aria-label", [name, nameOf(item), alike ? tn("gallery.alike", alike + 1) : ""].filter(Boolean).join(", "));
  const address = item.kind === "image" || item.kind === "video" ? `${path}/thumbnail?size=320`
    : hasPage({ ...item, locator: item.locator ?? { page: item.page } }) ? `${path}/page?size=480` : "";
  const view = address ? pictureIn(cell, address) : h("span.paper", {}, item.title || nameOf(item), h("small", {}, nameOf(item)));
  const place = item.locator ? placeOf(item) : "";
  cell.replaceChildren(view, h("span.under", {}, under), alike || place ? h("span.n", {}, alike ? tn("gallery.alike", alike + 1) : place) : "");
}

/** The picture of a cell: the one that it has, which shows what it did until the new one is there. */
function pictureIn(cell, address) {
  const image = $("img", cell) ?? h("img", { alt: "", decoding: "async" });
  if (image.getAttribute("src") !== address) image.src = address;
  return image;
}

const isAsking = () => Boolean(state.words.trim() || state.images.length);

async function fetchListing(skip, top) {
  const query = new URLSearchParams({ order: state.order, skip, top });
  const filter = toOData(filters.filters);
  if (filter) query.set("filter", filter);
  return call(`/v1/indexes/${encodeURIComponent(state.index)}/chunks?${query}`);
}

async function fetchFound(top, signal) {
  const filter = toOData(filters.filters);
  const body = { index: state.index, text: state.words.trim(), images: state.images.map((one) => one.wire), mode: state.mode, top, explain: true };
  if (filter) body.filter = filter;
  if (state.strictness) body.strictness = state.strictness;
  return call("/v1/search", { method: "POST", body, signal });
}

let searching = Promise.resolve();
/** The first hits. One such search at a time: behind one that is under way, if it is no slow one, only the newest is sent. */
async function fetchFirst(top, signal) {
  await Promise.race([searching, new Promise((done) => setTimeout(done, SLOW_MS))]);
  signal.throwIfAborted();
  const found = fetchFound(top);
  searching = found.catch(() => {});
  const reply = await found;
  signal.throwIfAborted();
  return reply;
}

const among = (items) => async (skip, top) => ({ total: items.length, items: items.slice(skip, skip + top) });

let turn = new AbortController();
/** From here on something else is shown: nothing that was asked for until now is waited for any more. */
function nextTurn() {
  turn.abort();
  turn = new AbortController();
  return turn.signal;
}

let remembering;
async function show() {
  if (!state.index) return;  // it is shown as soon as it is known of what
  const signal = nextTurn();
  $("#message").replaceChildren();
  const shown = isAsking() ? showFound(signal) : showListing(signal);  // asked for first, the rest is drawn meanwhile
  clearTimeout(remembering);
  remembering = setTimeout(remember, REMEMBER_MS);
  drawViews();
  showDays();
  try {
    await shown;
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

async function showListing(signal) {
  const first = await grid.show(fetchListing);
  if (signal.aborted) return;
  $("#count").textContent = tn("chat.items", first.total);
  if (!first.total) $("#message").replaceChildren(h("div.no-match", {}, h("h2", {}, t("gallery.empty")), h("p.mute", {}, filters.filters.length ? t("gallery.empty_filtered") : t("chat.empty_lead"))));
}

async function showFound(signal) {
  const wanted = grid.holds + 1;  // more than fit into the window: these are shown at once
  const { hits, rejected } = await fetchFirst(wanted, signal);
  await grid.show(among(hits.length ? hits : rejected));
  const more = hits.length === wanted;
  if (more) {
    let rest = null;
    const seek = () => { rest ??= showRest(hits, signal); };
    setTimeout(seek, REST_MS);
    grid.addEventListener("end", seek, { once: true, signal });
  }
  $("#count").textContent = hits.length ? tn(more ? "gallery.first_found" : "gallery.found", hits.length) : t("gallery.no_match");
  if (!hits.length) $("#message").replaceChildren(noMatch(rejected.length > 0));
  $("#body").prepend($("#message"));
}

/** What is found beyond the first hits, behind them. */
async function showRest(first, signal) {
  if (signal.aborted) return;
  try {
    const all = await fetchFound(FOUND, signal);
    const shown = new Set(first.flatMap((one) => [one, ...one.duplicates]).map((one) => one.chunk_id));
    const items = [...first, ...all.hits.filter((one) => !shown.has(one.chunk_id))];
    await grid.extend(among(items));
    $("#count").textContent = tn("gallery.found", items.length);
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

function noMatch(near) {
  return h("div.no-match", {}, h("h2", {}, t("gallery.no_match")), h("p.mute", {}, near ? t("gallery.no_match_near") : t("gallery.no_match_far")));
}

function failed(error) {
  $("#message").replaceChildren(h("div.notice.bad", { role: "alert" }, h("p", {}, h("b", {}, error.message)), h("p", {}, error.remedy ?? ""),
    h("button.button.plain", { type: "button", onclick: show }, t("base.retry"))));
}

grid.addEventListener("failed", (event) => failed(event.detail));
grid.addEventListener("choose", ({ detail: { at, item, cell } }) => { if (item) openItem(at, cell); });

/** What stands around an item, so that arrows walk on from it. */
function openItem(at, cell) {
  const { items, at: here } = around(at);
  panel.open(items, here, { question: state.words, opener: cell, all: grid.total, beyond });
}

function around(at) {
  let [from, to] = [at, at];
  while (at - from < AROUND && grid.item(from - 1)) from -= 1;
  while (to - at < AROUND && grid.item(to + 1)) to += 1;
  const items = [];
  for (let one = from; one <= to; one += 1) {
    const item = grid.item(one);
    items.push({ ...item, index: state.index, at: one });
    if (one === at) for (const twin of item.duplicates ?? []) items.push({ ...twin, index: state.index, at: one, kind: "image" });
  }
  return { items, at: at - from };
}

/** Where the arrows go from the last of these. */
async function beyond(item, step) {
  const to = item.at + step;
  if (to < 0 || to >= grid.total) return null;
  return await grid.load(to).catch(() => null) ? around(to) : null;
}

panel.addEventListener("change", () => grid.markOpen(panel.isOpen ? panel.current.at : -1));
panel.addEventListener("region", ({ detail: { details, box } }) => {
  addImage({ shown: `${chunkPath(state.index, details.chunk_id)}/thumbnail?size=160`, chunk: details.chunk_id, box, name: nameOf(details) });
});

async function addImage(image) {
  try {
    state.images.push({ ...image, wire: image.wire ?? await wireOf(image) });
  } catch (error) {
    failed(error);
    return;
  }
  if (image.chunk) state.strictness = null;  // what is like it is shown, however little it is
  drawImages();
  show();
}

/** A picture of the index as a search takes it; with a box, that part of it. */
async function wireOf({ chunk, box }) {
  const reply = await ask(`${chunkPath(state.index, chunk)}/thumbnail?size=1024`);
  const url = await dataUrl(await reply.blob());
  return box ? { image: url, box } : url;
}

function drawImages() {
  const parts = state.images.map((image, at) => h("button.one", { type: "button", "aria-label": t("gallery.drop_image", { name: image.name }), title: image.name, onclick: () => {
    state.images.splice(at, 1);
    drawImages();
    show();
  } }, h("img", { src: image.shown, alt: "" }), h("span", { "aria-hidden": "true" }, "×")));
  $("#search-images").replaceChildren(...parts, ...(parts.length ? [h("i", {}, t("gallery.and"))] : []));
}

function drawViews() {
  const asking = isAsking();
  const toggle = (on, icon, label, does) => h("button.chip", { type: "button", "aria-pressed": String(on), onclick: does }, icon ? sign(icon) : null, label);
  const parts = [h("button.chip", { type: "button", id: "index", "aria-haspopup": "menu", onclick: (event) => chooser(event.currentTarget, known.indexes.map((one) => ({
    label: one.name, note: tn("chat.items", one.documents), value: one.name, on: one.name === state.index,
  })), { label: t("chat.data"), onchoose: (one) => { state.index = one.value; filters.set([]); state.images = []; drawImages(); panel.close(); begin(); } }) }, state.index)];
  if (asking) {
    parts.push(h("button.chip", { type: "button", "aria-haspopup": "menu", onclick: (event) => chooser(event.currentTarget, [null, 1, 2, 3, 4, 5].map((level) => ({
      label: level ? `${number(level)} · ${t(`settings.strictness_${level}`)}` : t("gallery.any_strictness"), value: level, on: level === state.strictness,
    })), { label: t("settings.strictness"), onchoose: (one) => { state.strictness = one.value; show(); } }) }, state.strictness ? t("chat.strictness", { n: number(state.strictness) }) : t("gallery.any_strictness")));
    parts.push(toggle(state.scored, "info", t("gallery.scores"), () => { state.scored = !state.scored; $("#grid").classList.toggle("scored", state.scored); grid.redraw(); drawViews(); }));
  } else {
    parts.push(h("button.chip", { type: "button", "aria-haspopup": "menu", onclick: (event) => chooser(event.currentTarget, ORDERS.map((one) => ({
      label: t(`gallery.order_${one}`), value: one, on: one === state.order,
    })), { label: t("gallery.order"), onchoose: (one) => { state.order = one.value; show(); } }) }, t(`gallery.order_${state.order}`)));
    if (filters.overview?.places.length) parts.push(toggle(state.view === "map", null, t("gallery.map"), () => { state.view = state.view === "map" ? "grid" : "map"; drawView(); }));
  }
  refilled($("#views"), ...parts);
}

function drawView() {
  const map = state.view === "map" && !isAsking();
  $("#map").hidden = !map;
  $("#grid").hidden = map;
  if (map) drawMap($("#map"), filters.overview.places, { pictureOf: (place) => `${chunkPath(state.index, place.chunk_id)}/thumbnail?size=160`, onchoose: (place) => { state.view = "grid"; filters.filters.push(nearTo(place)); filters.changed(); } });
  else grid.layout(true);
  showDays();
  drawViews();
}

async function showInGrid() {
  if (state.view === "map") { state.view = "grid"; drawView(); }
  await show();
}

function drawDays() {
  const days = filters.overview?.days ?? [];
  const parts = [];
  let year = "";
  for (const one of days.slice(0, 800)) {
    if (one.day.slice(0, 4) !== year) { year = one.day.slice(0, 4); parts.push(h("div.year", {}, yearOf(one.day))); }
    parts.push(h("button", { type: "button", "aria-label": `${day(one.day)}, ${tn("chat.items", one.count)}`, onclick: () => grid.goTo(one.position) },
      dayOfYear(one.day), h("small", {}, number(one.count))));
  }
  $("#days").replaceChildren(...parts);
  showDays();
}

function showDays() {
  const days = filters.overview?.days ?? [];
  $("#days").hidden = state.view === "map" || state.order !== "newest" || days.length < 3 || isAsking();
}

let looked = 0;
async function look() {
  const mine = looked += 1;
  const filter = toOData(filters.filters);
  const query = filter ? `?filter=${encodeURIComponent(filter)}` : "";
  const overview = await call(`/v1/indexes/${encodeURIComponent(state.index)}/overview${query}`).catch(() => null);
  if (mine !== looked) return;  // of another index, or other filters
  filters.overview = overview;
  filters.draw();
  drawDays();
  drawViews();
}

async function begin() {
  await Promise.all([show(), look()]);
  drawView();
}

function remember() {
  const query = new URLSearchParams({ index: state.index });
  if (state.words.trim()) query.set("q", state.words.trim());
  if (filters.filters.length) query.set("filters", JSON.stringify(filters.filters));
  if (state.mode !== "hybrid") query.set("mode", state.mode);
  if (state.order !== "newest") query.set("order", state.order);
  const like = state.images.findLast((one) => one.chunk);
  if (like) query.set("like", like.chunk);
  if (like?.box) query.set("box", JSON.stringify(like.box));
  history.replaceState(null, "", `/gallery?${query}`);
}

filters.addEventListener("change", () => { state.view = "grid"; panel.close(); begin(); });

$("#words").addEventListener("input", (event) => {
  state.words = event.target.value;
  showInGrid();
});
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  state.words = $("#words").value;
  showInGrid().then(() => say($("#count").textContent));
});
$("#mode").addEventListener("change", (event) => { state.mode = event.target.value; if (isAsking()) show(); });
$("#add-image").addEventListener("click", () => $("#image-file").click());
async function takeFiles(files) {
  for (const file of files.slice(0, 10 - state.images.length)) {
    if (!file.type.startsWith("image/") && !/\.(hei[cf]|tiff?|avif|bmp)$/i.test(file.name)) { toast(t("chat.not_a_picture", { name: file.name })); continue; }
    const url = await dataUrl(file);
    await addImage({ shown: url, wire: url, name: file.name });
  }
}
$("#image-file").addEventListener("change", (event) => { takeFiles([...event.target.files]); event.target.value = ""; });
$("#words").addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); takeFiles([...event.clipboardData.files]); } });
$("#gallery").addEventListener("dragover", (event) => { if ([...event.dataTransfer.types].includes("Files")) event.preventDefault(); });
$("#gallery").addEventListener("drop", (event) => { event.preventDefault(); takeFiles([...event.dataTransfer.files]); });

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.isOpen && !document.querySelector("dialog[open], [popover]:popover-open")) panel.close();
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || !panel.isOpen || event.defaultPrevented) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && !$("#source").contains(event.target)) { event.preventDefault(); panel.walk(step); }
});

/** What an address says of something; null where it says nothing that can be read. */
function told(words) {
  try { return JSON.parse(words); } catch { return null; }
}

try {
  known = await choices();
  known.indexes = known.indexes.filter((one) => one.image_model || one.text_model);
  const asked = new URLSearchParams(location.search);
  const chosen = settled(options(), known);
  state.index = known.indexes.some((one) => one.name === asked.get("index")) ? asked.get("index") : chosen.indexes[0] ?? known.indexes[0]?.name;
  if (!state.index) {
    $("#message").replaceChildren(h("div.no-match", {}, h("h2", {}, t("chat.no_data_yet")), h("p.mute", {}, t("chat.empty_lead")), h("p", {}, h("a.button", { href: "/add" }, t("page.add")))));
  } else {
    $("#words").value = state.words ||= asked.get("q") ?? "";
    state.mode = $("#mode").value = asked.get("mode") ?? "hybrid";
    filters.filters = told(asked.get("filters")) ?? [];
    filters.draw();
    if (ORDERS.includes(asked.get("order"))) state.order = asked.get("order");
    const like = asked.get("like");
    if (like) {
      const box = told(asked.get("box"));
      const image = { shown: `${chunkPath(state.index, like)}/thumbnail?size=160`, chunk: like, box, name: t("gallery.this_picture") };
      state.images.push({ ...image, wire: await wireOf(image) });
      state.strictness = null;
      drawImages();
    }
    await begin();
  }
} catch (error) {
  failed(error);
}
