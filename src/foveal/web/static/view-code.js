// "View code": the request of this chat as a program.

import { call } from "./api.js";
import { copy, h } from "./dom.js";
import { requestOf } from "./options.js";
import { t } from "./words.js";

const LANGUAGES = { curl: "curl", python: "Python", javascript: "JavaScript" };

export async function viewCode(conversation, chosen) {
  const last = conversation.turns.at(-1);
  const messages = last ? conversation.messages(last, chosen.history) : [{ role: "user", content: t("chat.example_question") }];
  const body = requestOf(messages.map(withoutBytes), chosen);
  const code = h("pre.code", { tabindex: "0", "aria-label": t("chat.code") });
  const tabs = h("div.code-tabs", { role: "tablist" });
  const dialog = h("dialog.dialog.wide", { "aria-labelledby": "code-title" },
    h("h2", { id: "code-title" }, t("chat.view_code")), h("p.lead", {}, t("chat.code_lead")), tabs, code,
    h("div.actions", {},
      h("button.button.plain", { type: "button", onclick: () => copy(code.textContent) }, t("chat.copy")),
      h("button.button", { type: "button", onclick: () => dialog.close() }, t("base.close"))));
  const show = async (language) => {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.language === language));
    try {
      code.textContent = (await call(`/v1/snippet?language=${language}`, { method: "POST", body })).text;
    } catch (error) {
      code.textContent = error.message;
    }
  };
  for (const [language, name] of Object.entries(LANGUAGES)) {
    tabs.append(h("button.chip", { type: "button", role: "tab", "data-language": language, onclick: () => show(language) }, name));
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { const all = [...tabs.children]; const to = all.at((all.indexOf(document.activeElement) + step) % all.length); to.focus(); to.click(); }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  await show("curl");
}

/** A picture of this page is a file of whoever runs the program. */
function withoutBytes(message) {
  if (typeof message.content === "string") return message;
  let n = 0;
  return { ...message, content: message.content.map((part) => (part.image_url?.url.startsWith("data:")
    ? { type: "image_url", image_url: { url: `file:picture-${(n += 1)}.jpg` } } : part)) };
}
