// A person's words on a file that was uploaded: changed where they stand; the file is then read again with them.

import { call } from "./api.js";
import { h, toast } from "./dom.js";
import { t } from "./words.js";

/** How the source of uploaded files begins. */
export const UPLOADED = "uploads://";

/** The words, with a button that makes them a field. */
export function describing(item, it) {
  const box = h("div.describing");
  const show = (words) => {
    box.className = words ? "describing person" : "describing";
    box.replaceChildren(words, words ? " " : "", h("button.link", { type: "button", onclick: () => edit(words) }, words ? t("describe.change") : t("describe.say")));
  };
  const edit = (words) => {
    const field = h("textarea.input", { rows: 3, "aria-label": t("source.your_words"), value: words });
    const keep = async () => {
      const said = field.value.trim();
      try {
        await call(`/v1/files/${encodeURIComponent(await fileId(it))}`, { method: "PATCH", body: { description: said } });
        show(said);
        toast(t("describe.kept"), { ms: 5000 });
      } catch (error) {
        toast(`${error.message} ${error.remedy ?? ""}`.trim());
      }
    };
    box.className = "describing editing";
    box.replaceChildren(field, h("div.buttons", {},
      h("button.button", { type: "button", onclick: keep }, t("describe.keep")),
      h("button.button.plain", { type: "button", onclick: () => show(words) }, t("base.cancel"))));
    field.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); show(words); } });
    field.focus();
  };
  show(it.description);
  return box;
}

async function fileId(it) {
  const source = it.source.slice(UPLOADED.length);
  let after = "";
  for (;;) {
    const page = await call(`/v1/files?source=${encodeURIComponent(source)}&limit=200${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    const found = page.files.find((file) => file.name === it.filepath);
    if (found) return found.file_id;
    if (!page.next) throw new Error(t("source.removed"));
    after = page.next;
  }
}
