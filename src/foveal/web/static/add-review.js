// Last steps: what it costs, agreed to; when it is read again; and then how it goes.

import { call } from "./api.js";
import { figure, keepDrafts } from "./add-words.js";
import { actions, forget, go, keep, state } from "./add.js";
import { $, h } from "./dom.js";
import { followed, jobCard, lasting } from "./progress.js";
import { cadence, keepCadence, LIVE } from "./sources.js";
import { number, t } from "./words.js";

/** What it will do and cost. */
export async function costStep() {
  const plan = await call(`/v1/sources/${encodeURIComponent(state.source.name)}/plan`);
  const paid = plan.work.filter((one) => one.cost !== 0);
  const known = paid.every((one) => one.cost !== null);
  const cost = paid.reduce((sum, one) => sum + (one.cost ?? 0), 0);
  const calls = paid.reduce((sum, one) => sum + one.calls, 0);
  const agree = h("input", { type: "checkbox", id: "agree" });
  let ready = () => {};
  agree.addEventListener("change", () => ready(agree.checked));
  const types = Object.entries(plan.by_media_type).map(([type, n]) => h("tr", {}, h("td", {}, type), h("td.n", {}, number(n))));
  return [
    h("h1", {}, t("add.cost_title")), h("p.lead", {}, t("add.cost_lead")),
    h("div.figures", {}, figure(number(plan.counts.found), t("add.figure_files")), figure(number(plan.counts.added + plan.counts.changed), t("add.figure_new")),
      figure(number(calls), t("add.figure_calls")), paid.length ? figure(known ? number(cost, 2) : "?", t("add.figure_cost")) : null,
      figure(lasting(plan.seconds), t("add.figure_time"))),
    types.length ? h("div.scroll-x", {}, h("table.table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("add.type")), h("th.n", {}, t("add.figure_files")))), h("tbody", {}, types))) : null,
    paid.length ? h("div.scroll-x", {}, work(paid)) : h("p.mute", {}, t("add.all_local")),
    paid.length ? h("label.row.check", {}, agree, t("add.agree")) : null,
    actions({ back: "words", next: () => go("finish"), ready: (set) => { ready = set; set(!paid.length); } }),
  ];
}

function work(rows) {
  const head = ["model", "calls", "tokens_in", "tokens_out", "cost"].map((name, n) => h(n ? "th.n" : "th", {}, t(`add.work_${name}`)));
  const body = rows.map((one) => h("tr", {}, h("td", {}, `${one.role}: ${one.model}`), h("td.n", {}, number(one.calls)), h("td.n", {}, number(one.prompt_tokens)),
    h("td.n", {}, number(one.completion_tokens)), h("td.n", {}, one.cost === null ? t("add.no_price") : number(one.cost, 2))));
  return h("table.table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
}

/** Look once more, and go. */
export async function finishStep() {
  const { source } = state;
  const live = LIVE.includes(source.kind);
  const lines = [[t("add.row_source"), source.name], [t("add.row_place"), source.location], [t("add.field_index"), source.index],
    [t("add.field_groups"), source.groups.join(", ") || t("add.everybody")]];
  const select = live || source.kind === "uploads" ? null : cadence(source, { id: "every" });
  const status = h("div.jobs", { id: "status" });
  const box = h("div", {}, actions({ back: live ? "words" : "cost", label: live ? t("add.done") : t("add.start"), next: async () => {
    if (live) { forget(); location.assign(`/?index=${encodeURIComponent(source.index)}`); return; }
    if (select && select.value) await keepCadence(source.name, select.value);
    await keepDrafts();
    const job = await call(`/v1/sources/${encodeURIComponent(source.name)}/refresh`, { method: "POST" }).catch((error) => error);
    if (job instanceof Error && job.status !== 409) throw job;
    box.remove();
    await watch(job instanceof Error ? await running(source.name) : job, status, source);
  } }));
  const begun = state.job ? await call(`/v1/jobs/${encodeURIComponent(state.job)}`).catch(() => null) : null;
  if (begun) setTimeout(() => watch(begun, status, source));  // the page was left while it was read
  return [
    h("h1", {}, t("add.finish_title")), h("p.lead", {}, live ? t("add.finish_live") : t("add.finish_lead")),
    h("table.table", {}, h("tbody", {}, lines.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value))))),
    select ? h("div.field", {}, h("label", { for: "every" }, t("add.again")), h("p.effect", {}, t("add.again_note")), select) : null,
    status, begun ? null : box,
  ];
}

/** The job of a source that runs already. */
async function running(name) {
  const { jobs } = await call("/v1/jobs?limit=50");
  return jobs.find((job) => job.saved_source === name);
}

async function watch(job, status, source) {
  if (!job) { location.assign("/jobs"); return; }
  state.job = job.id;
  keep();
  const shown = jobCard(job, { heading: "h2", onretry: (again) => watch(again, status, source) });
  status.append(shown.card);
  const last = await followed(job, shown);
  if (!["succeeded", "partially_succeeded"].includes(last.state)) { state.job = ""; keep(); return; }
  forget();
  status.append(h("div.row", { id: "ready" }, h("a.button", { href: `/?index=${encodeURIComponent(source.index)}` }, t("add.ask")),
    h("a.button.plain", { href: `/gallery?index=${encodeURIComponent(source.index)}` }, t("page.gallery")), h("a.button.plain", { href: "/add", onclick: () => forget() }, t("add.another"))));
  $("#ready a").focus();
}
