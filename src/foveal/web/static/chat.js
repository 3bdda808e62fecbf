// The chat page.

import { saidOf, TurnView } from "./answer.js";
import { ask, call } from "./api.js";
import { isTyping } from "./base.js";
import { drawChoices } from "./choices.js";
import { Composer } from "./composer.js";
import { Conversation, newTurn } from "./conversation.js";
import { $, dataUrl, h, say, toast } from "./dom.js";
import { giveFeedback } from "./feedback.js";
import { Keeper } from "./keeping.js";
import { turnsOf } from "./kept-turns.js";
import { choices, keepOptions, options, RESETTING, settled } from "./options.js";
import { Past } from "./past.js";
import { shareDialog } from "./sharing.js";
import { nameOf, SourcePanel } from "./source.js";
import { suggestions } from "./suggestions.js";
import { t } from "./words.js";
import { viewCode } from "./view-code.js";

const talk = $("#talk");
const composer = new Composer();
const panel = new SourcePanel($("#source"), $(".app"));
const keeper = new Keeper();
const past = new Past($("#past"));
let conversation = Conversation.kept();
let views = new Map();
let known = null;
let chosen = null;

function view(turn) {
  const one = new TurnView(turn, {
    onopen: openSource, onregenerate: (it) => run(it), onedit: editTurn, onfeedback: giveFeedback, onshare: keeper.on ? share : null,
  });
  views.set(turn, one);
  talk.append(one.element);
  return one;
}

function openSource(turn, items, at, opener) {
  panel.open(items, at, {
    question: [turn.question.text, ...turn.intents].join(" · "), said: (item) => saidOf(turn, item.number), opener,
  });
}

panel.addEventListener("change", () => {
  for (const one of views.values()) one.showOpen(panel.current);
});

panel.addEventListener("region", async (event) => {
  const { details, box } = event.detail;
  composer.field.focus();
  try {
    await composer.reading(async () => {
      const reply = await ask(new URL(details.bytes_url).pathname);
      await composer.add(nameOf(details), await dataUrl(await reply.blob()), { box });
    });
  } catch (error) {
    toast(`${error.message} ${error.remedy ?? ""}`.trim());
  }
});

function listen(one) {
  one.addEventListener("change", ({ detail: { turn, what, event } }) => {
    const stay = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 140;
    const shown = views.get(turn);
    if (what === "asked") shown.draw();
    else shown.take(what, event);
    if (what === "ended") {
      composer.busy = false;
      keeper.keep(one.turns, turn);
      say(turn.failure ? turn.failure.message : turn.finished && !turn.finished.answered ? t("chat.nothing") : turn.text.replace(/\[doc(\d+)\]/g, "[$1]"));
    }
    if (stay) talk.scrollTop = talk.scrollHeight;
  });
}

async function run(turn) {
  composer.busy = true;
  panel.close();
  const later = conversation.turns.slice(conversation.turns.indexOf(turn) + 1);
  for (const gone of later) { views.get(gone).element.remove(); views.delete(gone); }
  conversation.turns.length -= later.length;
  say(t("chat.looking"));
  await conversation.ask(turn, chosen);
}

function editTurn(turn) {
  conversation.leave();
  composer.busy = false;
  composer.fill(turn.question);
  const at = conversation.turns.indexOf(turn);
  for (const gone of conversation.turns.slice(at)) { views.get(gone).element.remove(); views.delete(gone); }
  conversation.turns.length = at;
  conversation.keep();
  if (!conversation.turns.length) welcome();
}

composer.addEventListener("ask", ({ detail }) => {
  $(".welcome")?.remove();
  const turn = newTurn(detail);
  conversation.turns.push(turn);
  view(turn);
  talk.scrollTop = talk.scrollHeight;
  run(turn);
});
composer.addEventListener("stop", () => conversation.stop());

function begin(next, kept = { id: null, saved: 0 }) {
  const left = conversation.leave();
  if (left) keeper.keep(conversation.turns, left);
  if (kept) keeper.begin(kept);
  composer.drop((image) => image.video?.used);
  past.mark(keeper.id);
  conversation = next;
  views = new Map();
  panel.close();
  talk.replaceChildren();
  document.dispatchEvent(new CustomEvent("foveal:begun", { detail: { conversation } }));
  listen(conversation);
  for (const turn of conversation.turns) view(turn);
  composer.busy = false;
  if (!conversation.turns.length) welcome();
  else talk.scrollTop = talk.scrollHeight;
}

async function welcome() {
  const box = h("section.welcome", {}, h("h2", {}, talk.dataset.welcome ?? t("chat.welcome")), h("p.lead", {}, known.indexes.length ? t("chat.welcome_lead") : t("chat.empty_lead")));
  talk.replaceChildren(box);
  if (!known.indexes.length) { box.append(h("p", {}, h("a.button", { href: "/add" }, t("page.add")))); return; }
  const tries = await suggestions(chosen.indexes);
  if (!tries.length || !box.isConnected) return;
  box.append(h("ul.tries", {}, ...tries.map((one) => h("li", {}, h("button.try", { type: "button", onclick: () => { composer.field.value = one.text; composer.send(); } },
    one.picture ? h("img", { src: one.picture, alt: "", loading: "lazy" }) : h("span.letter", { "aria-hidden": "true" }, "“"), one.text)))));
}

function newChat({ notice = false, undo = null } = {}) {
  const old = conversation;
  const kept = keeper.at;
  const bring = Conversation.forget();
  begin(new Conversation());
  composer.field.focus();
  if (old.turns.length || notice) {
    toast(notice ? t("chat.reset") : t("chat.cleared"), { label: t("base.undo"), undo: () => { bring(); undo?.(); begin(old, kept); drawBar(); } });
  }
}

function change(changed) {
  const before = options();
  chosen = settled(keepOptions(changed), known);
  drawBar();
  const resets = Object.keys(changed).some((name) => RESETTING.includes(name));
  if (!resets || !conversation.turns.length) { if (!conversation.turns.length) welcome(); return; }
  newChat({ notice: true, undo: () => { chosen = settled(keepOptions(before), known); } });
}

async function share() {
  await keeper.waiting;
  if (keeper.id) await shareDialog(keeper.id);
  else toast(t("history.down"));
}

async function reopen(id) {
  try {
    const details = await call(`/v1/conversations/${id}?format=html`);
    const next = new Conversation(turnsOf(details));
    begin(next, { id, saved: next.turns.length });
    next.keep();
    say(t("history.opened", { title: details.title }));
    composer.field.focus();
  } catch (error) {
    toast(`${error.message} ${error.remedy ?? ""}`.trim());
    past.refresh();
  }
}

past.addEventListener("open", ({ detail }) => reopen(detail.id));
past.addEventListener("gone", ({ detail }) => {
  if (detail.id !== null && detail.id !== keeper.id) return;
  conversation.leave();
  Conversation.forget();
  begin(new Conversation());
});
keeper.addEventListener("kept", () => { past.current = keeper.id; past.refresh(); });
keeper.addEventListener("down", () => past.notice(t("history.down")));
keeper.addEventListener("up", () => past.notice(""));

function drawBar() {
  drawChoices($("#choices"), chosen, known, { onchange: change, onnew: () => newChat(), oncode: () => viewCode(conversation, chosen) });
  $("#hint").textContent = chosen.indexes.length ? t("chat.hint") : t("chat.hint_plain");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.isOpen && !document.querySelector("dialog[open]") && !isTyping(event)) panel.close();
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || !panel.isOpen || event.defaultPrevented) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && !$("#source").contains(event.target)) { event.preventDefault(); panel.walk(step); }
});

/** Other modules of this page bring a conversation back, as turns, with `foveal:show`. */
document.addEventListener("foveal:show", ({ detail }) => {
  const shown = new Conversation(detail.turns);
  shown.id = detail.id ?? null;
  shown.keep();
  begin(shown);
});

if (matchMedia("(max-width: 860px)").matches) {
  composer.field.placeholder = t("chat.placeholder_short");
  composer.fit();
}

try {
  known = await choices();
  const address = new URLSearchParams(location.search);
  const [asked, index] = [address.get("ask"), address.get("index")];
  chosen = settled(index ? keepOptions({ indexes: [index] }) : options(), known);
  drawBar();
  begin(conversation, null);
  past.refresh();
  if (asked || index) history.replaceState(null, "", "/");
  if (asked) composer.write(asked);
  composer.open();
  if (matchMedia("(min-width: 861px)").matches) composer.field.focus();
} catch (error) {
  talk.replaceChildren(h("div.turn", {}, h("div.notice.bad", { role: "alert" }, h("p", {}, h("b", {}, error.message)), h("p", {}, error.remedy ?? ""))));
}

