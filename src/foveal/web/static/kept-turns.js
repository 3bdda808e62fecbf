// Conversations as they are kept → turns as the page shows them.

import { newTurn } from "./conversation.js";

/** What is cited, as it is now: a card that opens, or one that says why it does not. */
function citation(one) {
  const state = { number: one.number, state: one.state };
  if (one.chunk) return { ...one.chunk, ...state, index: one.index, text: one.content };
  return { ...state, index: one.index, chunk_id: one.chunk_id, title: one.title, filepath: one.filepath || one.title, media_type: one.media_type, kind: "text", content: one.content, url: one.url };
}

export function turnsOf(details) {
  const turns = [];
  for (const item of details.items) {
    if (item.role === "user") {
      turns.push(newTurn({ text: item.content, images: item.pictures.map((small) => ({ name: "", small })) }));
      continue;
    }
    if (!turns.length || turns.at(-1).finished) turns.push(newTurn({ text: "", images: [] }));
    const cited = item.citations.map(citation);
    const answered = item.answered || item.withheld;
    Object.assign(turns.at(-1), {
      text: item.content, blocks: item.blocks ?? [], citations: answered ? cited : [], nearest: answered ? [] : cited.map((one) => ({ ...one, number: null })),
      stopped: item.stopped, withheld: item.withheld, finished: { answered, model: "", id: item.id },
    });
  }
  return turns;
}
