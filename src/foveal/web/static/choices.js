// The line above the chat: who answers, from what data, how strictly. Each is a chip that opens.

import { chooser, h, iconButton, refilled, sign } from "./dom.js";
import { number, t, tn } from "./words.js";

/** Draws the chips; `onchange` is told what was chosen. */
export function drawChoices(place, chosen, known, { onchange, onnew, oncode }) {
  const chip = (label, on, does, name) => h(`button.chip${on ? ".on" : ""}`, {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "data-choice": name, onclick: (event) => does(event.currentTarget),
  }, h("span.text", {}, ...label));
  refilled(place, ...[
    chip([h("b", {}, chosen.deployment), h("span.more", {}, ` ${t("chat.deployment")}`)], false, (at) => chooser(at, known.deployments.map((name) => ({
      label: name, value: name, on: name === chosen.deployment,
    })), { label: t("chat.deployment"), onchoose: (one) => onchange({ deployment: one.value }) }), "deployment"),
    chip([dataLabel(chosen, known)], chosen.indexes.length > 0, (at) => chooseIndexes(at, chosen, known, onchange), "data"),
    chosen.indexes.length ? chip([chosen.inScope ? t("chat.limited") : t("chat.not_limited")], false, (at) => chooser(at, [true, false].map((on) => ({
      label: on ? t("chat.limited_choice") : t("chat.not_limited_choice"), value: on, on: on === chosen.inScope,
    })), { label: t("settings.in_scope"), onchoose: (one) => onchange({ inScope: one.value }) }), "scope") : null,
    chosen.indexes.length ? chip([t("chat.strictness", { n: number(chosen.strictness) })], false, (at) => chooser(at, [1, 2, 3, 4, 5].map((level) => ({
      label: `${number(level)} · ${t(`settings.strictness_${level}`)}`, value: level, on: level === chosen.strictness,
    })), { label: t("settings.strictness"), onchoose: (one) => onchange({ strictness: one.value }) }), "strictness") : null,
    chosen.filter ? h("a.chip.on", { href: "/settings#filter" }, sign("filter"), t("chat.filtered")) : null,
    h("div.end", {},
      iconButton("code", t("chat.view_code"), oncode, { id: "view-code" }),
      h("button.chip", { type: "button", onclick: onnew, id: "new-chat", "aria-label": t("chat.new") }, sign("plus"), h("span.more", {}, t("chat.new")))),
  ].filter(Boolean));
}

function dataLabel(chosen, known) {
  if (!known.indexes.length) return t("chat.no_data_yet");
  if (!chosen.indexes.length) return t("chat.no_data");
  if (chosen.indexes.length > 1) return tn("chat.indexes", chosen.indexes.length);
  const one = known.indexes.find((index) => index.name === chosen.indexes[0]);
  return `${one.name}, ${tn("chat.items", one.documents)}`;
}

function chooseIndexes(at, chosen, known, onchange) {
  if (!known.indexes.length) return;
  let wanted = [...chosen.indexes];
  const box = chooser(at, known.indexes.map((one) => ({
    label: one.name, note: tn("chat.items", one.documents), value: one.name, on: wanted.includes(one.name),
  })), {
    label: t("chat.data"), multiple: true,
    onchoose: (one) => { wanted = one.on ? [...wanted, one.value] : wanted.filter((name) => name !== one.value); },
  });
  box.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && JSON.stringify(wanted) !== JSON.stringify(chosen.indexes)) onchange({ indexes: wanted });
  });
}
