// Signing in with a key.

import { ApiError, call } from "./api.js";
import { $ } from "./dom.js";
import { t } from "./words.js";

/** Where to go next: an address of this server, never one of elsewhere. */
function next() {
  const wanted = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return wanted.origin === location.origin ? wanted.pathname + wanted.search : "/";
}

$("#key").focus();
$("#sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = $("#sign-in-error");
  said.hidden = true;
  try {
    await call("/v1/session", { method: "POST", body: { key: $("#key").value } });
    location.assign(next());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    said.textContent = error.status === 401 ? t("sign-in.wrong") : `${error.message} ${error.remedy}`;
    said.hidden = false;
    $("#key").select();
  }
});
