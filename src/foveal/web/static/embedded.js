// The chat in the frame of another site: asking and looking, nothing else.

import { chunkPath, hasPage, nameOf } from "./source.js";
import { saidOf, TurnView } from "./answer.js";
import { call, carryPass } from "./api.js";
import { Conversation, newTurn } from "./conversation.js";
import { $, h, say } from "./dom.js";
import { DEFAULTS } from "./options.js";
import { isRead, reading } from "./reading.js";
import { t } from "./words.js";

const talk = $("#talk");
const conversation = new Conversation();
const views = new Map();
let chosen = null;
let withPass = (url) => url;

/** A source as what it is: a picture, its page, the document; its words where it cannot be shown. */
function shown(turn, item) {
  const path = chunkPath(item.index, item.chunk_id);
  const words = h("pre", { tabindex: "0" }, item.text ?? item.content ?? "");
  const question = (saidOf(turn, item.number) || turn.question.text).slice(0, 1000);
  const instead = (event) => event.target.replaceWith(words);
  if (item.kind === "image") return h("img", { src: withPass(`${path}/thumbnail?size=1024`), alt: item.description || item.caption || item.composed || "" });
  if (hasPage(item)) {
    return h("img.paper", { src: withPass(`${path}/page?size=1100&q=${encodeURIComponent(question)}`), alt: t("source.page_image", { page: item.locator.page, name: nameOf(item) }), onerror: instead });
  }
  if (!isRead(item)) return words;
  const view = reading();
  view.show({ path, question, name: nameOf(item), through: withPass }).then(() => view.reveal(), () => view.replaceWith(words));
  return view;
}

function show(turn, items, at) {
  const item = items[at];
  const dialog = h("dialog.dialog.embedded-source", { "aria-labelledby": "source-title" },
    h("h2", { id: "source-title" }, nameOf(item)), shown(turn, item),
    h("form", { method: "dialog" }, h("button.button", {}, t("base.close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

conversation.keep = () => {}; // visitors leave nothing behind
conversation.addEventListener("change", ({ detail: { turn, what, event } }) => {
  const view = views.get(turn);
  if (what === "asked") view.draw();
  else view.take(what, event);
  for (const image of view.element.querySelectorAll("img[src^='/v1/']:not([data-passed])")) {
    image.dataset.passed = "true";
    image.src = withPass(image.getAttribute("src"));
  }
  if (what === "ended") say(turn.failure ? turn.failure.message : turn.text.replace(/\[doc(\d+)\]/g, "[$1]"));
  talk.scrollTop = talk.scrollHeight;
});

/** The pass, and what may be asked; a question that comes before it waits. */
const ready = (async () => {
  try {
    const given = await call("/v1/embed/pass");
    withPass = carryPass(given.token);
    chosen = { ...DEFAULTS, deployment: given.deployment, indexes: given.indexes };
  } catch (error) {
    talk.replaceChildren(h("p.notice.bad", { role: "alert" }, `${error.message} ${error.remedy ?? ""}`.trim()));
  }
})();

$("#ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  await ready;
  const text = $("#question").value.trim();
  if (!text || !chosen) return;
  $("#question").value = "";
  $(".lead", talk)?.remove();
  const turn = newTurn({ text, images: [] });
  const view = new TurnView(turn, { onopen: show, onregenerate: (it) => conversation.ask(it, chosen) });
  views.set(turn, view);
  conversation.turns.push(turn);
  talk.append(view.element);
  conversation.ask(turn, chosen);
});
$("#question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("#ask").requestSubmit(); }
});
