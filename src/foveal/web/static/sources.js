// What is done with saved sources, wherever they are listed: read now, read at other times, removed.

import { call } from "./api.js";
import { confirmed, h, toast } from "./dom.js";
import { moment, t } from "./words.js";

export const LIVE = ["azure-search", "azure-cosmos-db", "mongodb", "elasticsearch", "pinecone"];
export const EVERY = { "": "never", "15m": "quarter", "1h": "hour", "6h": "six_hours", "1d": "day", "7d": "week" };
const SECONDS = { 900: "15m", 3600: "1h", 21600: "6h", 86400: "1d", 604800: "7d" };

/** When a source is read again, as a list to choose from. */
export function cadence(source, { id }) {
  const own = source.cron || (source.every_s ? SECONDS[source.every_s] ?? `${source.every_s / 60}m` : "");
  const options = Object.entries(EVERY).map(([value, name]) => h("option", { value, selected: value === own }, t(`jobs.every_${name}`)));
  if (own && !(own in EVERY)) options.push(h("option", { value: own, selected: true }, own));
  return h("select.input.narrow", { id }, options);
}

/** Keep another cadence. */
export function keepCadence(name, value) {
  const body = value.includes(" ") ? { cron: value } : { every: value };
  return call(`/v1/sources/${encodeURIComponent(name)}/schedule`, { method: "PUT", body });
}

/** Ask, then forget a source and what came from it. True when it is gone. */
export async function removed(source) {
  const agreed = await confirmed({
    title: t("jobs.remove_title", { name: source.name }), text: t("jobs.remove_text"), label: t("jobs.remove"), bad: true,
  });
  if (!agreed) return false;
  await call(`/v1/sources/${encodeURIComponent(source.name)}`, { method: "DELETE" });
  toast(t("jobs.removed", { name: source.name }));
  return true;
}

/** One source as a row, with its buttons. */
export function sourceRow(source, { onrefresh, onchange }) {
  const name = encodeURIComponent(source.name);
  const live = LIVE.includes(source.kind);
  const acting = (work) => async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      toast(`${error.message} ${error.remedy}`.trim());
    } finally {
      button.disabled = false;
    }
  };
  const when = live ? t("jobs.live") : source.next_run_at ? t("jobs.next", { when: moment(source.next_run_at) }) : t("jobs.by_hand");
  const last = source.last_finished_at ? t("jobs.last", { when: moment(source.last_finished_at) }) : t("jobs.never_read");
  const id = `every-${source.name}`;
  const select = live ? null : cadence(source, { id });
  select?.addEventListener("change", async () => {
    try {
      onchange(await keepCadence(source.name, select.value));
      toast(t("jobs.schedule_kept"));
    } catch (error) {
      toast(`${error.message} ${error.remedy}`.trim());
    }
  });
  const test = acting(async () => {
    const report = await call(`/v1/sources/${name}/test`, { method: "POST" });
    toast(report.ok ? t("jobs.test_good", { n: report.files }) : `${report.message} ${report.remedy}`.trim(), { ms: 15000 });
  });
  return h("li", { "data-source": source.name },
    h("div.what", {}, h("b", {}, source.name), h("small", {}, `${t(`add.kind_${source.kind.replaceAll("-", "_")}`)} · ${source.location} → ${source.index}`),
      h("small", {}, live ? when : `${last} · ${when}`), source.message ? h("small.bad", {}, source.message) : null),
    select ? h("label", { for: id }, h("span.sr", {}, t("jobs.cadence", { name: source.name })), select) : null,
    h("div.row", {},
      live ? null : h("button.button.plain", { type: "button", onclick: acting(async () => onrefresh(await call(`/v1/sources/${name}/refresh`, { method: "POST" }))) }, t("jobs.refresh")),
      h("button.button.plain", { type: "button", onclick: test }, t("jobs.test")),
      source.kind === "uploads" ? h("a.button.plain", { href: `/add?source=${name}` }, t("jobs.add_files")) : null,
      h("button.button.plain", { type: "button", onclick: acting(async () => { if (await removed(source)) onchange(null); }) }, t("jobs.remove"))));
}
