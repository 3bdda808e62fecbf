// First questions, made of what an index really holds: its commonest things, and its documents.

import { call } from "./api.js";
import { chunkPath } from "./source.js";
import { t } from "./words.js";

const MOST = 6;

/** `{text, picture}`, at most six; none where nothing is known. */
export async function suggestions(indexes) {
  const found = await Promise.all(indexes.slice(0, 3).map((index) => ofIndex(index).catch(() => [])));
  const mixed = [];
  for (let n = 0; n < MOST; n += 1) for (const one of found) if (one[n]) mixed.push(one[n]);
  return mixed.slice(0, MOST);
}

async function ofIndex(index) {
  const { suggestions: made } = await call(`/v1/indexes/${encodeURIComponent(index)}/suggestions`);
  return made.map((one) => ({
    text: t(`suggest.${one.kind}`, { what: one.what }),
    picture: one.kind === "object" || one.kind === "tag" ? `${chunkPath(index, one.chunk_id)}/thumbnail?size=160` : null,
  }));
}
