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
export const state = { kind: "uploads", step: "source", name: "", source: null, form: {}, drafts: {}, report: null, job: "" };

/** Remember where we are, without keys. */
export function keep() {
  const { kind, step, name, form, drafts, job } = state;
  const { secret, ...open } = form;
  sessionStorage.setItem(KEPT, JSON.stringify({ kind, step, name, form: open, drafts, job }));
}

/** Begin anew. */
export function forget() {
  sessionStorage.removeItem(KEPT);
  Object.assign(state, { kind: "uploads", step: "source", name: "", source: null, form: {}, drafts: {}, report: null, job: "" });
}

let turn = 0;
/** Show a step, once all of it is known; where it cannot be, the page stays as it is. */
export async function go(step) {
  const mine = turn += 1;
  const parts = await DRAWN[step](state);
  if (mine !== turn) return;  // a person went elsewhere meanwhile
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
  box.replaceChildren(...parts.filter(Boolean));
  $("#main").scrollTop = 0;
  box.focus({ preventScroll: true });
  say(t("add.at_step", { n: at + 1, all: STEPS.length, name: t(`add.step_${step}`) }));
}

/** Buttons to the step before and the next one. `next` may do work; an error is shown and the step stays. */
export function actions({ back = "", next = null, label = t("add.next"), ready = null }) {
  const problem = h("p.notice.bad", { role: "alert", hidden: true });
  const doing = (work) => async ({ currentTarget: button }) => {
    problem.hidden = true;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      problem.textContent = `${error.message} ${error.remedy ?? ""}`.trim();
      problem.hidden = false;
      button.disabled = false;
    }
  };
  const forward = next && h("button.button", { type: "button", id: "next", onclick: doing(next) }, label);
  ready?.((is) => { forward.disabled = !is; });
  const before = back && h("button.button.plain", { type: "button", onclick: doing(() => go(back)) }, t("add.back"));
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
