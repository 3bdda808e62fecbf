// The open source, beside the chat or the gallery: the thing itself with what matters marked, whose words are on it,
// and why it is here.

import { call } from "./api.js";
import { describing, isDescribed } from "./describing.js";
import { $, h, iconButton, say, sign } from "./dom.js";
import { picture } from "./picture.js";
import { isRead, reading } from "./reading.js";
import { bytes, clock, day, list, moment, number, t } from "./words.js";

const stemOf = (item) => nameOf(item).replace(/\.[^.]+$/, "");
export const nameOf = (item) => item.filepath.split("/").pop();
const SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PAGED = ["application/pdf", SLIDES];

/** Whether there is a picture of the page or slide that it is on. */
export const hasPage = (item) => PAGED.includes(item.media_type) && Boolean(item.locator?.page);
export const isSlide = (item) => item.media_type === SLIDES;
export const chunkPath = (index, id) => `/v1/indexes/${encodeURIComponent(index)}/chunks/${encodeURIComponent(id)}`;

/** What a picture of the question has in it: the boxes of the strongest relation that has any. */
export const boxesOf = (item) => (item.relations ?? []).find((one) => one.boxes.length)?.boxes ?? [];

/** Where in a file something is, in words: "page 3", "0:42". */
export function placeOf(item) {
  const where = item.locator ?? {};
  if (where.start_ms !== null && where.start_ms !== undefined) return clock(where.start_ms);
  const counted = { [SLIDES]: "source.slide", [SHEETS]: "source.sheet" }[item.media_type] ?? "source.page";
  return where.page ? t(counted, { page: where.page }) : "";
}

export class SourcePanel extends EventTarget {
  constructor(place, app) {
    super();
    this.place = place;
    this.app = app;
    this.items = [];
    this.at = 0;
    this.question = "";
    this.said = () => "";
    this.opener = null;
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); this.close(); }
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step && !event.target.closest("input, textarea, select, .passage, foveal-reading, video")) { event.preventDefault(); this.walk(step); }
    });
  }

  /** What is looked for in a source: what the answer says of it, or else the question. */
  asked(item) { return (this.said(item) || item.extract?.text || this.question).slice(0, 1000); }

  get isOpen() { return !this.place.hidden; }
  get current() { return this.items[this.at]; }

  /**
   * Open one of several things that were found: `{index, chunk_id, legs?, relations?, extract?, number?}`. Where these are
   * some out of `all`, `at` of an item says which, and `beyond(item, step)` gives what comes next: `{items, at}`, or null.
   */
  async open(items, at, { question = "", said = () => "", opener = null, focus = true, all = 0, beyond = null } = {}) {
    Object.assign(this, { items, at, question, said, all, beyond });
    if (opener) this.opener = opener;
    this.place.hidden = false;
    this.app.classList.add("with-source");
    await this.draw(focus);
    this.dispatchEvent(new Event("change"));
  }

  close() {
    if (!this.isOpen) return;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.app.classList.remove("with-source");
    this.items = [];
    this.opener?.focus();
    this.dispatchEvent(new Event("change"));
  }

  async walk(step) {
    const { items, at, question, said, all, beyond } = this;
    const next = items[at + step] ? { items, at: at + step } : await beyond?.(items[at], step);
    if (next && this.current === items[at]) this.open(next.items, next.at, { question, said, all, beyond });
  }

  /** Which one is open, out of how many. */
  get position() { return this.all ? [this.current.at + 1, this.all] : [this.at + 1, this.items.length]; }

  /** Whether there is nothing more that way. */
  isEnd(step) {
    const [n, all] = this.position;
    return !this.items[this.at + step] && (step < 0 ? n <= 1 : n >= all);
  }

  /** Put these into the panel; the focus stays in it if it is there. */
  fill(focus, ...parts) {
    this.place.replaceChildren(...parts);
    if (focus) $("h2", this.place).focus();
  }

  get hasFocus() { return this.place.contains(document.activeElement); }

  /** What is open now. The focus goes there at once: a person may be elsewhere when all of it has come. */
  async draw(focus) {
    const item = this.current;
    this.fill(focus, this.header(item, item), h("div.pic.ghost.waiting-pic"));
    let details;
    try {
      const words = item.kind === "image" ? this.question.slice(0, 1000) : this.asked(item);
      const asked = words ? `?q=${encodeURIComponent(words)}` : "";
      details = await call(chunkPath(item.index, item.chunk_id) + asked);
    } catch (error) {
      if (this.current !== item) return;
      const gone = error.status === 404;
      this.fill(this.hasFocus, this.header(item, item), h("div.row", {}, h("p.notice.bad", { role: "alert" }, gone ? t("source.removed") : `${error.message} ${error.remedy}`.trim(),
        gone ? null : h("button.button.plain", { type: "button", onclick: () => this.draw(true) }, t("base.retry")))));
      return;
    }
    if (this.current !== item) return;
    this.details = details;
    const body = this.body(item, details);
    this.fill(this.hasFocus, this.header(item, details), ...body);
    this.place.scrollTop = 0;
    say(t("source.opened", { name: nameOf(details) }));
  }

  header(item, known) {
    const [n, all] = this.position;
    const many = all > 1;
    const place = placeOf(known);
    const count = many ? t("source.of", { n: number(n), all: number(all) }) : "";
    return h("header", {},
      h("div.what", {}, h("h2", { tabindex: "-1" }, nameOf(known)), h("small", {}, [place, count].filter(Boolean).join(" · "))),
      many ? iconButton("left", t("source.previous"), () => this.walk(-1), { disabled: this.isEnd(-1) }) : null,
      many ? iconButton("right", t("source.next"), () => this.walk(1), { disabled: this.isEnd(1) }) : null,
      iconButton("close", t("source.close"), () => this.close()));
  }

  body(item, it) {
    if (item.at_ms !== undefined) it.locator = { ...it.locator, start_ms: item.at_ms };  // a second of the video that no moment begins at
    const view = it.media_type.startsWith("video/") || it.media_type.startsWith("audio/") ? this.film(it, item) : it.kind === "image" ? this.image(item, it) : this.words(item, it);
    return [...view, this.facts(item, it), this.actions(item, it)];
  }

  film(it, item) {
    const second = (it.locator.start_ms ?? 0) / 1000;
    const [address] = it.bytes_url.split("#");  // the link of a moment names its second too
    const video = h("video", { src: `${address}#t=${second}`, controls: true, preload: "metadata", "aria-label": nameOf(it) });
    return [h("div.film", {}, video), item.at_ms === undefined && it.content && it.content !== it.composed ? h("div.passage", {}, ...marked(it.content, it.pointed?.spans)) : null].filter(Boolean);
  }

  image(item, it) {
    const hits = { objects: new Set(it.pointed?.objects), lines: new Set(it.pointed?.lines) };
    const src = `${chunkPath(item.index, it.chunk_id)}/thumbnail?size=1280`;
    this.picture = picture({
      src, alt: it.description || it.caption || it.composed || nameOf(it), objects: it.objects, lines: it.ocr_lines, hits,
      boxes: [...boxesOf(item), ...(item.matched ? [item.matched] : [])], text: true, width: it.width_px, height: it.height_px,
    });
    const marks = it.objects.length || hits.lines.size
      ? h("button.chip.on", { type: "button", "aria-pressed": "true", onclick: (event) => {
        const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
        event.currentTarget.setAttribute("aria-pressed", String(on));
        event.currentTarget.classList.toggle("on", on);
        this.picture.marked = on;
      } }, sign("box"), t("source.marks"))
      : null;
    return [this.picture, marks ? h("div.switches", {}, marks) : null].filter(Boolean);
  }

  words(item, it) {
    const heading = it.title && ![nameOf(it), stemOf(it)].includes(it.title) ? h("p.crumbs", {}, it.title) : null;
    const page = hasPage(it)
      ? h("div.pic.paper", {}, h("img", {
        src: `${chunkPath(item.index, it.chunk_id)}/page?size=1100&q=${encodeURIComponent(this.asked(item))}`,
        alt: t("source.page_image", { page: it.locator.page, name: nameOf(it) }),
        onerror: () => { page.nextElementSibling.open = true; page.remove(); },
      }))
      : null;
    if (isRead(it)) return [heading, this.read(item, it)].filter(Boolean);
    const text = this.passage(item, it);
    if (!page) return [heading, text].filter(Boolean);
    return [heading, page, h("details.as-text", {}, h("summary", {}, t("source.as_text")), text)].filter(Boolean);
  }

  /** The document itself; the passage alone where that cannot be read any more. */
  read(item, it) {
    const view = reading();
    view.show({ path: chunkPath(item.index, it.chunk_id), question: this.asked(item), name: nameOf(it) })
      .then(() => view.reveal(), () => view.replaceWith(this.passage(item, it)));
    return view;
  }

  passage(item, it) {
    return h("div.passage", { tabindex: "0", "aria-label": t("source.passage") }, ...marked(it.content, spansOf(item, it)));
  }

  facts(item, it) {
    const rows = h("dl.kv");
    const row = (label, ...value) => rows.append(h("dt", {}, label), ...value.map((one) => (one instanceof HTMLElement && one.tagName === "DD" ? one : h("dd", {}, one))));
    if (isDescribed(it)) row(t("source.your_words"), h("dd", {}, describing(item, it)));
    else if (it.description) row(t("source.your_words"), h("dd.person", {}, it.description));
    if (it.caption) row(t("source.description"), h("dd.made", {}, `${t("source.by_model")} ${it.caption}`));
    if (it.composed) row(t("source.description"), h("dd.made", {}, `${t("source.by_foveal")} ${it.composed}`));
    if (it.ocr_text) row(t("source.text_read"), it.ocr_text);
    if (it.taken_at) row(t("source.taken"), moment(it.taken_at));
    if (it.latitude !== null) row(t("source.place"), `${number(it.latitude, 4)}, ${number(it.longitude, 4)}`);
    if (it.camera) row(t("source.camera"), it.camera);
    if (it.width_px) row(t("source.size"), `${t("source.pixels", { width: number(it.width_px), height: number(it.height_px) })} · ${bytes(it.size_bytes)}`);
    else if (it.size_bytes) row(t("source.size"), bytes(it.size_bytes));
    if (!it.taken_at && it.modified_at) row(t("source.changed"), day(it.modified_at));
    if (it.tags.length) row(t("source.tags"), list(it.tags));
    if (it.group_ids?.length) row(t("source.groups"), list(it.group_ids));
    row(t("source.file"), it.filepath);
    if (item.relations?.length) row(t("source.relation"), item.relations.map((one) => one.reason).join(" "));
    if (item.legs?.length) row(t("source.why"), whyBars(item.legs));
    return rows;
  }

  actions(item, it) {
    const isImage = it.kind === "image";
    const row = h("div.row");
    const chip = (icon, label, does) => h("button.chip", { type: "button", onclick: does }, sign(icon), label);
    if (isImage) {
      row.append(h("a.chip", { href: `/gallery?index=${encodeURIComponent(item.index)}&like=${encodeURIComponent(it.chunk_id)}` }, sign("alike"), t("source.similar")));
      row.append(chip("box", t("source.ask_region"), () => this.askRegion(item, it)));
    }
    if (it.bytes_url) row.append(h("a.chip", { href: it.url ?? it.bytes_url, target: "_blank", rel: "noopener" }, sign("open"), t("source.original")));
    return row;
  }

  async askRegion(item, it) {
    say(t("source.draw_help"));
    const box = await this.picture.draw();
    if (box) this.dispatchEvent(new CustomEvent("region", { detail: { item, details: it, box } }));
  }
}

/** What each search says of it, as bars: the same words and the same scale everywhere. */
export function whyBars(legs) {
  const box = h("div.legs");
  for (const leg of [...legs].sort((a, b) => b.confidence - a.confidence)) {
    const bar = h("i");
    bar.style.setProperty("--share", String(Math.max(0.02, Math.min(1, leg.confidence))));
    box.append(h("div.leg", {}, h("span", {}, t(`leg.${leg.leg}`)), bar, h("span", {}, number(leg.confidence, 2))));
  }
  return box;
}

/** One reason, in words: what of it matched. */
export function whyLine(item) {
  if (item.relations?.length) return item.relations[0].reason;
  const parts = [];
  const counts = new Map();
  for (const thing of item.objects ?? []) counts.set(thing.label, (counts.get(thing.label) ?? 0) + 1);
  if (item.kind === "image") {
    const things = [...counts].slice(0, 3).map(([label, n]) => (n > 1 ? `${number(n)} × ${label}` : label));
    if (things.length) parts.push(things.join(", "));
    if (item.description) parts.push(t("source.described"));
  } else {
    const place = placeOf(item);
    if (place) parts.push(place);
    if (item.title && ![nameOf(item), stemOf(item)].includes(item.title)) parts.push(item.title);
  }
  if (parts.length) return parts.join(" · ");
  const best = [...(item.legs ?? [])].sort((a, b) => b.confidence - a.confidence)[0];
  if (!item.number) return "";  // what only came nearest has no reason
  return best ? t(`leg.why_${best.leg}`) : "";
}

function spansOf(item, it) {
  if (item.extract?.text) {
    const at = it.content.indexOf(item.extract.text);
    if (at >= 0) {
      const start = [...it.content.slice(0, at)].length;
      return [[start, start + [...item.extract.text].length]];
    }
  }
  return it.pointed?.spans ?? [];
}

/** Text with stretches marked; spans count code points, as the server does. */
export function marked(text, spans = []) {
  const points = [...text];
  const out = [];
  let done = 0;
  for (const [start, end] of spans ?? []) {
    if (start > done) out.push(points.slice(done, start).join(""));
    out.push(h("mark", {}, points.slice(start, end).join("")));
    done = end;
  }
  out.push(points.slice(done).join(""));
  return out;
}
