// Third step: what the pictures show, in a person's words; of a live index, which field is what.

import { ask, call } from "./api.js";
import { discarded, sourceBody } from "./add-connect.js";
import { actions, go, keep, state } from "./add.js";
import { $, dataUrl, h, toast } from "./dom.js";
import { LIVE } from "./sources.js";
import { number, t, tn } from "./words.js";

const PICTURE = /^image\//;
const MOST_AT_ONCE = 60;

/** The step's elements. */
export async function wordsStep() {
  if (LIVE.includes(state.kind)) return mappingStep();
  return state.kind === "uploads" ? describeStep() : foundStep();
}

// --- uploads: a card a picture

async function describeStep() {
  const { files } = await call(`/v1/files?limit=1000&source=${encodeURIComponent(state.source.name)}`);
  const pictures = files.filter((file) => PICTURE.test(file.media_type));
  const models = await describers();
  const cards = h("div.cards", {});
  const more = h("button.button.plain", { type: "button", onclick: () => add() }, t("add.more"));
  let next = 0;
  const add = () => {
    cards.append(...pictures.slice(next, next + MOST_AT_ONCE).map((file) => card(file, models)));
    next += MOST_AT_ONCE;
    more.hidden = next >= pictures.length;
  };
  add();
  const picker = h("input", { type: "file", accept: ".json,.csv,application/json,text/csv", hidden: true, id: "metadata", onchange: () => imported(picker.files[0]) });
  return [
    h("h1", {}, t("add.words_title")), h("p.lead", {}, pictures.length ? t("add.words_lead") : t("add.no_pictures")),
    pictures.length ? h("div.row", {}, h("button.button.plain", { type: "button", onclick: () => picker.click() }, t("add.import")), picker,
      h("span.mute.small", {}, t("add.import_note"))) : null,
    cards, more,
    actions({ back: "connection", next: () => go("cost") }),
  ];
}

function card(file, models) {
  const address = `/v1/files/${encodeURIComponent(file.file_id)}/bytes`;
  const words = h("textarea", {
    "aria-label": t("add.describe_named", { name: file.name }), placeholder: t("add.describe"), maxlength: 32768,
    value: state.drafts[file.name] ?? file.description,
    oninput: () => { state.drafts[file.name] = words.value; one.classList.remove("drafted"); keep(); },
  });
  const write = models.length ? h("button.link", { type: "button", onclick: async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      words.value = await written(address, models[0]);
      state.drafts[file.name] = words.value;
      one.classList.add("drafted");
      keep();
      toast(t("add.drafted"));
    } catch (error) {
      toast(`${error.message} ${error.remedy ?? ""}`.trim());
    }
    button.disabled = false;
  } }, t("add.with_model")) : null;
  const picture = h("img", { src: address, alt: "", loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(h("div.no-picture", {}, file.name)));  // not every browser shows every kind
  const one = h("article.card", {}, picture, words,
    h("div.foot", {}, h("span.name", { title: file.name }, file.name), write));
  return one;
}

/** Deployments that are shown pictures: the model servers there are, the built-in describer last. */
async function describers() {
  const { data } = await call("/v1/models");
  return data.filter((one) => one.capabilities?.chat_completion !== false).map((one) => one.id);
}

/** A model's words on a picture. They are a draft: a person looks at them before they are kept as hers. */
async function written(url, model) {
  const data = await dataUrl(await (await ask(url)).blob());
  const content = [{ type: "text", text: t("add.prompt") }, { type: "image_url", image_url: { url: data } }];
  const reply = await call("/v1/chat/completions", { method: "POST", body: { model, messages: [{ role: "user", content }], max_tokens: 400 } });
  return reply.choices[0].message.content;
}

async function imported(file) {
  if (!file) return;
  const name = encodeURIComponent(state.source.name);
  const type = file.name.toLowerCase().endsWith(".csv") ? "text/csv" : "application/json";
  try {
    const reply = await call(`/v1/files/descriptions?source=${name}&start=false`, { method: "POST", body: new Blob([await file.arrayBuffer()]), headers: { "content-type": type } });
    toast([tn("add.imported", reply.described), ...reply.failures.slice(0, 3).map((one) => `${one.path}: ${one.reason}`)].join(" "), { ms: 15000 });
    await go("words");
  } catch (error) {
    toast(`${error.message} ${error.remedy}`.trim(), { ms: 15000 });
  }
}

/** Give the server what was written here, as a metadata file would. */
export async function keepDrafts() {
  const entries = Object.entries(state.drafts).map(([path, description]) => ({ image_blob_path: path, description }));
  if (!entries.length) return;
  await call(`/v1/files/descriptions?source=${encodeURIComponent(state.source.name)}&start=false`, { method: "POST", body: entries });
  state.drafts = {};
  keep();
}

// --- a place: what was found of descriptions there

async function foundStep() {
  const name = encodeURIComponent(state.source.name);
  const report = state.report ?? await call(`/v1/sources/${name}/test`, { method: "POST" });
  state.report = report;
  return [
    h("h1", {}, t("add.words_title")), h("p.lead", {}, t("add.found_lead")),
    h("div.figures", {}, figure(number(report.files), t("add.figure_files")), figure(number(report.described), t("add.figure_described")),
      figure(number(report.undescribed.length), t("add.figure_undescribed"))),
    report.failures.length ? h("div.notice.bad", {}, report.failures.slice(0, 20).map((one) => h("p", {}, h("b", {}, one.path), ` ${one.reason} ${one.remedy}`))) : null,
    h("p.mute", {}, t("add.metadata_note")),
    actions({ back: "connection", next: () => go("cost") }),
  ];
}

export function figure(value, label) {
  return h("div.figure", {}, h("b", {}, value), h("span", {}, label));
}

// --- a live index: which field is what

const PARTS = [["content_fields", true], ["title_field", false], ["url_field", false], ["filepath_field", false], ["vector_fields", true],
  ["image_vector_fields", true], ["groups_field", false], ["semantic_configuration", false]];

async function mappingStep() {
  const name = encodeURIComponent(state.source.name);
  const { live } = state.report?.live ? state.report : await call(`/v1/sources/${name}/test`, { method: "POST" });
  const names = Object.keys(live?.fields ?? {});
  const rows = PARTS.map(([part, several]) => {
    const own = live.mapping[part];
    const chosen = several ? own : [own];
    const select = h("select.input", { id: `map-${part}`, name: part, multiple: several, size: several ? Math.min(5, Math.max(2, names.length)) : null },
      several ? null : h("option", { value: "" }, t("add.no_field")),
      [...new Set([...names, ...chosen.filter(Boolean)])].map((one) => h("option", { value: one, selected: chosen.includes(one) }, one)));
    const guessed = live.guessed.includes(part) || live.guessed.some((one) => part.startsWith(one));
    return h("div.field", {}, h("label", { for: `map-${part}` }, t(`add.map_${part}`)), h("p.effect", {}, guessed ? t("add.guessed") : t(`add.map_${part}_note`)), select);
  });
  const next = async () => {
    const mapping = {};
    for (const [part, several] of PARTS) {
      const select = $(`#map-${part}`);
      mapping[part] = several ? [...select.selectedOptions].map((one) => one.value) : select.value;
    }
    const same = PARTS.every(([part]) => JSON.stringify(mapping[part]) === JSON.stringify(live.mapping[part]));
    if (!same) await mapped(mapping);
    await go("finish");
  };
  return [
    h("h1", {}, t("add.mapping_title")), h("p.lead", {}, t("add.mapping_lead")),
    live.problems.length ? h("div.notice.bad", {}, live.problems.map((one) => h("p", {}, one))) : null,
    h("div.form.two", {}, rows), actions({ back: "connection", next }),
  ];
}

/** Save the source with other fields; its key is asked for again where the page was left meanwhile. */
async function mapped(mapping) {
  if (state.form.opens && state.form.opens !== "identity" && !state.form.secret) {
    await discarded();
    await go("connection");
    throw Object.assign(new Error(t("add.secret_again")), { remedy: "" });
  }
  await discarded();
  state.source = await call("/v1/sources", { method: "POST", body: sourceBody(mapping) });
  state.report = null;
  keep();
}
