// Settings of answers. What makes earlier answers stand for something else begins the chat anew, with notice and undo.

import { Conversation } from "./conversation.js";
import { $, chooser, confirmed, h, toast } from "./dom.js";
import { choices, DEFAULTS, keepOptions, options, RESETTING, settled } from "./options.js";
import { number, t, tn } from "./words.js";

const form = $("#settings");
let known = null;
let chosen = null;

function show() {
  for (const name of ["filter", "mode", "system", "documents", "history", "deployment"]) form.elements[name].value = chosen[name];
  form.elements.strictness.value = String(chosen.strictness);
  form.elements.inScope.checked = chosen.inScope;
  form.elements.maxTokens.value = chosen.maxTokens ?? "";
  form.elements.temperature.value = chosen.temperature ?? 0.7;
  form.elements.temperature.disabled = chosen.temperature === null;
  $("#own-temperature").checked = chosen.temperature !== null;
  outputs();
  sources();
}

function outputs() {
  $("output[for=in-documents]").textContent = number(form.elements.documents.value);
  $("output[for=in-history]").textContent = number(form.elements.history.value);
  $("output[for=in-temperature]").textContent = $("#own-temperature").checked ? number(form.elements.temperature.value, 1) : "–";
}

function sources() {
  const rows = chosen.indexes.map((name) => {
    const index = known.indexes.find((one) => one.name === name);
    return h("li", {}, h("span", {}, h("b", {}, name), " ", h("small", {}, index ? tn("chat.items", index.documents) : "")),
      h("button.button.plain", { type: "button", onclick: () => remove(name), "aria-label": t("settings.remove_named", { name }) }, t("settings.remove")));
  });
  $("#in-data").replaceChildren(...(rows.length ? rows : [h("li.none", {}, t("settings.no_source"))]));
  $("#add-source").disabled = chosen.indexes.length >= known.indexes.length;
}

/** Change settings; where it matters, the chat begins anew and can be brought back together with the old settings. */
function change(changed, told = "") {
  const before = options();
  chosen = settled(keepOptions(changed), known);
  const resets = Object.keys(changed).some((name) => RESETTING.includes(name) && JSON.stringify(before[name]) !== JSON.stringify(changed[name]));
  const anew = resets && Conversation.kept().turns.length > 0;
  if (!anew && !told) return;
  const bring = anew ? Conversation.forget() : () => {};
  toast([told, anew ? t("chat.reset") : ""].filter(Boolean).join(" "), { label: t("base.undo"), undo: () => { bring(); chosen = settled(keepOptions(before), known); show(); } });
}

/** Removing data from the chat clears the chat and resets every setting: it asks first. */
async function remove(name) {
  const agreed = await confirmed({ title: t("settings.remove_title", { name }), text: t("settings.remove_text"), label: t("settings.remove"), bad: true });
  if (!agreed) return;
  const before = options();
  const bring = Conversation.forget();
  const left = chosen.indexes.filter((one) => one !== name);
  chosen = settled(keepOptions({ ...DEFAULTS, indexes: left }), known);
  show();
  toast(t("settings.removed", { name }), { label: t("base.undo"), undo: () => { bring(); chosen = settled(keepOptions(before), known); show(); } });
}

$("#add-source").addEventListener("click", (event) => {
  const rest = known.indexes.filter((one) => !chosen.indexes.includes(one.name));
  chooser(event.currentTarget, rest.map((one) => ({ label: one.name, note: tn("chat.items", one.documents), value: one.name })), {
    label: t("chat.data"), onchoose: (one) => { change({ indexes: [...chosen.indexes, one.value] }); show(); },
  });
});

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", outputs);
form.addEventListener("change", ({ target }) => {
  if (target.id === "own-temperature") {
    form.elements.temperature.disabled = !target.checked;
    change({ temperature: target.checked ? Number(form.elements.temperature.value) : null });
    outputs();
    return;
  }
  const read = {
    documents: Number, history: Number, strictness: Number, temperature: Number, filter: (value) => value.trim(),
    maxTokens: (value) => (Number(value) > 0 ? Math.floor(Number(value)) : null), inScope: () => target.checked,
  }[target.name] ?? ((value) => value);
  change({ [target.name]: read(target.value) });
});
$("#defaults").addEventListener("click", () => {
  const before = options();
  change({ ...DEFAULTS, indexes: before.indexes, deployment: before.deployment }, t("settings.defaults_taken"));
  show();
});

try {
  known = await choices();
  chosen = settled(options(), known);
  form.elements.deployment.replaceChildren(...known.deployments.map((name) => h("option", { value: name }, name)));
  show();
  form.inert = false;
} catch (error) {
  const place = $("#settings-error");
  place.hidden = false;
  place.textContent = `${error.message} ${error.remedy ?? ""}`;
}
