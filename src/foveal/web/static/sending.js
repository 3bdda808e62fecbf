// How files get to the server. Small ones go many to a request; large ones in pieces, by the protocol tus, so that a lost
// connection costs the last piece only, and a file that is chosen again after the page was left goes on where it was.

import { ask, call } from "./api.js";

const LARGE = 8 * 2 ** 20;
const PIECE = 4 * 2 ** 20;
const TRIES = 8;
const PLACE = "foveal.sending";
const ADDRESS = "/v1/files/resumable";
const BYTES_TYPE = "application/offset+octet-stream";

/** Whether a file goes in pieces. */
export const isLarge = (file) => file.size > LARGE;

/**
 * Send a file in pieces. `fields` are those of a form of files: source, or index and group; `filename` and `start` in
 * place of the file's own name and of "false".
 * `onprogress(bytes)` is told how much is there, `onwaiting(seconds)` when the connection is lost; `signal` takes it
 * back: what was sent is deleted.
 * Resolves to `{ name, sent_as, outcome, size_bytes, source, file_id }`.
 */
export async function sendLarge(file, fields, { onprogress = () => {}, onwaiting = () => {}, signal } = {}) {
  const said = { filename: file.name, start: "false", ...fields };
  const key = `${said.filename} ${file.size} ${file.lastModified}`;
  try {
    let upload = await goneOn(key, signal) ?? await patient(() => begun(file, said, key, signal), onwaiting);
    for (;;) {
      onprogress(upload.offset);
      if (upload.done) break;
      upload = await patient(async (again) => {
        if (again) upload = await goneOn(key, signal) ?? await begun(file, said, key, signal);
        return sent(file, upload, signal);
      }, onwaiting);
    }
    forget(key);
    const { outcome, source, file_id } = upload;
    return { name: file.name, sent_as: said.filename, outcome, size_bytes: file.size, source, file_id };
  } catch (error) {
    if (signal?.aborted) {
      if (kept()[key]) ask(kept()[key], { method: "DELETE" }).catch(() => {});
      forget(key);
    }
    throw error;
  }
}

/** Do something again while there is no connection, each time after a longer wait. */
export async function patient(does, onwaiting = () => {}) {
  for (let tried = 0; ; tried += 1) {
    try {
      return await does(tried > 0);
    } catch (error) {
      if (error.status !== 0 || tried >= TRIES) throw error;
      const seconds = Math.min(2 ** tried, 15);
      onwaiting(seconds);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000);
        addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
      });
    }
  }
}

async function begun(file, said, key, signal) {
  const metadata = Object.entries(said).map(([name, value]) => `${name} ${base64(value)}`).join(",");
  const headers = { "upload-length": String(file.size), "upload-metadata": metadata };
  const reply = await ask(ADDRESS, { method: "POST", headers, signal });
  const path = new URL(reply.headers.get("location"), location.href).pathname;
  remember(key, path);
  return { path, offset: 0, done: false };
}

/** How far a file is of which some is there already; null where nothing is. */
async function goneOn(key, signal) {
  const path = kept()[key];
  if (!path) return null;
  try {
    const { offset } = await call(path, { signal });
    return { path, offset, done: false };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error.status === 0) return null;
    forget(key);
    return null;
  }
}

async function sent(file, { path, offset }, signal) {
  const body = file.slice(offset, offset + PIECE);
  const headers = { "upload-offset": String(offset), "content-type": BYTES_TYPE };
  const reply = await ask(path, { method: "PATCH", body, headers, signal });
  const said = reply.headers;
  const now = Number(said.get("upload-offset"));
  const source = said.get("operation-location")?.split("/sources/")[1];
  return {
    path, offset: now, done: now >= file.size, outcome: said.get("foveal-outcome"), file_id: said.get("foveal-file-id"),
    source: source && decodeURIComponent(source),
  };
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function kept() {
  try { return JSON.parse(localStorage.getItem(PLACE) ?? "{}"); } catch { return {}; }
}

function remember(key, path) { localStorage.setItem(PLACE, JSON.stringify({ ...kept(), [key]: path })); }

function forget(key) {
  const { [key]: _, ...others } = kept();
  localStorage.setItem(PLACE, JSON.stringify(others));
}
