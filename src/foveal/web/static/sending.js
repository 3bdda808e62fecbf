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
 * Send a file in pieces. `fields` are those of a form of files: source, or index and group.
 * `onprogress(bytes)` is told how much is there, `onwaiting(seconds)` when the connection is lost.
 * Resolves to `{ name, sent_as, outcome, size_bytes, source }`.
 */
export async function sendLarge(file, fields, { onprogress = () => {}, onwaiting = () => {} } = {}) {
  let upload = await goneOn(file) ?? await patient(() => begun(file, fields), onwaiting);
  for (;;) {
    onprogress(upload.offset);
    if (upload.done) break;
    upload = await patient(async (again) => {
      if (again) upload = await goneOn(file) ?? await begun(file, fields);
      return upload.done ? upload : sent(file, upload);
    }, onwaiting);
  }
  forget(file);
  return { name: file.name, sent_as: file.name, outcome: upload.outcome, size_bytes: file.size, source: upload.source };
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

async function begun(file, fields) {
  const said = { filename: file.name, start: "false", ...fields };
  const metadata = Object.entries(said).map(([name, value]) => `${name} ${base64(value)}`).join(",");
  const reply = await ask(ADDRESS, { method: "POST", headers: { "upload-length": String(file.size), "upload-metadata": metadata } });
  const path = new URL(reply.headers.get("location"), location.href).pathname;
  remember(file, path);
  return { path, offset: 0, done: false };
}

/** How far a file is of which some is there already; null where nothing is. */
async function goneOn(file) {
  const path = kept()[keyOf(file)];
  if (!path) return null;
  try {
    const { offset } = await call(path);
    return { path, offset, done: false };
  } catch (error) {
    if (error.status === 0) return null;
    forget(file);
    return null;
  }
}

async function sent(file, { path, offset }) {
  const body = file.slice(offset, offset + PIECE);
  const headers = { "upload-offset": String(offset), "content-type": BYTES_TYPE };
  const reply = await ask(path, { method: "PATCH", body, headers });
  const now = Number(reply.headers.get("upload-offset"));
  const source = reply.headers.get("operation-location")?.split("/sources/")[1];
  return { path, offset: now, done: now >= file.size, outcome: reply.headers.get("foveal-outcome"), source: source && decodeURIComponent(source) };
}

const keyOf = (file) => `${file.name} ${file.size} ${file.lastModified}`;

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function kept() {
  try { return JSON.parse(localStorage.getItem(PLACE) ?? "{}"); } catch { return {}; }
}

function remember(file, path) { localStorage.setItem(PLACE, JSON.stringify({ ...kept(), [keyOf(file)]: path })); }

function forget(file) {
  const { [keyOf(file)]: _, ...others } = kept();
  localStorage.setItem(PLACE, JSON.stringify(others));
}
