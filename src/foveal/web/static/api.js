// Calls of the HTTP interface, as any program makes them.

import { t } from "./words.js";

let session = null;

/** What went wrong: the server's words and what to do about it. */
export class ApiError extends Error {
  constructor(status, code, message, remedy = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Who we are to the server; asked once a page. */
export function whoami() {
  session ??= call("/v1/session");
  return session;
}

/** Forget it, after signing in or out. */
export function forgetMe() { session = null; }

let pass = "";

/** Call with a visitor's pass from now on; gives what puts it into the address of a picture. */
export function carryPass(token) {
  pass = token;
  return (url) => `${url}${url.includes("?") ? "&" : "?"}pass=${encodeURIComponent(token)}`;
}

async function send(path, { method = "GET", body, signal, headers = {} } = {}) {
  const given = { ...headers };
  if (pass) given.authorization = `Bearer ${pass}`;
  else if (method !== "GET") {
    const me = path === "/v1/session" && method === "POST" ? null : await whoami();
    if (me?.token) given["x-foveal-token"] = me.token;
  }
  if (body !== undefined && !(body instanceof FormData) && !(body instanceof Blob)) {
    given["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, { method, body, signal, headers: given });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", t("error.unreachable"), t("error.unreachable_remedy"));
  }
  if (!reply.ok) throw await failure(reply);
  return reply;
}

let leaving = false;
async function failure(reply) {
  if (reply.status === 401 && !leaving && !["/sign-in", "/embed"].includes(location.pathname)) {
    leaving = true;
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const given = await reply.json().catch(() => ({}));
  return told(reply.status, given.error);
}

function told(status, error) {
  const inner = error?.innererror ?? {};
  const remedy = inner.remedy ?? "";
  const whole = error?.message ?? t("error.status", { status });
  const message = remedy && whole.endsWith(remedy) ? whole.slice(0, -remedy.length).trim() : whole;
  return new ApiError(status, inner.code ?? String(error?.code ?? status), message, remedy);
}

/** JSON of a call; null where it has no body. */
export async function call(path, options) {
  const reply = await send(path, options);
  return reply.status === 204 ? null : reply.json();
}

/** The answer to HEAD or GET as it came. */
export const ask = send;

/** The events of a stream, one JSON value each, as they come. */
export async function* events(path, options) {
  const reply = await send(path, options);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        throw error.name === "AbortError" ? error : new ApiError(0, "unreachable", t("error.unreachable"), t("error.unreachable_remedy"));
      });
      if (done) break;
      rest += value;
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        const line = rest.slice(0, end).split("\n").find((one) => one.startsWith("data: "));
        rest = rest.slice(end + 2);
        if (!line || line === "data: [DONE]") continue;
        const event = JSON.parse(line.slice(6));
        if (event.error) throw told(event.error.status ?? 500, event.error);
        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
