// Adding data, step by step. What was sent and saved is on the server, what was written is in this browser: leaving and
// coming back loses nothing.

import { call } from "./api.js";
import { connectStep } from "./add-connect.js";
import { kindStep } from "./add-kinds.js";
import { costStep, finishStep } from "./add-review.js";
import { wordsStep } from "./add-words.js";
import { $, $$, h, say } from "./dom.js";
import { t } from "./words.js";

const STEPS = ["source", "connection", "words", "cost", "finish"];
const DRAWN = { source: kindStep, connection: connectStep, words: wordsStep, cost: costStep, finish: finishStep };
const KEPT = "foveal-add";

/** What is being added. `source` is the saved source, null before there is one; nothing secret is kept. */
export const state = { kind: "uploads", step: "source", name: "", source: null, form: {}, drafts: {}, pictures: new Map(), report: null };

/** Remember where we are, without keys. */
export function keep() {
  const { kind, step, name, form, drafts } = state;
  const { secret, ...open } = form;
  sessionStorage.setItem(KEPT, JSON.stringify({ kind, step, name, form: open, drafts }));
}

/** Begin anew. */
export function forget() {
  sessionStorage.removeItem(KEPT);
  Object.assign(state, { kind: "uploads", step: "source", name: "", source: null, form: {}, drafts: {}, report: null });
  state.pictures.clear();
}

/** Show a step. */
export async function go(step) {
  state.step = step;
  keep();
  const at = STEPS.indexOf(step);
  $$("#steps li").forEach((item, n) => {
    item.classList.toggle("done", n < at);
    item.toggleAttribute("aria-current", false);
    if (n === at) item.setAttribute("aria-current", "step");
    $(".mark", item).textContent = n < at ? "✓" : String(n + 1);
  });
  const box = $("#step");
  const parts = await DRAWN[step](state);
  box.replaceChildren(...parts.filter(Boolean));
  $("#main").scrollTop = 0;
  box.focus({ preventScroll: true });
  say(t("add.at_step", { n: at + 1, all: STEPS.length, name: t(`add.step_${step}`) }));
}

/** Buttons to the step before and the next one. `next` may do work; an error is shown and the step stays. */
export function actions({ back = "", next = null, label = t("add.next"), ready = null }) {
  const problem = h("p.notice.bad", { role: "alert", hidden: true });
  const forward = next && h("button.button", { type: "button", id: "next", onclick: async () => {
    problem.hidden = true;
    forward.disabled = true;
    try {
      await next();
    } catch (error) {
      problem.textContent = `${error.message} ${error.remedy ?? ""}`.trim();
      problem.hidden = false;
      forward.disabled = false;
    }
  } }, label);
  ready?.((is) => { forward.disabled = !is; });
  const before = back && h("button.button.plain", { type: "button", onclick: () => go(back) }, t("add.back"));
  return h("div", {}, problem, h("div.actions", {}, before || null, forward));
}

async function start() {
  const asked = new URLSearchParams(location.search).get("source");
  const kept = asked ? null : JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (asked) {
    Object.assign(state, { name: asked, kind: "uploads", step: "connection" });
  } else if (kept) {
    Object.assign(state, kept);
  }
  if (state.name) state.source = await call(`/v1/sources/${encodeURIComponent(state.name)}`).catch(() => null);
  if (asked && state.source) Object.assign(state, { kind: state.source.kind, form: { index: state.source.index } });
  const needsSource = ["words", "cost", "finish"].includes(state.step);
  await go(needsSource && !state.source ? "source" : state.step);
}

start().catch((error) => $("#step").replaceChildren(h("p.notice.bad", { role: "alert" },
  error.status === 403 ? t("jobs.forbidden") : `${error.message} ${error.remedy ?? ""}`.trim())));
