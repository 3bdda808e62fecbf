// A video that is attached to a question: sent in pieces that survive a lost connection (tus), read by the server, and
// then asked about as a video, with what is said and shown in it.

import { ask, call } from "./api.js";
import { number, t } from "./words.js";

/** The index of such videos; the server deletes them after some days. */
export const VIDEOS_INDEX = "attached-videos";
const PIECE = 4 * 2 ** 20;
const TRIES = 6;
const LOOK_MS = 1000;

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const named = (location) => new URL(location, document.baseURI).pathname;

/** Events: `change` whenever its state does. `state` is `sending`, `looking`, `ready` or `failed`. */
export class AttachedVideo extends EventTarget {
  constructor(file) {
    super();
    Object.assign(this, { file, name: file.name, state: "sending", share: 0, message: "", id: "", fileId: "", upload: "" });
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
      await this.begin();
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
    if (this.known) return;
    if (this.fileId) call(`/v1/files/${this.fileId}`, { method: "DELETE" }).catch(() => {});
    else if (this.upload) ask(this.upload, { method: "DELETE" }).catch(() => {});
  }

  to(state, more = {}) {
    Object.assign(this, { state }, more);
    this.dispatchEvent(new Event("change"));
  }

  async begin() {
    // a folder of its own: two videos of one name are two
    const path = `${crypto.randomUUID?.().slice(0, 8) ?? Date.now().toString(36)}/${this.name}`;
    const metadata = Object.entries({ filename: path, index: VIDEOS_INDEX }).map(([key, value]) => `${key} ${base64(value)}`).join(",");
    const headers = { "tus-resumable": "1.0.0", "upload-length": this.file.size, "upload-metadata": metadata };
    const reply = await ask("/v1/files/resumable", { method: "POST", headers, signal: this.over.signal });
    this.upload = named(reply.headers.get("location"));
  }

  async send() {
    for (let offset = 0, tries = 0; offset < this.file.size || !this.fileId;) {
      try {
        const reply = await this.piece(offset);
        offset = Number(reply.headers.get("upload-offset"));
        this.fileId = reply.headers.get("foveal-file-id") ?? "";
        this.known = reply.headers.get("foveal-outcome") === "duplicate";  // an earlier question is about the same bytes
        tries = 0;
        this.to("sending", { share: offset / this.file.size });
      } catch (error) {
        if (error.status !== 0 || ++tries > TRIES) throw error; // the connection was lost: go on from where it is
        await pause(250 * 2 ** tries);
        offset = await this.offset().catch(() => offset);
      }
    }
  }

  piece(offset) {
    const headers = { "tus-resumable": "1.0.0", "upload-offset": offset, "content-type": "application/offset+octet-stream" };
    return ask(this.upload, { method: "PATCH", headers, body: this.file.slice(offset, offset + PIECE), signal: this.over.signal });
  }

  async offset() {
    const reply = await ask(this.upload, { headers: { "tus-resumable": "1.0.0" }, signal: this.over.signal });
    return (await reply.json()).offset;
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
