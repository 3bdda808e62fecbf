// Signing in: at a provider, with a name and password, or with a key, as far as this server knows them.

import { ApiError, call } from "./api.js";
import { $ } from "./dom.js";
import { t } from "./words.js";

/** Where to go next: an address of this server, never one of elsewhere. */
function next() {
  const wanted = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return wanted.origin === location.origin ? wanted.pathname + wanted.search : "/";
}

const said = $("#sign-in-error");

function refuse(text) {
  said.textContent = text;
  said.hidden = false;
}

/** Why the provider's answer was not taken: told once, by a cookie. */
function problem() {
  const found = document.cookie.split("; ").find((one) => one.startsWith("foveal_problem="));
  if (!found) return;
  document.cookie = "foveal_problem=; path=/sign-in; max-age=0";
  try { refuse(decodeURIComponent(found.slice(found.indexOf("=") + 1).replaceAll('"', ""))); } catch { /* not ours */ }
}

async function enter(body, wrong, field) {
  said.hidden = true;
  try {
    await call("/v1/session", { method: "POST", body });
    location.assign(next());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refuse(error.status === 401 ? wrong : `${error.message} ${error.remedy}`.trim());
    field.select();
  }
}

$("#sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  enter({ key: $("#key").value }, t("sign-in.wrong"), $("#key"));
});
$("#with-password").addEventListener("submit", (event) => {
  event.preventDefault();
  enter({ name: $("#name").value, password: $("#password").value }, t("sign-in.wrong_password"), $("#password"));
});

problem();
try {
  const ways = await call("/v1/session/ways");
  $("#provider").hidden = !ways.provider;
  if (ways.provider) {
    $("#provider").textContent = t("sign-in.with", { provider: ways.provider });
    $("#provider").href = `/v1/session/openid?next=${encodeURIComponent(next())}`;
  }
  $("#with-password").hidden = !ways.password;
  $("#sign-in").hidden = !ways.key && (ways.password || Boolean(ways.provider));
  $("#sign-in .button").classList.toggle("plain", !$("#with-password").hidden || !$("#provider").hidden);
  $("#lead").textContent = ways.password || ways.provider ? t("sign-in.lead_people") : t("sign-in.lead");
} catch (error) {
  $("#sign-in").hidden = false;
  refuse(`${error.message} ${error.remedy ?? ""}`.trim());
}
(["#provider", "#name", "#key"].map((one) => $(one)).find((one) => one.offsetParent !== null))?.focus();
