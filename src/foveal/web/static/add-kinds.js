// First step: where the data is, and what was added before.

import { call } from "./api.js";
import { actions, forget, go, state } from "./add.js";
import { h } from "./dom.js";
import { sourceRow } from "./sources.js";
import { t } from "./words.js";

export const KINDS = ["uploads", "azure-blob", "azure-search", "azure-cosmos-db", "folder", "url"];
const key = (kind) => kind.replaceAll("-", "_");

/** The step's elements. */
export async function kindStep() {
  const { sources } = await call("/v1/sources");
  const cards = KINDS.map((kind) => h("label.kind", {},
    h("input", { type: "radio", name: "kind", value: kind, checked: kind === state.kind, onchange: () => { state.kind = kind; } }),
    h("b", {}, t(`add.kind_${key(kind)}`)), h("span", {}, t(`add.kind_${key(kind)}_lead`))));
  const next = async () => {
    const kind = state.kind;
    if (state.source && state.source.kind !== kind) { forget(); state.kind = kind; }
    await go("connection");
  };
  const drawn = await Promise.all([
    h("h1", {}, t("add.title")), h("p.lead", {}, t("add.lead")),
    h("fieldset.kinds", {}, h("legend", {}, h("h2", {}, t("add.where"))), cards),
    actions({ next }),
  ]);
  if (sources.length) {
    const rows = sources.map((one) => sourceRow(one, { onrefresh: () => location.assign("/jobs"), onchange: () => go("source") }));
    drawn.push(h("h2", {}, t("add.there")), h("ul.rows", {}, rows));
  }
  return drawn;
}
