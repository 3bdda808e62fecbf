// One conversation: its turns, how they are asked, and where they are kept while the tab is open.

import { events } from "./api.js";
import { requestOf } from "./options.js";

const PLACE = "foveal.conversation";
/** Where it is in the history: see `Keeper`. */
export const KEPT = "foveal.kept";

/**
 * A turn: `question` {text, images: [{url, name, box, small, video}]}, and what came of it: `text`, `blocks` (cleaned HTML),
 * `citations`, `nearest`, `intents`, `finished`, `failure`, `stopped`.
 */
export function newTurn(question) {
  return { question, text: "", blocks: [], citations: [], nearest: [], intents: [], finished: null, failure: null, stopped: false };
}

export class Conversation extends EventTarget {
  constructor(turns = []) {
    super();
    this.turns = turns;
    this.running = null;
    this.asked = null;
  }

  /** As it was left in this tab. Pictures are kept small: they are not sent again. An answer that was under way ends there. */
  static kept() {
    try {
      const turns = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
      return new Conversation(turns.map((turn) => ({ ...turn, stopped: turn.stopped || !(turn.finished || turn.failure) })));
    } catch {
      return new Conversation();
    }
  }

  keep() {
    const small = this.turns.map((turn) => ({
      ...turn,
      question: { ...turn.question, images: turn.question.images.map(({ name, small, box, note, video }) => ({ name, small, box, note, video })) },
    }));
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(small));
    } catch {
      // The tab's store is full: the conversation lives on the page.
    }
  }

  /** The next question begins another conversation; gives what brings this one back. */
  static forget() {
    const were = [PLACE, KEPT].map((place) => [place, sessionStorage.getItem(place)]);
    for (const [place] of were) sessionStorage.removeItem(place);
    return () => { for (const [place, was] of were) if (was !== null) sessionStorage.setItem(place, was); };
  }

  /** The messages that are sent for a turn: the question, and so many turns before it. */
  messages(turn, history) {
    const before = this.turns.slice(0, this.turns.indexOf(turn)).filter((one) => one.text && !one.failure);
    const said = before.slice(Math.max(0, before.length - history)).flatMap((one) => [
      { role: "user", content: one.question.text || "…" },
      { role: "assistant", content: one.text },
    ]);
    return [...said, { role: "user", content: contentOf(turn.question) }];
  }

  /** Ask a turn; its events change it and are told as `change` events. */
  async ask(turn, chosen) {
    this.running?.abort();
    const running = this.running = new AbortController();
    this.asked = turn;
    Object.assign(turn, newTurn(turn.question));
    this.tell(turn, "asked");
    this.keep();
    try {
      const body = requestOf(this.messages(turn, chosen.history), chosen);
      for await (const event of events("/v1/chat?format=html", { method: "POST", body, signal: running.signal })) {
        if (this.running === running) this.take(turn, event);
      }
      if (!turn.finished) throw Object.assign(new Error("lost"), { lost: true });
    } catch (error) {
      if (this.running !== running) return;
      if (error.name === "AbortError") turn.stopped = true;
      else turn.failure = { message: error.message, remedy: error.remedy ?? "", lost: Boolean(error.lost) || error.status === 0 };
    } finally {
      if (this.running === running) {  // else another turn took its place, or nobody waits for it any more
        this.running = null;
        this.keep();
        this.tell(turn, "ended");
      }
    }
  }

  take(turn, event) {
    if (event.type === "retrieved") Object.assign(turn, { citations: event.citations, nearest: event.nearest, intents: event.intents });
    else if (event.type === "text") turn.text += event.text;
    else if (event.type === "block") turn.blocks[event.block] = event.html;
    else if (event.type === "finished") turn.finished = event;
    if (event.type !== "text") this.tell(turn, event.type, event);
  }

  tell(turn, what, event = null) {
    this.dispatchEvent(new CustomEvent("change", { detail: { turn, what, event } }));
  }

  stop() { this.running?.abort(); }

  /** Nothing is told of the answer under way any more. Gives its turn, with what came of it; null where there is none. */
  leave() {
    if (!this.running) return null;
    this.stop();
    this.running = null;
    return Object.assign(this.asked, { stopped: true });
  }
}

/** The content of a message: words, then pictures and videos. A picture with a box asks about that part of it. */
export function contentOf(question) {
  const sent = question.images.filter((image) => image.url || image.video);
  if (!sent.length) return question.text;
  const parts = sent.map((image) => (image.video ? { type: "acv_document_id", acv_document_id: image.video.id } : {
    type: "image_url",
    image_url: image.box ? { url: image.url, box: image.box } : { url: image.url },
  }));
  return question.text ? [{ type: "text", text: question.text }, ...parts] : parts;
}
