// Keeps the conversation of this tab in the person's history. An answer never waits for it.

import { call } from "./api.js";
import { KEPT } from "./conversation.js";
import { toast } from "./dom.js";
import { t } from "./words.js";

const PICTURE = /^data:image\/(jpeg|png|webp|gif);base64,/;
const MOST_PICTURE = 200_000;
const MOST_EXCERPT = 4000;

/** What an answer rests on; of one that there is not in the data, what came nearest. */
export function citationsOf(turn) {
  const shown = turn.finished?.answered === false && turn.nearest.length ? turn.nearest : turn.citations;
  return shown.filter((one) => !one.state || one.state === "here").map((one) => ({
    index: one.index, chunk_id: one.chunk_id, title: one.title, filepath: one.filepath, url: one.url,
    content: (one.text ?? one.content ?? "").slice(0, MOST_EXCERPT),
  }));
}

function messagesOf(turn) {
  const pictures = turn.question.images.map((image) => image.small).filter((url) => PICTURE.test(url ?? "") && url.length <= MOST_PICTURE);
  return [
    { role: "user", content: turn.question.text, pictures },
    { role: "assistant", content: turn.text, citations: citationsOf(turn), id: turn.finished?.id ?? "", stopped: turn.stopped || Boolean(turn.failure) },
  ];
}

/** Events: `kept` when the history has changed, `down` and `up` when it cannot be reached, and can again. */
export class Keeper extends EventTarget {
  constructor() {
    super();
    this.on = true;
    this.down = false;
    this.waiting = Promise.resolve();
    this.begin(JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? undefined);
  }

  /** Go on with a conversation of the history, of which `saved` turns are kept; without an id: with a new one. */
  begin(at = { id: null, saved: 0 }) {
    this.at = at;
    this.note();
  }

  get id() { return this.at.id; }

  note() { sessionStorage.setItem(KEPT, JSON.stringify(this.at)); }

  /** Keep the turns up to this one, in the place of what came after them. */
  keep(turns, turn) {
    const end = turns.indexOf(turn) + 1;
    if (!this.on || !end) return this.waiting;
    const copy = turns.slice(0, end);
    const { at } = this;  // what is kept of it is noted there, also when another conversation is open by then
    this.waiting = this.waiting.then(() => this.write(copy, at)).catch((error) => this.failed(error));
    return this.waiting;
  }

  async write(turns, at) {
    const from = at.id === null ? 0 : Math.min(at.saved, turns.length - 1);
    const messages = turns.slice(from).flatMap(messagesOf);
    let kept;
    if (at.id === null) {
      kept = await call("/v1/conversations", { method: "POST", body: { messages } });
    } else {
      const body = { messages, after: at.saved * 2, keep: from * 2 };
      try {
        kept = await call(`/v1/conversations/${at.id}/messages`, { method: "POST", body });
      } catch (error) {
        if (error.status !== 409 && error.status !== 404) throw error;
        if (error.status === 409) toast(t("history.elsewhere"));
        kept = await call("/v1/conversations", { method: "POST", body: { messages: turns.flatMap(messagesOf) } });
      }
    }
    Object.assign(at, { id: kept.id, saved: kept.messages / 2 });
    if (at === this.at) this.note();
    if (this.down) { this.down = false; this.dispatchEvent(new Event("up")); }
    this.dispatchEvent(new Event("kept"));
  }

  failed(error) {
    if (error.status === 404 || error.status === 403) { this.on = false; return; }
    if (!this.down) { this.down = true; this.dispatchEvent(new Event("down")); }
  }
}
