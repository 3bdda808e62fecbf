// What a person chose: deployment, data, and the settings of answers. Kept in this browser, sent with every question.

import { call } from "./api.js";
import { VIDEOS_INDEX } from "./attached-video.js";

const PLACE = "foveal.options";

/** The defaults, which are the server's own: a null is not sent. */
export const DEFAULTS = Object.freeze({
  deployment: null,
  indexes: null,
  filter: "",
  mode: "hybrid",
  system: "",
  documents: 5,
  strictness: 3,
  inScope: true,
  maxTokens: null,
  history: 10,
  temperature: null,
});

/** Settings whose change makes earlier answers stand for something else: the chat begins anew. */
export const RESETTING = ["deployment", "indexes", "filter", "mode", "system", "documents", "strictness", "inScope"];

export function options() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(PLACE) ?? "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

export function keepOptions(changed) {
  const all = { ...options(), ...changed };
  const own = Object.fromEntries(Object.entries(all).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(DEFAULTS[name])));
  localStorage.setItem(PLACE, JSON.stringify(own));
  return all;
}

let known = null;
/** Indexes and deployments of the server. */
export function choices() {
  known ??= Promise.all([call("/v1/indexes"), call("/openai/v1/models")]).then(([indexes, models]) => ({
    indexes: indexes.indexes.filter((one) => one.name !== VIDEOS_INDEX),
    deployments: models.data.filter((one) => one.capabilities?.chat_completion !== false).map((one) => one.id),
  }));
  return known;
}

/** The options with what was not chosen, or is not there any more, filled in. */
export function settled(chosen, { indexes, deployments }) {
  const names = [...indexes].sort((a, b) => b.documents - a.documents).map((one) => one.name);
  const kept = chosen.indexes?.filter((name) => names.includes(name)) ?? null;
  return {
    ...chosen,
    deployment: deployments.includes(chosen.deployment) ? chosen.deployment : deployments[0],
    indexes: kept && (kept.length || !chosen.indexes.length) ? kept : names.slice(0, 1),
  };
}

const QUERY_TYPES = { keyword: "simple", vector: "vector", hybrid: "vector_simple_hybrid", semantic: "vector_semantic_hybrid" };

/** The request body of Azure OpenAI On Your Data for a conversation: what this page sends, and what "View code" shows. */
export function requestOf(messages, chosen) {
  const body = { model: chosen.deployment, messages, stream: true };
  if (chosen.maxTokens) body.max_tokens = chosen.maxTokens;
  if (chosen.temperature !== null) body.temperature = chosen.temperature;
  if (messages.some((one) => Array.isArray(one.content) && one.content.some((part) => part.acv_document_id))) {
    if (chosen.system) body.messages = [{ role: "system", content: chosen.system }, ...messages];
    const parameters = { computerVisionBaseUrl: `${location.origin}/computervision`, indexName: VIDEOS_INDEX };
    body.enhancements = { video: { enabled: true } };
    body.data_sources = [{ type: "AzureComputerVisionVideoIndex", parameters }];
    return body;
  }
  if (!chosen.indexes.length) {
    if (chosen.system) body.messages = [{ role: "system", content: chosen.system }, ...messages];
    return body;
  }
  body.data_sources = chosen.indexes.map((name) => {
    const parameters = {
      index_name: name, top_n_documents: chosen.documents, strictness: chosen.strictness, in_scope: chosen.inScope,
      query_type: QUERY_TYPES[chosen.mode],
    };
    if (chosen.system) parameters.role_information = chosen.system;
    if (chosen.filter) parameters.filter = chosen.filter;
    return { type: "azure_search", parameters };
  });
  return body;
}
