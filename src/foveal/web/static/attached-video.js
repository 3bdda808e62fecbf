// A video that is attached to a question: sent in pieces that survive a lost connection (tus), read by the server, and
// then asked about as a video, with what is said and shown in it.

import { call } from "./api.js";
import { sendLarge } from "./sending.js";
import { number, t } from "./words.js";

/** The index of such videos; the server deletes them after some days. */
export const VIDEOS_INDEX = "attached-videos";
const LOOK_MS = 1000;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Events: `change` whenever its state does. `state` is `sending`, `looking`, `ready` or `failed`. */
export class AttachedVideo extends EventTarget {
  constructor(file) {
    super();
    Object.assign(this, { file, name: file.name, state: "sending", share: 0, message: "", id: "", fileId: "" });
    this.over = new AbortController();
  }

  get pending() { return this.state === "sending" || this.state === "looking"; }

  /** Where it is, in words. */
  get words() {
    if (this.state === "sending") return t("chat.video_sending", { share: number(Math.round(this.share * 100)) });
    return this.state === "looking" ? t("chat.video_looking") : this.state === "failed" ? this.message : "";
  }

  /** Send it and wait until it can be asked about. Rejects with status 403 where this person may not add anything. */
  async start() {
    try {
      await this.send();
      await this.wait();
    } catch (error) {
      if (error.name === "AbortError" || this.over.signal.aborted) return;
      if (error.status === 403) throw error;
      this.to("failed", { message: `${error.message} ${error.remedy ?? ""}`.trim() });
    }
  }

  /** Take it back: what was sent of it is deleted. */
  cancel() {
    this.over.abort();
    if (this.fileId && !this.known) call(`/v1/files/${this.fileId}`, { method: "DELETE" }).catch(() => {});
  }

  to(state, more = {}) {
    Object.assign(this, { state }, more);
    this.dispatchEvent(new Event("change"));
  }

  async send() {
    // a folder of its own: two videos of one name are two
    const filename = `${crypto.randomUUID?.().slice(0, 8) ?? Date.now().toString(36)}/${this.name}`;
    const onprogress = (bytes) => this.to("sending", { share: bytes / Math.max(1, this.file.size) });
    const fields = { filename, index: VIDEOS_INDEX, start: "true" };
    const { file_id, outcome } = await sendLarge(this.file, fields, { onprogress, signal: this.over.signal });
    this.fileId = file_id;
    this.known = outcome === "duplicate";  // an earlier question is about the same bytes
  }

  async wait() {
    this.to("looking");
    for (;;) {
      const file = await call(`/v1/files/${this.fileId}`, { signal: this.over.signal });
      if (file.state === "failed") throw Object.assign(new Error(file.reason), { remedy: "" });
      if (file.state === "indexed") { this.to("ready", { id: file.name }); return; }
      await pause(LOOK_MS);
      if (this.over.signal.aborted) return;
    }
  }
}
