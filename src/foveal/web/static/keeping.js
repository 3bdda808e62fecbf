// Keeps the conversation of this tab in the person's history. An answer never waits for it.

import { call } from "./api.js";
import { toast } from "./dom.js";
import { t } from "./words.js";

const PLACE = "foveal.kept";
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
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
    this.begin(kept?.id ?? null, kept?.saved ?? 0);
  }

  /** Go on with a conversation of the history, of which so many turns are kept; without an id: with a new one. */
  begin(id = null, saved = 0) {
    Object.assign(this, { id, saved });
    sessionStorage.setItem(PLACE, JSON.stringify({ id, saved }));
  }

  /** Keep the turns up to this one, in the place of what came after them. */
  keep(turns, turn) {
    const end = turns.indexOf(turn) + 1;
    if (!this.on || !end) return this.waiting;
    const copy = turns.slice(0, end);
    const at = { id: this.id };
    this.waiting = this.waiting.then(() => this.write(copy, at)).catch((error) => this.failed(error));
    return this.waiting;
  }

  async write(turns, at) {
    if (at.id !== null && at.id !== this.id) return; // another conversation was opened meanwhile
    const from = this.id === null ? 0 : Math.min(this.saved, turns.length - 1);
    const messages = turns.slice(from).flatMap(messagesOf);
    let kept;
    if (this.id === null) {
      kept = await call("/v1/conversations", { method: "POST", body: { messages } });
    } else {
      const body = { messages, after: this.saved * 2, keep: from * 2 };
      try {
        kept = await call(`/v1/conversations/${this.id}/messages`, { method: "POST", body });
      } catch (error) {
        if (error.status !== 409 && error.status !== 404) throw error;
        if (error.status === 409) toast(t("history.elsewhere"));
        kept = await call("/v1/conversations", { method: "POST", body: { messages: turns.flatMap(messagesOf) } });
      }
    }
    this.begin(kept.id, kept.messages / 2);
    if (this.down) { this.down = false; this.dispatchEvent(new Event("up")); }
    this.dispatchEvent(new Event("kept"));
  }

  failed(error) {
    if (error.status === 404 || error.status === 403) { this.on = false; return; }
    if (!this.down) { this.down = true; this.dispatchEvent(new Event("down")); }
  }
}
