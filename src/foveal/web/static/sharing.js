// Links to a conversation: made, copied, taken back.

import { call } from "./api.js";
import { copy, h, toast } from "./dom.js";
import { day, t } from "./words.js";

/** Show the links of a conversation, and make more. */
export async function shareDialog(id) {
  const path = `/v1/conversations/${id}/shares`;
  const place = h("ul.links");
  const said = h("p.notice.bad", { role: "alert", hidden: true });
  const make = h("button.button", { type: "button", onclick: () => tried(async () => { await call(path, { method: "POST", body: {} }); await draw(true); }) }, t("share.make"));
  const dialog = h("dialog.dialog", { "aria-labelledby": "share-title" },
    h("h2", { id: "share-title" }, t("share.title")), h("p.lead", {}, t("share.lead")), place, said,
    h("div.actions", {}, h("form.inline", { method: "dialog" }, h("button.button.plain", {}, t("base.close"))), make));

  async function tried(act) {
    try { said.hidden = true; await act(); } catch (error) {
      said.textContent = `${error.message} ${error.remedy ?? ""}`.trim();
      said.hidden = false;
    }
  }

  async function draw(focus = false) {
    const { shares } = await call(path);
    place.replaceChildren(...shares.map((one) => h("li.link-row", {},
      h("input.input", { readonly: true, value: one.url, "aria-label": t("share.link"), onfocus: (event) => event.currentTarget.select() }),
      h("span.small.mute", {}, t("share.until", { date: day(one.expires_at) })),
      h("button.button.plain", { type: "button", onclick: () => copy(one.url) }, t("share.copy")),
      h("button.button.plain", { type: "button", onclick: () => tried(async () => { await call(`/v1/shares/${one.id}`, { method: "DELETE" }); await draw(); toast(t("share.revoked")); make.focus(); }) }, t("share.revoke")))));
    if (focus) place.lastElementChild?.querySelector("input")?.focus();
  }

  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  await tried(() => draw());
}
