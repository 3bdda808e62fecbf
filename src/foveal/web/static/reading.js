// A document as it is read: headings, lists, tables and pictures around what was found, the passage in its place.

import { call } from "./api.js";
import { h, sign } from "./dom.js";
import { number, t } from "./words.js";

const OFFICE = "application/vnd.openxmlformats-officedocument.";
const READ = ["text/plain", "text/markdown", "text/html", `${OFFICE}wordprocessingml.document`, `${OFFICE}spreadsheetml.sheet`];
const MORE = 40;

/** Whether a document of that type is read, rather than drawn or played. */
export const isRead = (item) => item.kind === "text" && READ.includes(item.media_type);

class FovealReading extends HTMLElement {
  /** Show what the server gives of the document at `path`; rejects when it cannot be read. */
  async show({ path, question, name, through = (url) => url }) {
    this.through = through;  // what puts a visitor's pass into the address of a picture
    this.path = `${path}/reading`;
    this.question = question;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("source.reading", { name }));
    this.tabIndex = 0;
    const found = await this.fetched({});
    this.tabular = found.tabular;
    this.total = found.total;
    this.first = found.first;
    this.classList.toggle("tabular", found.tabular);
    this.body = found.tabular ? this.table(found) : h("div.blocks", {}, ...found.blocks.map((block) => this.block(block)));
    this.last = found.first + (found.tabular ? found.blocks[0].rows.length - 1 : found.blocks.length);
    this.earlier = this.more("source.earlier", () => this.grow(-1));
    this.later = this.more("source.later", () => this.grow(1));
    this.replaceChildren(...[found.part ? h("p.sheet-name", {}, found.part) : null, this.earlier, this.body, this.later].filter(Boolean));
    this.ends();
    return this;
  }

  fetched(window) {
    const query = new URLSearchParams({ q: this.question, ...window });
    return call(`${this.path}?${query}`);
  }

  more(words, does) { return h("button.more", { type: "button", onclick: does }, sign(words.endsWith("earlier") ? "less" : "further"), t(words)); }

  ends() {
    this.earlier.hidden = this.first <= 0;
    this.later.hidden = this.last >= this.total;
  }

  /** The blocks or rows before or after those shown. */
  async grow(way) {
    const first = way < 0 ? Math.max(0, this.first - MORE) : this.last;
    const count = way < 0 ? this.first - first : Math.min(MORE, this.total - this.last);
    const found = await this.fetched({ first, count });
    const place = this.tabular ? this.body.querySelector("tbody") : this.body;
    const made = this.tabular ? found.blocks[0].rows.slice(1).map((row) => this.row(row, "td")) : found.blocks.map((block) => this.block(block));
    const height = this.scrollHeight;
    place[way < 0 ? "prepend" : "append"](...made);
    if (way < 0) { this.first = first; this.scrollTop += this.scrollHeight - height; } else this.last = first + made.length;
    this.ends();
  }

  /** Bring what was found into view: what is marked of it, or else where it begins. */
  reveal() {
    const at = this.querySelector("mark, tr.marked") ?? this.querySelector(".cited");
    const place = this.scrollHeight > this.clientHeight + 1 ? this : this.closest(".source") ?? this;  // on a phone the sheet scrolls
    if (at) place.scrollTop += at.getBoundingClientRect().top - place.getBoundingClientRect().top - place.clientHeight / 3;
  }

  block(block) {
    const made = this.shaped(block);
    made.classList.toggle("cited", block.cited);
    return made;
  }

  shaped(block) {
    const words = block.runs.map(runOf);
    switch (block.kind) {
      case "heading": return h(`h${Math.min(block.level + 2, 6)}`, { "data-level": block.level }, ...words);
      case "item": return h("p.item", { "data-depth": Math.min(block.level, 5) }, h("span.marker", {}, block.marker), h("span", {}, ...words));
      case "quote": return h("blockquote", {}, ...words);
      case "code": return h("pre", {}, h("code", {}, ...words));
      case "rule": return h("hr");
      case "picture": return this.picture(block);
      case "table": return h("div.wide", {}, h("table", {}, ...this.rows(block.rows)));
      default: return h("p", {}, ...words);
    }
  }

  picture(block) {
    const words = block.runs.map((run) => run.text).join("");
    const image = h("img", { src: this.through(`${this.path}/pictures/${block.picture}`), alt: words, loading: "lazy", decoding: "async" });
    const figure = h("figure", {}, image, words ? h("figcaption", {}, words) : null);
    image.addEventListener("error", () => { image.remove(); figure.classList.toggle("gone", !words); });
    return figure;
  }

  rows(rows) {
    const [head, ...body] = rows;
    return body.length ? [h("thead", {}, this.row(head, "th")), h("tbody", {}, ...body.map((row) => this.row(row, "td")))] : [h("tbody", {}, this.row(head, "td"))];
  }

  row(row, cell) {
    const counted = row.number ? h("th.count", { scope: "row" }, number(row.number)) : null;
    const made = h("tr", { "aria-current": row.marked ? "true" : null }, counted,
      ...row.cells.map((runs) => h(cell, cell === "th" ? { scope: "col" } : {}, ...runs.map(runOf))));
    made.classList.toggle("cited", row.cited);
    made.classList.toggle("marked", row.marked);
    return made;
  }

  table(found) { return h("table", {}, ...this.rows(found.blocks[0].rows)); }
}

/** Text in its style: text only ever becomes text. */
function runOf(run) {
  let made = document.createTextNode(run.text);
  if (run.code) made = h("code", {}, made);
  if (run.bold) made = h("strong", {}, made);
  if (run.italic) made = h("em", {}, made);
  if (/^(https?:\/\/|mailto:)/i.test(run.link)) made = h("a", { href: run.link, target: "_blank", rel: "noopener noreferrer nofollow" }, made);
  return run.marked ? h("mark", {}, made) : made;
}

customElements.define("foveal-reading", FovealReading);

export const reading = () => new FovealReading();
