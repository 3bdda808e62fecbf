// One turn on the page: the question, the answer as it comes, what it rests on, and what can be done with it.

import { boxMark } from "./composer.js";
import { $$, cleaned, copy, h, iconButton, sign } from "./dom.js";
import { boxesOf, chunkPath, hasPage, isSlide, marked, nameOf, placeOf, whyLine } from "./source.js";
import { t } from "./words.js";

/** Whether a source can be opened: of a kept conversation it may be gone, or not for this reader. */
const isHere = (item) => !item.state || item.state === "here";

export class TurnView {
  constructor(turn, { onopen, onregenerate, onfeedback, onedit, onshare }) {
    this.turn = turn;
    this.does = { onopen, onregenerate, onfeedback, onedit, onshare };
    this.prose = h("div.prose");
    this.below = h("div");
    this.element = h("article.turn", {}, this.asked(), h("div.answer", { "aria-label": t("chat.answer") }, this.prose, this.below));
    this.draw();
  }

  asked() {
    const { text, images } = this.turn.question;
    const thumbs = images.length
      ? h("div.thumbs", {}, ...images.map((image) => h(`span.thumb${image.box ? ".boxed" : ""}`, {}, image.small || image.url ? h("img", { src: image.small || image.url, alt: image.name }) : h("span.film-sign", {}, sign("film")), image.video ? h("small", {}, image.name) : null, image.box ? boxMark(image.box) : null)))
      : null;
    return h("div.question", {}, thumbs, text);
  }

  /** Everything anew, of a turn that was kept. */
  draw() {
    const { turn } = this;
    this.prose.replaceChildren(...turn.blocks.map((html) => this.block(html)));
    if (turn.finished || turn.failure || turn.stopped) this.end();
    else this.wait();
  }

  block(html) {
    const box = h("div", {}, cleaned(html));
    for (const button of $$(".cite", box)) this.wire(button);
    for (const link of $$("a[href]", box)) this.wireMoment(link);
    return box;
  }

  /** A time in an answer about a video opens it beside the chat, at that second. */
  wireMoment(link) {
    const { origin, pathname, hash } = new URL(link.href, document.baseURI);
    const place = /^\/v1\/indexes\/([^/]+)\/chunks\/([^/]+)\/bytes$/.exec(pathname);
    const second = /^#t=(\d+)/.exec(hash);
    if (origin !== location.origin || !place || !second) return;
    const [index, chunk] = place.slice(1).map(decodeURIComponent);
    const at = Number(second[1]) * 1000;
    const item = { index, chunk_id: chunk, kind: "video", media_type: "video/mp4", filepath: this.film(), locator: { start_ms: at }, at_ms: at };
    link.classList.add("moment");
    link.addEventListener("click", (event) => { event.preventDefault(); this.does.onopen(this.turn, [item], 0, link); });
  }

  /** Name of the video that the question is about. */
  film() { return this.turn.question.images.find((image) => image.video)?.name ?? ""; }

  wire(button) {
    const number = Number(button.dataset.doc);
    const item = this.turn.citations.find((one) => one.number === number);
    if (!item || !isHere(item)) { button.replaceWith(h("span", {}, `[${number}]`)); return; }
    button.setAttribute("aria-label", t("chat.source_n", { n: number, name: nameOf(item) }));
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => this.does.onopen(this.turn, this.used().filter(isHere), this.used().filter(isHere).indexOf(item), button));
  }

  wait() {
    this.below.replaceChildren(h("p.waiting", {}, h("span.eye", { "aria-hidden": "true" }), t("chat.looking")));
  }

  take(what, event) {
    if (what === "retrieved") this.below.replaceChildren(h("p.waiting", {}, h("span.eye", { "aria-hidden": "true" }), t("chat.reading")));
    if (what === "block") {
      this.below.replaceChildren();
      this.prose.classList.add("streaming");
      const box = this.block(event.html);
      const old = this.prose.children[event.block];
      if (old) old.replaceWith(box);
      else this.prose.append(box);
    }
    if (what === "ended") this.end();
  }

  /** The sources that the answer names, in the order it names them. */
  used() {
    const order = [...this.turn.text.matchAll(/\[doc(\d+)\]/g)].map((match) => Number(match[1]));
    const numbers = [...new Set(order)];
    return numbers.map((number) => this.turn.citations.find((one) => one.number === number)).filter(Boolean);
  }

  end() {
    const { turn } = this;
    this.prose.classList.remove("streaming");
    const parts = [];
    if (turn.failure) parts.push(this.failed());
    else if (turn.withheld) parts.push(h("p.notice", {}, t("history.withheld")));
    else if (turn.stopped) parts.push(h("p.mute.small", {}, t("chat.stopped")));
    const used = this.used();
    const unanswered = turn.finished && !turn.finished.answered;
    if (unanswered) {
      this.prose.replaceChildren();
      parts.push(...this.nothing());
    } else if (turn.citations.length) {
      const rest = turn.citations.filter((one) => !used.includes(one));
      if (used.length) parts.push(this.cards(used, "cards"));
      if (rest.length) {
        const label = used.length ? t("chat.not_used") : t("chat.looked_at");
        const more = h("details.more-sources", {}, h("summary", {}, label), this.cards(rest, "cards.unused"));
        if (!used.length) more.open = true;
        parts.push(more);
      }
    }
    parts.push(this.acts());
    this.below.replaceChildren(...parts);
  }

  failed() {
    const { message, remedy, lost } = this.turn.failure;
    return h("div.notice.bad", { role: "alert" },
      h("p", {}, h("b", {}, lost ? t("chat.lost") : t("chat.failed"))), h("p", {}, lost ? t("chat.lost_more") : `${message} ${remedy}`.trim()),
      h("div.row", {}, h("button.button.plain", { type: "button", onclick: () => this.does.onregenerate(this.turn) }, t("base.retry"))));
  }

  nothing() {
    const near = this.turn.nearest.length ? this.turn.nearest : this.turn.citations;
    const box = h("div.nothing", {}, h("h2", {}, t("chat.nothing")), h("p.mute", {}, near.length ? t("chat.nothing_near") : t("chat.nothing_far")));
    return near.length ? [box, h("h3.cap", {}, t("chat.nearest")), this.cards(near, "cards")] : [box];
  }

  cards(items, kind) {
    return h(`ul.${kind}`, {}, ...items.map((item, at) => h("li", {}, this.card(item, items, at))));
  }

  card(item, items, at) {
    if (!isHere(item)) {
      const text = item.state === "elsewhere" ? item.content : t(`history.${item.state}`);
      return h("div.card.gone", {}, h("span.view.words", {}, text.slice(0, 320)), h("span.label", {}, item.number ? h("b", {}, String(item.number)) : null, h("span.name", {}, nameOf(item))));
    }
    const open = items.filter(isHere);
    const button = h("button.card", { type: "button", "aria-expanded": "false", "data-chunk": item.chunk_id, "data-name": nameOf(item), onclick: () => this.does.onopen(this.turn, open, open.indexOf(item), button) },
      viewOf(item),
      h("span.label", {}, item.number ? h("b", {}, String(item.number)) : null, h("span.name", {}, nameOf(item)), h("span.why", {}, whyLine(item))));
    return button;
  }

  /** Mark the cards and numbers of the source that is open. */
  showOpen(item) {
    for (const card of $$(".card", this.element)) card.setAttribute("aria-expanded", String(card.dataset.chunk === item?.chunk_id));
    for (const cite of $$(".cite", this.element)) cite.setAttribute("aria-expanded", String(item?.number === Number(cite.dataset.doc)));
  }

  acts() {
    const { turn } = this;
    const row = h("div.acts");
    if (turn.text && turn.finished?.answered !== false) row.append(iconButton("copy", t("chat.copy"), () => this.copy()));
    if (this.does.onregenerate) row.append(iconButton("again", t("chat.regenerate"), () => this.does.onregenerate(turn)));
    if (this.does.onedit) row.append(iconButton("edit", t("chat.edit"), () => this.does.onedit(turn)));
    if (this.does.onshare) row.append(iconButton("share", t("share.title"), () => this.does.onshare(turn)));
    if (turn.finished?.id && !turn.withheld && this.does.onfeedback) {
      for (const [rating, label] of [["up", t("chat.good")], ["down", t("chat.bad")]]) {
        row.append(iconButton(rating, label, (event) => this.does.onfeedback(turn, rating, event.currentTarget), {
          "aria-pressed": String(turn.feedback === rating), "data-rating": rating,
        }));
      }
    }
    if (turn.finished?.model) row.append(h("span.model", {}, t("chat.by", { model: turn.finished.model })));
    return row;
  }

  async copy() {
    const text = this.turn.text.replace(/\s*\[doc(\d+)\]/g, " [$1]");
    const sources = this.used().map((one) => `[${one.number}] ${one.filepath}`).join("\n");
    await copy(sources ? `${text}\n\n${sources}` : text);
  }
}

/** How a thing looks on its card: the picture, the page, or its words. */
export function viewOf(item) {
  const path = chunkPath(item.index, item.chunk_id);
  const boxes = boxesOf(item).slice(0, 8);
  if (item.kind === "image" || item.media_type.startsWith("video/")) {
    const drawn = boxes.length ? `&box=${boxes.map((b) => [b.x, b.y, b.width, b.height].map((v) => v.toFixed(4)).join(",")).join(";")}` : "";
    const second = item.locator?.start_ms !== null && item.locator?.start_ms !== undefined ? h("span.second", {}, placeOf(item)) : null;
    return h("span.view", {}, h("img", { src: `${path}/thumbnail?size=480${drawn}`, alt: item.description || item.caption || item.composed || "", loading: "lazy", decoding: "async" }), second);
  }
  if (hasPage(item)) {
    return h(`span.view.page${isSlide(item) ? ".slide" : ""}`, {}, h("img", { src: `${path}/page?size=480`, alt: "", loading: "lazy", decoding: "async" }));
  }
  const text = item.extract?.text ?? item.text ?? item.content;
  const spans = item.extract?.highlights;
  if (!spans && /^\|(?: ?-{3,} ?\|)+$/m.test(text)) return h("span.view.words", {}, miniTable(text));
  return h("span.view.words", {}, ...(spans ? marked(text.slice(0, 600), spans.filter(([, end]) => end < 560)) : [text.slice(0, 320)]));
}


/** The beginning of a table in markdown, as one. Only spans: it stands in a button. */
function miniTable(text) {
  const rows = text.split("\n").filter((line) => line.startsWith("|") && !/^\|(?: ?-{3,} ?\|)+$/.test(line)).slice(0, 6);
  const cells = (row) => row.slice(1, -1).split(/(?<!\\)\|/).slice(0, 5).map((cell) => h("span", {}, cell.replaceAll("\\|", "|").trim()));
  return h("span.mini", {}, ...rows.map((row) => h("span.tr", {}, ...cells(row))));
}

/** The sentences of an answer that name a source. */
export function saidOf(turn, number) {
  if (!number) return "";
  const pieces = turn.text.split(/(?<=\])\s+|\n+/).filter((piece) => piece.includes(`[doc${number}]`));
  return pieces.join(" ").replace(/\[doc\d+\]/g, "").trim();
}
