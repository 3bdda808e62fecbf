// Elements out of values. Text only ever becomes text; markup only through `cleaned`, which takes what the server cleaned.

import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

const policy = globalThis.trustedTypes?.createPolicy("foveal", { createHTML: (markup) => markup })
  ?? { createHTML: (markup) => markup };

/** An element: `h("p.mute", { id: "a", onclick }, "text", child)`. A property that is null or false is left out. */
export function h(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  return filled(element, properties, children);
}

/** The same for a picture in SVG. */
export function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The nodes of markup that the server cleaned. Nothing else may come here. */
export function cleaned(markup) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(markup);
  return template.content;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const PATHS = {
  plus: "M12 5v14M5 12h14", close: "M6 6l12 12M18 6L6 18", stop: "M7 7h10v10H7z", copy: "M9 9h10v10H9zM5 15V5h10",
  again: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6", up: "M7 11v9H4v-9zM7 11l4-8c1.6 0 2.6 1.2 2.2 2.8L12.6 9H18a2 2 0 0 1 2 2.4l-1.4 7A2 2 0 0 1 16.6 20H7",
  down: "M17 13V4h3v9zM17 13l-4 8c-1.6 0-2.6-1.2-2.2-2.8l.6-3.2H6a2 2 0 0 1-2-2.4l1.4-7A2 2 0 0 1 7.4 4H17",
  code: "M9 8l-5 4 5 4M15 8l5 4-5 4", box: "M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4", left: "M15 5l-7 7 7 7", right: "M9 5l7 7-7 7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4", alike: "M4 8h12v12H4zM8 8V4h12v12h-4", open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3", more: "M6 12h.01M12 12h.01M18 12h.01", share: "M12 15V4M8 8l4-4 4 4M5 13v7h14v-7",
  less: "M6 15l6-6 6 6", further: "M6 9l6 6 6-6", film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9h4M4 15h4M16 9h4M16 15h4", filter: "M4 6h16M7 12h10M10 18h4", info: "M12 11v6M12 7.5h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", check: "M5 13l4 4L19 7",
};

/** One of the drawn signs; it says nothing by itself, its button has the label. */
export function sign(name) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

/** A button with a sign for a label's eyes. */
export function iconButton(name, label, onclick, extra = {}) {
  return h("button.icon", { type: "button", "aria-label": label, title: label, onclick, ...extra }, sign(name));
}

/** Put other elements into a row of controls; the focus stays on the one at its place. */
export function refilled(row, ...parts) {
  const at = [...row.children].findIndex((one) => one.contains(document.activeElement));
  row.replaceChildren(...parts);
  const now = row.children[Math.min(at, row.children.length - 1)];
  if (at >= 0 && document.activeElement === document.body) (now?.matches("button, a") ? now : $("button, a", now))?.focus();
}

/** Bytes as an address that holds them. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

let speaking;
/** Say something to who listens instead of looks. */
export function say(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => { live.textContent = text; }, 60);
}

/** A message that goes by itself; `undo` gives it a button. */
export function toast(text, { undo = null, label = "", ms = 8000 } = {}) {
  const box = document.getElementById("toasts");
  const one = h("div.toast", {}, h("span", {}, text));
  const gone = setTimeout(() => one.remove(), ms);
  if (undo) one.append(h("button", { type: "button", onclick: () => { clearTimeout(gone); one.remove(); undo(); } }, label));
  box.append(one);
  say(text);
  return one;
}

/** Copy a text, also at a plain http address, where browsers keep their clipboard from scripts; and say so. */
export async function copy(text) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false) || copiedByHand(text);
  toast(t(done ? "base.copied" : "base.not_copied"), { ms: done ? 2500 : 8000 });
}

function copiedByHand(text) {
  const held = document.activeElement;
  const field = h("textarea.sr", { value: text });
  (held.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  held.focus();
  return done;
}

/** Put a popover under its button, inside the window. */
export function placeUnder(popover, anchor) {
  const at = anchor.getBoundingClientRect();
  const width = Math.max(popover.offsetWidth, 240);
  const height = popover.offsetHeight;
  popover.style.left = `${Math.max(12, Math.min(at.left, innerWidth - width - 12))}px`;
  const below = at.bottom + 6;
  popover.style.top = `${below + height > innerHeight - 12 ? Math.max(12, at.top - height - 6) : below}px`;
}

/** A list to choose from, opened under its button; arrows walk it, Esc closes. */
export function chooser(anchor, options, { multiple = false, onchoose, label }) {
  const box = h("div.popover", { role: "menu", popover: "auto", "aria-label": label });
  for (const option of options) {
    box.append(h("button.option", {
      type: "button", role: multiple ? "menuitemcheckbox" : "menuitemradio", "aria-checked": String(Boolean(option.on)),
      onclick: (event) => {
        if (multiple) event.currentTarget.setAttribute("aria-checked", String(option.on = !option.on));
        else box.hidePopover();
        onchoose(option);
      },
    }, h("span", {}, option.label), option.note ? h("small", {}, option.note) : null));
  }
  box.addEventListener("keydown", (event) => {
    const items = $$(".option", box);
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); items.at((at + step) % items.length)?.focus(); }
  });
  box.addEventListener("toggle", (event) => {
    anchor.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed") { box.remove(); anchor.focus(); }
  });
  document.body.append(box);
  box.showPopover();
  placeUnder(box, anchor);
  ($('[aria-checked="true"]', box) ?? $(".option", box))?.focus();
  return box;
}

/** Ask once before something that cannot be undone; true when the person agrees. */
export function confirmed({ title, text, label, bad = false }) {
  return new Promise((resolve) => {
    const dialog = h("dialog.dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, title), h("p.lead", { id: "confirm-text" }, text),
      h("form", { method: "dialog" },
        h("button.button.plain", { value: "no", autofocus: true }, t("base.cancel")),
        h(`button.button${bad ? ".bad" : ""}`, { value: "yes" }, label)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
