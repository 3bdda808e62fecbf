// The chat in the frame of another site: asking and looking, nothing else.

import { chunkPath, nameOf } from "./source.js";
import { TurnView } from "./answer.js";
import { call, carryPass } from "./api.js";
import { Conversation, newTurn } from "./conversation.js";
import { $, h, say } from "./dom.js";
import { DEFAULTS } from "./options.js";
import { t } from "./words.js";

const talk = $("#talk");
const conversation = new Conversation();
const views = new Map();
let chosen = null;
let withPass = (url) => url;

function show(turn, items, at) {
  const item = items[at];
  const picture = item.kind === "image" ? h("img", { src: withPass(`${chunkPath(item.index, item.chunk_id)}/thumbnail?size=1024`), alt: item.description || item.caption || item.composed || "" }) : null;
  const dialog = h("dialog.dialog.embedded-source", { "aria-labelledby": "source-title" },
    h("h2", { id: "source-title" }, nameOf(item)), picture, picture ? null : h("pre", { tabindex: "0" }, item.text ?? item.content ?? ""),
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
