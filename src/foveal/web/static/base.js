// What every page does: who one is, language and theme, the menu on a phone, keys that go places.

import { whoami, call, forgetMe } from "./api.js";
import { $, $$, h } from "./dom.js";
import { list, t } from "./words.js";

const YEAR_S = 31536000;

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

$("#language")?.addEventListener("change", (event) => {
  remember("foveal_language", event.target.value);
  location.reload();
});

$("#theme")?.addEventListener("change", (event) => {
  remember("foveal_theme", event.target.value);
  document.documentElement.dataset.theme = event.target.value;
});

function turnMenu(open) {
  $("#side").classList.toggle("open", open);
  $("#menu-button").setAttribute("aria-expanded", String(open));
}
$("#menu-button")?.addEventListener("click", () => turnMenu(!$("#side").classList.contains("open")));
document.addEventListener("foveal:begun", () => { if ($("#menu-button")) turnMenu(false); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !$("#side")?.classList.contains("open")) return;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  turnMenu(false);
  $("#menu-button").focus();
});

/** Whether a key was pressed where text is written. */
export function isTyping(event) {
  const at = event.target;
  return at instanceof Element && (at.closest("input, textarea, select, [contenteditable]") !== null);
}

let going = 0;  // a timer, while the letter after `g` is waited for
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
  if (document.querySelector("dialog[open]")) return;
  if (going) {
    clearTimeout(going);
    going = 0;
    const to = $$("a.nav").find((link) => link.dataset.key === event.key);
    if (to) { event.preventDefault(); location.assign(to.href); }
  } else if (event.key === "g") {
    going = setTimeout(() => { going = 0; }, 1500);
  } else if (event.key === "?") {
    event.preventDefault();
    $("#shortcuts").showModal();
  } else if (event.key === "/") {
    const field = $("[data-first-field]");
    if (field) { event.preventDefault(); field.focus(); }
  }
});

async function showMe() {
  const me = await whoami();
  const place = $("#me");
  if (!place) return;
  if (!me.signed_in) { place.textContent = me.name === "local" ? t("base.local") : ""; return; }
  const groups = me.groups?.length ? t("base.groups", { groups: list(me.groups) }) : "";
  place.replaceChildren(h("span", {}, t("base.signed_in", { name: me.name }) + (groups ? ` · ${groups}` : "")), " ",
    h("button.link", { type: "button", onclick: signOut }, t("base.sign_out")));
}

async function signOut() {
  const out = await call("/v1/session", { method: "DELETE" });
  forgetMe();
  sessionStorage.clear(); // what was asked is the person's
  location.assign(out?.leave_url || "/sign-in");
}

if ($("#me") && !document.body.classList.contains("page-sign-in")) showMe().catch(() => {});
