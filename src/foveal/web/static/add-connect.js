// Second step: files are sent, or a place is named, saved and tried out.

import { call } from "./api.js";
import { actions, go, keep, state } from "./add.js";
import { h } from "./dom.js";
import { isLarge, patient, sendLarge } from "./sending.js";
import { LIVE } from "./sources.js";
import { bytes, number, t, tn } from "./words.js";

const TYPES = ".jpg,.jpeg,.png,.gif,.bmp,.tif,.tiff,.webp,.heic,.avif,.pdf,.docx,.pptx,.xlsx,.html,.htm,.md,.txt,.csv,"
  + ".mp4,.mov,.mkv,.webm,.avi,.m4a,.mp3,.wav,.flac,.ogg,application/json";
const FORMS = {
  "azure-blob": { fields: ["account_url", "container", "prefix"], opens: ["connection-string", "key", "sas-url", "identity", ""] },
  "azure-search": { fields: ["live_endpoint", "live_index"], opens: ["key", "identity"], live: true },
  "azure-cosmos-db": { fields: ["live_database", "live_collection", "live_index"], opens: ["connection-string"], live: true },
  folder: { fields: ["path"], opens: [""] },
  url: { fields: ["url"], opens: ["", "options"] },
};
const key = (name) => name.replaceAll("-", "_");

/** The step's elements. */
export async function connectStep() {
  return state.kind === "uploads" ? uploadStep() : placeStep();
}

function field(name, { type = "text", note = "", value = state.form[name] ?? "", required = false } = {}) {
  const input = h("input.input", {
    id: `in-${name}`, name, type, value, required, autocomplete: type === "password" ? "new-password" : "off", spellcheck: "false",
    oninput: (event) => { state.form[name] = event.target.value; keep(); },
  });
  return h("div.field", {}, h("label", { for: `in-${name}` }, t(`add.field_${name}`)), note ? h("p.effect", {}, note) : null, input);
}

function list(name, options) {
  const select = h("select.input", { id: `in-${name}`, onchange: (event) => { state.form[name] = event.target.value; keep(); go("connection"); } },
    options.map(([value, label]) => h("option", { value, selected: value === state.form[name] }, label)));
  return h("div.field", {}, h("label", { for: `in-${name}` }, t(`add.field_${name}`)), select);
}

// --- files

async function uploadStep() {
  const sent = state.source ? (await call(`/v1/files?limit=1000&source=${encodeURIComponent(state.source.name)}`)).files : [];
  const rows = h("ul.files", { "aria-label": t("add.sent") }, sent.map((file) => h("li", {}, h("b", {}, file.name), h("small", {}, bytes(file.size_bytes)))));
  const meter = h("p.mute.small", { role: "status" }, sent.length ? tn("add.files_there", sent.length) : "");
  const picker = h("input", { type: "file", multiple: true, accept: TYPES, hidden: true, id: "files", onchange: () => take([...picker.files]) });
  let ready = () => {};
  const onwaiting = (seconds) => { meter.textContent = t("add.waiting", { n: number(seconds) }); };
  const take = async (files) => {
    ready(false);
    for (const batch of batches(files)) {
      meter.textContent = t("add.sending", { n: number(batch.length) });
      const onprogress = (there) => { meter.textContent = t("add.sent_of", { name: batch[0].name, there: bytes(there), all: bytes(batch[0].size) }); };
      try {
        show(isLarge(batch[0]) ? await sendOne(batch[0], { onprogress, onwaiting }) : await patient(() => sendFiles(batch), onwaiting));
      } catch (error) {
        rows.prepend(h("li.bad", {}, h("b", {}, batch.map((one) => one.name).join(", ")), h("small", {}, `${error.message} ${error.remedy}`)));
      }
    }
    picker.value = "";
    meter.textContent = tn("add.files_there", rows.querySelectorAll("li:not(.bad)").length);
    ready(Boolean(state.source));
  };
  const show = (reply) => {
    for (const file of reply.files) {
      rows.prepend(h("li", {}, h("b", {}, file.name), h("small", {}, file.outcome === "duplicate" ? t("add.duplicate") : bytes(file.size_bytes))));
    }
    for (const one of reply.refused) rows.prepend(h("li.bad", {}, h("b", {}, one.name), h("small", {}, `${one.message} ${one.remedy}`)));
  };
  const drop = h("div.drop", {
    ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); },
    ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); take([...event.dataTransfer.files]); },
  }, h("p", {}, t("add.drop")), h("button.button.plain", { type: "button", onclick: () => picker.click() }, t("add.choose")), picker, h("p.mute.small", {}, t("add.types")));
  return [
    h("h1", {}, t("add.upload_title")), h("p.lead", {}, t("add.upload_lead")),
    h("div.form.two", {}, field("index", { note: t("add.index_note"), value: state.source?.index ?? state.form.index ?? "default" }),
      field("groups", { note: t("add.groups_note"), value: state.source?.groups.join(", ") ?? state.form.groups ?? "" })),
    drop, meter, rows,
    actions({ back: "source", next: () => go("words"), ready: (set) => { ready = set; set(Boolean(state.source)); } }),
  ];
}

/** Some files at a time, each large one by itself: one request takes not more than the server reads at once. */
function* batches(files, most = 20, mostBytes = 48 * 2 ** 20) {
  let batch = [];
  let size = 0;
  for (const file of files) {
    if (isLarge(file)) { yield [file]; continue; }
    if (batch.length && (batch.length >= most || size + file.size > mostBytes)) { yield batch; batch = []; size = 0; }
    batch.push(file);
    size += file.size;
  }
  if (batch.length) yield batch;
}

async function sendFiles(files) {
  const body = new FormData();
  if (state.source) {
    body.append("source", state.source.name);
  } else {
    body.append("index", state.form.index || "default");
    for (const group of groups()) body.append("group", group);
  }
  body.append("start", "false");
  for (const file of files) body.append(file.name.endsWith(".json") || /^metadata.*\.csv$/i.test(file.name) ? "metadata" : "files", file, file.name);
  const reply = await call("/v1/files", { method: "POST", body });
  await isAt(reply.run.source);
  return reply;
}

/** A large file, in pieces; what the server says of it is put into the form of the other kind's reply. */
async function sendOne(file, told) {
  const fields = state.source ? { source: state.source.name } : { index: state.form.index || "default", group: groups().join("\n") };
  const one = await sendLarge(file, fields, told);
  await isAt(one.source);
  return { files: [one], refused: [] };
}

async function isAt(name) {
  state.source = await call(`/v1/sources/${encodeURIComponent(name)}`);
  state.name = state.source.name;
  keep();
}

function groups() {
  return (state.form.groups ?? "").split(",").map((one) => one.trim()).filter(Boolean);
}

// --- places

function placeStep() {
  const shape = FORMS[state.kind];
  state.form.opens = shape.opens.includes(state.form.opens) ? state.form.opens : shape.opens[0];
  const opens = state.form.opens;
  const secret = opens && opens !== "identity";
  const parts = [
    h("h1", {}, t(`add.kind_${key(state.kind)}`)), h("p.lead", {}, t(`add.kind_${key(state.kind)}_lead`)),
    h("div.form", {}, field("name", { note: t("add.name_note") }), field("index", { note: shape.live ? t("add.live_index_note") : t("add.index_note") }),
      shape.fields.map((name) => field(name)),
      shape.opens.length > 1 ? list("opens", shape.opens.map((one) => [one, t(`add.opens_${key(one) || "nothing"}`)])) : null,
      secret ? field("secret", { type: "password", note: t("add.secret_note") }) : null,
      field("groups", { note: t("add.groups_note") })),
  ];
  if (state.source) parts.push(h("p.notice", {}, t("add.saved", { name: state.source.name })));
  parts.push(actions({ back: "source", label: t("add.connect"), next: connected }));
  return parts;
}

/** Save the place, try it out, and go on; what cannot be read is not kept. */
async function connected() {
  if (state.source) { await go("words"); return; }
  state.source = await call("/v1/sources", { method: "POST", body: sourceBody() });
  state.name = state.source.name;
  const report = await call(`/v1/sources/${encodeURIComponent(state.name)}/test`, { method: "POST" }).catch((error) => error);
  if (!report.ok) {
    await discarded();
    throw Object.assign(new Error(report.message), { remedy: report.remedy });
  }
  state.report = report;
  await go("words");
}

/** Forget the saved source again, to save it otherwise. */
export async function discarded() {
  await call(`/v1/sources/${encodeURIComponent(state.name)}?keep_data=true`, { method: "DELETE" });
  state.source = null;
  keep();
}

/** The body that saves this source; `mapping` names the fields of a live index. */
export function sourceBody(mapping = null) {
  const { form } = state;
  const body = { name: form.name ?? "", kind: state.kind, index: form.index ?? "", groups: groups().length ? groups() : null };
  for (const name of ["path", "url", "account_url", "container", "prefix"]) if (form[name]) body[name] = form[name];
  if (form.opens) body.credential = { kind: form.opens, secret: form.opens === "identity" ? "" : form.secret ?? "" };
  if (LIVE.includes(state.kind)) {
    body.live = { endpoint: form.live_endpoint ?? "", index: form.live_index ?? "", database: form.live_database ?? "", collection: form.live_collection ?? "", ...mapping };
  }
  return body;
}

