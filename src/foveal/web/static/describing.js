// A person's words on an image: changed where they stand; it is then read again with them, and what has no words is
// placed anew by what was learnt.

import { call, whoami } from "./api.js";
import { h, toast } from "./dom.js";
import { t } from "./words.js";

/** Whether words can be put on a thing: on image files, wherever they came from. */
export const isDescribed = (it) => it.kind === "image" && it.media_type.startsWith("image/");

/** The words, with a button that makes them a field. */
export function describing(item, it) {
  const box = h("div.describing");
  let mayWrite = true;
  const show = (words) => {
    box.className = words ? "describing person" : "describing";
    box.replaceChildren(words, words ? " " : "", !mayWrite ? "" : h("button.link", { type: "button", onclick: () => edit(words) }, words ? t("describe.change") : t("describe.say")));
  };
  const close = (words) => { show(words); box.querySelector("button")?.focus(); };
  const edit = (words) => {
    const field = h("textarea.input", { rows: 3, "aria-label": t("source.your_words"), value: words });
    const keep = async () => {
      const said = field.value.trim();
      try {
        await call(`/v1/indexes/${encodeURIComponent(item.index)}/chunks/${encodeURIComponent(it.chunk_id)}`, { method: "PATCH", body: { description: said } });
        close(said);
        toast(t("describe.kept"), { ms: 5000 });
      } catch (error) {
        toast(`${error.message} ${error.remedy ?? ""}`.trim());
      }
    };
    box.className = "describing editing";
    box.replaceChildren(field, h("div.buttons", {},
      h("button.button", { type: "button", onclick: keep }, t("describe.keep")),
      h("button.button.plain", { type: "button", onclick: () => close(words) }, t("base.cancel"))));
    field.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(words); } });
    field.focus();
  };
  show(it.description);
  whoami().then((me) => {
    if (me.role !== "reader") return;
    mayWrite = false;
    show(it.description);
    const value = it.description ? null : box.closest("dd");
    value?.previousElementSibling.remove();  // nothing is said, and nothing can be
    value?.remove();
  }).catch(() => {});
  return box;
}
