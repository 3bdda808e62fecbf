// A job as it is seen: how far it is, how quick, what is left, what failed; followed to its end.

import { call, events } from "./api.js";
import { h, toast } from "./dom.js";
import { bytes, clock, moment, number, t, tn } from "./words.js";

const GOOD = ["succeeded"];
const BAD = ["failed", "interrupted"];
const RUNNING = ["queued", "running"];

export const isRunning = (job) => RUNNING.includes(job.state);

/** How long a thing takes, roughly. */
export function lasting(seconds) {
  return seconds < 1 ? t("jobs.at_once") : seconds < 60 ? tn("jobs.seconds", Math.round(seconds)) : clock(seconds * 1000);
}

function inWords(job) {
  const { counts } = job;
  const words = [];
  if (isRunning(job)) {
    if (job.state === "queued") return t("jobs.waiting");
    words.push(job.todo ? t("jobs.so_far", { done: number(job.done), todo: number(job.todo) }) : t("jobs.listing"));
    if (job.bytes_done) words.push(bytes(job.bytes_done));
    if (job.items_per_second) words.push(t("jobs.rate", { rate: number(job.items_per_second, 1) }));
    if (job.seconds_left) words.push(t("jobs.left", { time: lasting(job.seconds_left) }));
  }
  for (const what of ["added", "changed", "moved", "deleted", "unchanged", "skipped", "failed"]) {
    if (counts[what]) words.push(t(`jobs.count_${what}`, { n: number(counts[what]) }));
  }
  return words.join(" · ") || t("jobs.nothing");
}

function failureList(failures) {
  return h("details.failures", {}, h("summary", {}, tn("jobs.failures", failures.length)),
    h("ul", {}, failures.map((one) => h("li", {}, h("b", {}, one.path), h("span", {}, `${one.reason} ${one.remedy}`.trim())))));
}

async function acted(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(`${error.message} ${error.remedy ?? ""}`.trim());
  } finally {
    button.disabled = false;
  }
}

/** An element for a job. `onretry` is given the new job when failed files are tried again. */
export function jobCard(job, { onretry = null, heading = "h3" } = {}) {
  const said = h("div.said");
  const row = h("div.row", { hidden: true });
  const card = h("article.job", { "data-job": job.id }, said, row);
  let failures = null;
  let offered = "";
  /** Buttons by their words. They stay the same ones while the job goes on: somebody may be about to press one. */
  const offer = (buttons) => {
    const words = Object.keys(buttons).join("\n");
    if (words === offered) return;
    offered = words;
    row.hidden = !words;
    row.replaceChildren(...Object.entries(buttons).map(([label, work]) => h("button.button.plain", { type: "button", onclick: (event) => acted(event.currentTarget, work) }, label)));
  };
  const draw = (now) => {
    const tone = GOOD.includes(now.state) ? ".good" : BAD.includes(now.state) ? ".bad" : "";
    const head = h("div.job-head", {}, h(heading, {}, t(`jobs.kind_${now.kind}`, { source: now.saved_source || now.source, index: now.index })),
      h(`span.state${tone}`, {}, t(`jobs.state_${now.state}`)));
    const parts = [head];
    if (isRunning(now)) {
      const bar = now.todo ? { max: now.todo, value: now.done } : {};
      parts.push(h("progress", { ...bar, "aria-label": t("jobs.progress") }));
    }
    parts.push(h("p.words", {}, inWords(now)));
    if (!isRunning(now)) parts.push(h("p.words", {}, t("jobs.ended", { when: moment(now.finished_at ?? now.updated_at) })));
    if (now.message && now.state !== "succeeded") parts.push(h("p.why", {}, now.message));
    if (failures?.length) parts.push(failureList(failures));
    said.replaceChildren(...parts);
    const buttons = {};
    if (isRunning(now) && !now.cancel_asked) {
      buttons[t("jobs.cancel")] = async () => { await call(`/v1/jobs/${now.id}/cancel`, { method: "POST" }); toast(t("jobs.cancelling")); };
    }
    if (!isRunning(now) && now.counts.failed) {
      buttons[t("jobs.retry")] = async () => { const again = await call(`/v1/jobs/${now.id}/retry`, { method: "POST" }); toast(t("jobs.retrying")); onretry?.(again); };
      if (!failures) buttons[t("jobs.what_failed")] = () => look(now);
    }
    offer(buttons);
  };
  const look = async (now) => {
    failures = (await call(`/v1/jobs/${now.id}`)).failures;
    draw(now);
    card.querySelector("details")?.setAttribute("open", "");
  };
  draw(job);
  return { card, draw, look };
}

/** Follow a job to its end; `onchange` is given every state of it. Gives the last one. */
export async function followed(job, shown, { signal, onchange = null } = {}) {
  let now = job;
  while (isRunning(now)) {
    try {
      for await (now of events(`/v1/jobs/${job.id}/events`, { signal })) {
        shown.draw(now);
        onchange?.(now);
      }
      if (isRunning(now)) throw new Error("the stream ended early");
    } catch (error) {
      if (error.name === "AbortError" || signal?.aborted) return now;
      await new Promise((resolve) => { setTimeout(resolve, 2000); });
      now = await call(`/v1/jobs/${job.id}`).catch(() => now);
    }
  }
  if (now.counts.failed) await shown.look(now).catch(() => {});
  return now;
}
