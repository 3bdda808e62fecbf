// What runs, what waits, what failed and why; sources and when they are read next; what works here and what does not.

import { call } from "./api.js";
import { $, h } from "./dom.js";
import { followed, isRunning, jobCard } from "./progress.js";
import { sourceRow } from "./sources.js";
import { number, t, tn } from "./words.js";

const LOOK_MS = 5000;
const shown = new Map();

function none(text) { return h("li.none", {}, text); }

function place(job) {
  if (shown.has(job.id)) return;
  const one = jobCard(job, { onretry: place });
  shown.set(job.id, one);
  const box = isRunning(job) ? $("#running") : $("#earlier");
  if (isRunning(job)) {
    box.prepend(one.card);
    followed(job, one).then(() => { $("#earlier").prepend(one.card); emptied(); return Promise.all([loadSources(), loadIndexes()]); }).catch(failed);
  } else {
    box.append(one.card);
  }
  emptied();
}

function emptied() {
  for (const [id, text] of [["running", t("jobs.none_running")], ["earlier", t("jobs.none_earlier")]]) {
    const box = $(`#${id}`);
    box.querySelector(".empty")?.remove();
    if (!box.children.length) box.append(h("p.mute.empty", {}, text));
  }
}

async function loadJobs() {
  const { jobs } = await call("/v1/jobs?limit=30");
  const fresh = jobs.filter((job) => !shown.has(job.id));
  (shown.size ? fresh.reverse() : fresh).forEach(place);
  emptied();
}

async function loadSources() {
  const { sources } = await call("/v1/sources");
  const rows = sources.map((one) => sourceRow(one, { onrefresh: place, onchange: loadSources }));
  $("#sources").replaceChildren(...(rows.length ? rows : [none(t("jobs.no_sources"))]));
}

async function loadIndexes() {
  const { indexes } = await call("/v1/indexes");
  const rows = indexes.map((one) => h("li", {}, h("div.what", {}, h("b", {}, one.name), one.problem ? h("small.bad", {}, one.problem) : [h("small", {}, inside(one)), h("small", {}, learnt(one))])));
  $("#indexes").replaceChildren(...(rows.length ? rows : [none(t("jobs.no_indexes"))]));
}

function inside(index) {
  const words = [tn("jobs.files", index.documents), tn("jobs.pictures", index.images), tn("jobs.pieces", index.chunks)];
  if (index.failed) words.push(t("jobs.count_failed", { n: number(index.failed) }));
  return words.join(" · ");
}

function learnt(index) {
  if (!index.images) return "";
  const words = [t("jobs.described", { n: number(index.described), all: number(index.images) })];
  if (index.adapter_recall_at_10 !== null) {
    const percent = number(100 * index.adapter_recall_at_10);
    words.push(t("jobs.adapter", { percent, n: number(index.adapter_candidates) }));
  }
  return words.join(" · ");
}

async function loadHealth() {
  const { checks } = await call("/v1/health");
  $("#health").replaceChildren(...checks.map((one) => h("li", {}, h(`span.lamp.${one.state}`, { "aria-hidden": "true" }),
    h("div.what", {}, h("b", {}, one.name), h("small", {}, `${t(`jobs.health_${one.state}`)}: ${one.detail}`), one.remedy ? h("small", {}, one.remedy) : null))));
}

function failed(error) {
  const box = $("#jobs-error");
  box.textContent = error.status === 403 ? t("jobs.forbidden") : `${error.message} ${error.remedy ?? ""}`.trim();
  box.hidden = false;
}

async function start() {
  try {
    await Promise.all([loadJobs(), loadSources(), loadIndexes(), loadHealth()]);
    setInterval(() => { if (!document.hidden) loadJobs().catch(() => {}); }, LOOK_MS);
  } catch (error) {
    failed(error);
  }
}

start();
