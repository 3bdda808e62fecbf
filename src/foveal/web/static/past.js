// The person's conversations, beside the chat: newest first, searched, renamed, hidden, shared, deleted.

import { call } from "./api.js";
import { $, chooser, confirmed, h, iconButton, say, toast } from "./dom.js";
import { shareDialog } from "./sharing.js";
import { t, tn } from "./words.js";

const PAGE = 30;
const TYPING_MS = 180;

/** Events: `open` {id}, `gone` {id} when one is deleted; id null: all. */
export class Past extends EventTarget {
  constructor(place) {
    super();
    this.place = place;
    this.list = $("#past-list", place);
    this.hidden = false;
    this.current = null;
    this.next = null;
    this.asked = 0;
    this.items = new Map();  // as they are shown, by what they show
    $("#past-search", place).addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.refresh(), TYPING_MS);
    });
    $("#past-more", place).addEventListener("click", () => this.more());
    $("#past-menu", place).addEventListener("click", (event) => this.menu(event.currentTarget));
  }

  get words() { return $("#past-search", this.place).value.trim(); }

  /** Read anew; nothing is shown where no history is kept. */
  async refresh() {
    const turn = ++this.asked;
    try {
      const words = this.words;
      const found = words ? await call(`/v1/conversations/search?q=${encodeURIComponent(words)}`) : await this.page(null);
      if (turn !== this.asked) return;
      this.next = found.next ?? null;
      this.draw(found.conversations, { words });
      this.notice("");
    } catch (error) {
      if (error.status === 404 || error.status === 403) { this.place.hidden = true; return; }
      this.notice(error.status === 503 || error.status === 0 ? t("history.down") : error.message);
    }
    this.place.hidden = false;
  }

  page(before) {
    const after = before ? `&before=${encodeURIComponent(before)}` : "";
    return call(`/v1/conversations?limit=${PAGE}&hidden=${this.hidden}${after}`);
  }

  more() {
    return this.does(async () => {
      const found = await this.page(this.next);
      this.next = found.next;
      const first = this.list.children.length;
      this.list.append(...found.conversations.map((one) => this.item(one)));
      $("#past-more", this.place).hidden = !this.next;
      $(".past-open", this.list.children[first])?.focus();
    });
  }

  draw(conversations, { words }) {
    this.put(conversations.map((one) => this.item(one)));
    this.mark(this.current);
    $("#past-more", this.place).hidden = !this.next;
    const empty = words ? t("history.none_found") : this.hidden ? t("history.none_hidden") : t("history.none");
    $("#past-empty", this.place).textContent = conversations.length ? "" : empty;
    if (words) say(tn("history.found", conversations.length));
  }

  /** Show these. What is there already is not touched: it may have the focus, or a menu open. */
  put(items) {
    const held = document.activeElement;
    for (const gone of [...this.list.children].filter((one) => !items.includes(one))) gone.remove();
    items.forEach((one, n) => { if (this.list.children[n] !== one) this.list.insertBefore(one, this.list.children[n] ?? null); });
    if (held !== document.activeElement && this.list.contains(held)) held.focus();
  }

  notice(text) {
    const down = $("#past-down", this.place);
    down.textContent = text;
    down.hidden = !text;
  }

  /** Mark the one that is on the page. */
  mark(id) {
    this.current = id;
    for (const button of this.list.querySelectorAll(".past-open")) {
      if (button.dataset.id === id) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  item(one) {
    const key = JSON.stringify([one.id, one.title, one.excerpt, one.hidden]);
    if (!this.items.has(key)) this.items.set(key, this.made(one));
    return this.items.get(key);
  }

  made(one) {
    const title = one.title || t("history.unnamed");
    const open = h("button.nav.past-open", {
      type: "button", "data-id": one.id, "aria-current": one.id === this.current ? "true" : null,
      onclick: () => this.tell("open", one.id),
    }, h("span.past-title", {}, title), one.excerpt ? h("span.past-excerpt", {}, one.excerpt) : null);
    const more = iconButton("more", t("history.more", { title }), (event) => this.choices(one, title, event.currentTarget), { "aria-haspopup": "menu" });
    return h("li.past-item", {}, open, more);
  }

  choices(one, title, anchor) {
    const options = [
      { label: t("history.rename"), act: () => this.rename(one, title) },
      { label: t("history.share"), act: () => shareDialog(one.id) },
      { label: one.hidden ? t("history.show") : t("history.hide"), act: () => this.hide(one, title) },
      { label: t("history.delete"), act: () => this.remove(one, title) },
    ];
    chooser(anchor, options, { label: t("history.more", { title }), onchoose: (option) => option.act() });
  }

  menu(anchor) {
    const options = [
      { label: this.hidden ? t("history.show_shown") : t("history.show_hidden"), act: () => { this.hidden = !this.hidden; this.titled(); this.refresh(); } },
      { label: t("history.delete_all"), act: () => this.removeAll() },
    ];
    chooser(anchor, options, { label: t("history.all_menu"), onchoose: (option) => option.act() });
  }

  titled() { $("#past-title", this.place).textContent = this.hidden ? t("history.title_hidden") : t("history.title"); }

  async rename(one, title) {
    const name = await named(title);
    if (!name || name === title) return;
    await this.does(async () => {
      await call(`/v1/conversations/${one.id}`, { method: "PATCH", body: { title: name } });
      await this.refresh();
      say(t("history.renamed", { title: name }));
    });
    this.focus(one.id);
  }

  async hide(one, title) {
    const put = (hidden) => this.does(async () => {
      await call(`/v1/conversations/${one.id}`, { method: "PATCH", body: { hidden } });
      await this.refresh();
    });
    await put(!one.hidden);
    toast(t(one.hidden ? "history.is_shown" : "history.is_hidden", { title }), { label: t("base.undo"), undo: () => put(one.hidden) });
  }

  async remove(one, title) {
    const sure = await confirmed({ title: t("history.delete_title"), text: t("history.delete_text", { title }), label: t("history.delete"), bad: true });
    if (!sure) { this.focus(one.id); return; }
    await this.does(async () => {
      await call(`/v1/conversations/${one.id}`, { method: "DELETE" });
      this.tell("gone", one.id);
      await this.refresh();
      say(t("history.deleted", { title }));
    });
    ($(".past-open", this.list) ?? $("#past-search", this.place)).focus();
  }

  async removeAll() {
    const sure = await confirmed({ title: t("history.delete_all_title"), text: t("history.delete_all_text"), label: t("history.delete_all"), bad: true });
    if (!sure) return;
    await this.does(async () => {
      const { deleted } = await call("/v1/conversations", { method: "DELETE" });
      this.tell("gone", null);
      await this.refresh();
      toast(tn("history.deleted_all", deleted));
    });
  }

  async does(act) {
    try { await act(); } catch (error) { toast(`${error.message} ${error.remedy ?? ""}`.trim()); }
  }

  focus(id) { this.list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus(); }

  tell(what, id) { this.dispatchEvent(new CustomEvent(what, { detail: { id } })); }
}

/** Ask for a name; empty when the person thinks better of it. */
function named(title) {
  return new Promise((resolve) => {
    const field = h("input.input", { id: "name", value: title, maxlength: "400", required: true, autocomplete: "off" });
    const form = h("form", { method: "dialog" },
      h("div.field", {}, h("label", { for: "name" }, t("history.name")), field),
      h("div.actions", {},
        h("button.button.plain", { type: "button", onclick: () => dialog.close("") }, t("base.cancel")),
        h("button.button", { value: "yes" }, t("history.rename"))));
    const dialog = h("dialog.dialog", { "aria-labelledby": "rename-title" }, h("h2", { id: "rename-title" }, t("history.rename_title")), form);
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes" ? field.value.trim() : ""); });
    document.body.append(dialog);
    dialog.showModal();
    field.select();
  });
}
