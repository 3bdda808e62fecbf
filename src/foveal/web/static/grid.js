// A grid of any number of items of which only those in sight exist. Items are fetched a block at a time, as they come
// into sight, and forgotten when they are far away: 100,000 scroll like 100.

import { $$, h } from "./dom.js";

const BLOCK = 90;
const KEPT_BLOCKS = 24;
const GAP = 8;
const AROUND = 2;  // rows above and below those in sight
const FILLING_MS = 5;  // of a frame; what is left over comes in the next ones, and what has left the window meanwhile never

export class Grid extends EventTarget {
  /**
   * `fetchBlock(skip, top)` gives `{total, items}`; `draw(cell, item)` fills a cell, also one that showed something else.
   * Events: `choose` with the item, `failed` with the error of a block, `end` when the last item comes into sight.
   */
  constructor(body, place, { draw }) {
    super();
    this.body = body;
    this.place = place;
    this.drawItem = draw;
    this.cells = new Map();
    this.waiting = new Set();
    this.blocks = new Map();
    this.total = 0;
    this.focused = 0;
    this.current = -1;
    let queued = false;
    const soon = () => {
      if (queued) return;
      queued = true;
      requestAnimationFrame(() => { queued = false; this.layout(); });
    };
    body.addEventListener("scroll", soon, { passive: true });
    new ResizeObserver(() => { this.measure(); this.reveal(this.current); soon(); }).observe(body);
    place.addEventListener("keydown", (event) => this.onkey(event));
    place.addEventListener("click", (event) => {
      const cell = event.target.closest(".cell");
      if (cell) this.choose(Number(cell.dataset.at), cell);
    });
  }

  /** Show something else, from its beginning. */
  async show(fetchBlock) {
    this.fetchBlock = fetchBlock;
    this.turn = Symbol("turn");
    this.blocks.clear();
    this.current = -1;
    this.focused = 0;
    this.body.scrollTop = 0;
    for (const cell of this.cells.values()) delete cell.dataset.filled;
    return this.block(0);
  }

  /** The same things with more behind them: those in sight stay as they are. */
  async extend(fetchBlock) {
    this.fetchBlock = fetchBlock;
    this.turn = Symbol("turn");
    this.blocks.clear();
    await this.block(0);
    for (const cell of this.cells.values()) cell.setAttribute("aria-setsize", String(this.total));
  }

  async block(number) {
    let block = this.blocks.get(number);
    if (!block) {
      const turn = this.turn;
      block = { items: [], done: false };
      this.blocks.set(number, block);
      block.ready = this.fetchBlock(number * BLOCK, BLOCK).then((got) => {
        if (this.turn !== turn) return got;
        block.items = got.items;
        block.done = true;
        if (got.total !== this.total) { this.total = got.total; this.measure(); }
        this.layout(true);
        return got;
      }).catch((error) => {
        if (this.turn !== turn) throw error;
        this.blocks.delete(number);
        this.dispatchEvent(new CustomEvent("failed", { detail: error }));
        throw error;
      });
      if (this.blocks.size > KEPT_BLOCKS) this.forget(number);
    }
    return block.ready;
  }

  forget(near) {
    const far = [...this.blocks.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near))[0];
    this.blocks.delete(far);
  }

  /** What is there of an item, fetched if it is not yet. */
  async load(at) {
    await this.block(Math.floor(at / BLOCK));
    return this.item(at);
  }

  item(at) { return this.blocks.get(Math.floor(at / BLOCK))?.items[at % BLOCK]; }

  measure() {
    const style = getComputedStyle(this.body);
    const width = this.body.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const phone = innerWidth <= 860;
    this.columns = phone ? 3 : Math.max(3, Math.round(width / 178));
    this.gap = phone ? 5 : GAP;
    this.width = (width - this.gap * (this.columns - 1)) / this.columns;
    this.height = Math.round(this.width * (phone ? 1 : 0.86));
    this.row = this.height + this.gap;
    this.rows = Math.ceil(this.total / this.columns);
    this.laid = `${this.columns} ${this.width}`;
    this.place.style.height = `${Math.max(0, this.rows * this.row - this.gap)}px`;
  }

  /** How many cells there are at the beginning, those out of sight with them. */
  get holds() {
    if (!this.columns) this.measure();
    return this.columns * (Math.ceil(this.body.clientHeight / this.row) + AROUND);
  }

  /** Draw every cell again. */
  redraw() {
    for (const cell of this.cells.values()) delete cell.dataset.filled;
    this.layout(true);
  }

  /** Which cells there are. Only new ones are placed: a cell stays where it is until the window changes. `refill` draws
   * also those that are there and not filled. */
  layout(refill = false) {
    if (!this.columns || this.place.hidden) return;
    const top = this.body.scrollTop;
    const first = Math.max(0, Math.floor(top / this.row) - AROUND) * this.columns;
    const last = Math.min(this.total, (Math.ceil((top + this.body.clientHeight) / this.row) + AROUND) * this.columns);
    for (const [at, cell] of this.cells) {
      if (at >= first && at < last) continue;
      if (at < this.total && cell.contains(document.activeElement)) continue;
      this.cells.delete(at);
      this.waiting.delete(at);
      cell.remove();
    }
    const fresh = [];
    for (let at = first; at < last; at += 1) {
      let cell = this.cells.get(at);
      if (!cell) {
        cell = h("button.cell", { type: "button", role: "listitem", "data-at": at, tabindex: "-1" });
        this.cells.set(at, cell);
        this.waiting.add(at);
        fresh.push(cell);
      } else if (refill && !cell.dataset.filled) this.waiting.add(at);
      if (cell.dataset.laid !== this.laid) this.put(cell, at);
      if (!this.item(at)) this.block(Math.floor(at / BLOCK)).catch(() => {});
    }
    if (fresh.length) this.place.append(...fresh);
    this.fillSome();
    if (last === this.total && this.item(last - 1)) this.dispatchEvent(new Event("end"));
  }

  put(cell, at) {
    cell.dataset.laid = this.laid;
    cell.style.width = `${this.width}px`;
    cell.style.height = `${this.height}px`;
    cell.style.transform = `translate(${(at % this.columns) * (this.width + this.gap)}px, ${Math.floor(at / this.columns) * this.row}px)`;
  }

  /** Draw what waits, as much as a frame has time for: scrolling never waits for pictures. */
  fillSome() {
    const end = performance.now() + FILLING_MS;
    for (const at of this.waiting) {
      if (performance.now() > end) break;
      this.waiting.delete(at);
      const item = this.item(at);
      if (item) this.fill(this.cells.get(at), item, at);
    }
    if (!this.waiting.size || this.filling) return;
    this.filling = true;
    requestAnimationFrame(() => { this.filling = false; this.fillSome(); });
  }

  fill(cell, item, at) {
    cell.dataset.filled = "true";
    cell.setAttribute("tabindex", at === this.focused ? "0" : "-1");
    cell.setAttribute("aria-expanded", String(at === this.current));
    cell.setAttribute("aria-posinset", String(at + 1));
    cell.setAttribute("aria-setsize", String(this.total));
    this.drawItem(cell, item, at);
  }

  choose(at, cell) {
    this.focusOn(at, false);
    this.dispatchEvent(new CustomEvent("choose", { detail: { at, item: this.item(at), cell } }));
  }

  /** Mark the item that is open beside the grid; -1 for none. */
  markOpen(at) {
    this.current = at;
    this.reveal(at);
    for (const cell of $$(".cell", this.place)) cell.setAttribute("aria-expanded", String(Number(cell.dataset.at) === at));
  }

  /** Bring an item into sight. */
  reveal(at) {
    if (at < 0) return;
    const y = Math.floor(at / this.columns) * this.row;
    if (y < this.body.scrollTop) this.body.scrollTop = y;
    if (y + this.row > this.body.scrollTop + this.body.clientHeight) this.body.scrollTop = y + this.row - this.body.clientHeight;
  }

  goTo(at) {
    this.body.scrollTop = Math.floor(at / this.columns) * this.row;
    this.layout();
    this.focusOn(at);
  }

  focusOn(at, move = true) {
    this.cells.get(this.focused)?.setAttribute("tabindex", "-1");
    this.focused = Math.max(0, Math.min(this.total - 1, at));
    if (move) this.reveal(this.focused);
    this.layout();
    const cell = this.cells.get(this.focused);
    cell?.setAttribute("tabindex", "0");
    if (move) cell?.focus({ preventScroll: true });
  }

  onkey(event) {
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.row)) * this.columns;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, PageDown: page, PageUp: -page }[event.key];
    if (event.key === "Home" || event.key === "End") { event.preventDefault(); this.focusOn(event.key === "Home" ? 0 : this.total - 1); }
    else if (step) { event.preventDefault(); event.stopPropagation(); this.focusOn(this.focused + step); }
  }
}
