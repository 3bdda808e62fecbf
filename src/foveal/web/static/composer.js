// Where a question is written: words, and up to ten pictures that are attached, pasted or dropped. Of a video, frames.

import { $, h, say, sign, svg, toast } from "./dom.js";
import { picture } from "./picture.js";
import { clock, number, t } from "./words.js";

export const MOST_IMAGES = 10;
const FRAMES = 6;
const SMALL_PX = 240;

export class Composer extends EventTarget {
  constructor() {
    super();
    this.form = $("#composer");
    this.field = $("#question");
    this.row = $("#attached");
    this.images = [];
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.field.addEventListener("input", () => this.fit());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
      if (event.key === "Escape" && this.busy) this.dispatchEvent(new Event("stop"));
    });
    $("#attach").addEventListener("click", () => $("#files").click());
    $("#files").addEventListener("change", (event) => { this.take([...event.target.files]); event.target.value = ""; });
    this.field.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (files.length) { event.preventDefault(); this.take(files); }
    });
    const area = $("#chat");
    area.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      this.form.classList.add("over");
    });
    area.addEventListener("dragleave", (event) => { if (!area.contains(event.relatedTarget)) this.form.classList.remove("over"); });
    area.addEventListener("drop", (event) => {
      event.preventDefault();
      this.form.classList.remove("over");
      this.take([...event.dataTransfer.files]);
    });
  }

  get busy() { return this.form.dataset.busy === "true"; }

  set busy(on) {
    this.form.dataset.busy = String(on);
    const send = $("#send");
    send.textContent = on ? t("chat.stop") : t("chat.ask");
    send.classList.toggle("plain", on);
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 200)}px`;
  }

  send() {
    if (this.busy) { this.dispatchEvent(new Event("stop")); return; }
    const text = this.field.value.trim();
    if (!text && !this.images.length) { this.field.focus(); return; }
    const question = { text, images: this.images };
    this.images = [];
    this.field.value = "";
    this.fit();
    this.draw();
    this.dispatchEvent(new CustomEvent("ask", { detail: question }));
  }

  /** Put a question back to be changed. */
  fill(question) {
    this.field.value = question.text;
    this.images = question.images.filter((image) => image.url);
    this.fit();
    this.draw();
    this.field.focus();
  }

  async take(files) {
    for (const file of files) {
      if (this.images.length >= MOST_IMAGES) { toast(t("chat.too_many", { most: number(MOST_IMAGES) })); break; }
      try {
        if (file.type.startsWith("video/")) await this.takeVideo(file);
        else if (file.type.startsWith("image/") || /\.(hei[cf]|tiff?|avif|bmp)$/i.test(file.name)) await this.add(file.name, await dataUrl(file));
        else toast(t("chat.not_a_picture", { name: file.name }));
      } catch {
        toast(t("chat.unreadable", { name: file.name }));
      }
    }
    this.field.focus();
  }

  async add(name, url, { box = null, note = "" } = {}) {
    if (this.images.length >= MOST_IMAGES) { toast(t("chat.too_many", { most: number(MOST_IMAGES) })); return; }
    this.images.push({ name, url, box, note, small: await smaller(url) });
    this.draw();
    say(t("chat.attached", { name }));
  }

  /** A browser has no address for a moment of a video that a server could read: the frames themselves are attached. */
  async takeVideo(file) {
    const address = URL.createObjectURL(file);
    const video = h("video", { src: address, muted: true, preload: "auto" });
    try {
      await once(video, "loadeddata");
      const room = Math.min(FRAMES, MOST_IMAGES - this.images.length);
      for (let n = 0; n < room; n += 1) {
        const second = (video.duration * (n + 0.5)) / room;
        video.currentTime = second;
        await once(video, "seeked");
        await this.add(file.name, drawn(video, video.videoWidth, video.videoHeight, 1280), { note: clock(second * 1000) });
      }
      toast(t("chat.frames", { n: number(room), name: file.name }));
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  draw() {
    this.row.hidden = !this.images.length;
    this.row.replaceChildren(...this.images.map((image, at) => h("div.attachment", {},
      h("button.open", { type: "button", "aria-label": t("chat.open_attached", { name: image.name }), onclick: () => this.edit(at) },
        h("img", { src: image.small || image.url, alt: image.name }), image.box ? boxMark(image.box) : null),
      image.note ? h("small", {}, image.note) : null,
      h("button.off", { type: "button", "aria-label": t("chat.remove_attached", { name: image.name }), onclick: () => {
        this.images.splice(at, 1);
        this.draw();
        this.field.focus();
      } }, sign("close")))));
  }

  /** The attached picture in large, to draw a box on. */
  edit(at) {
    const image = this.images[at];
    const shown = picture({ src: image.url, alt: image.name, boxes: image.box ? [image.box] : [] });
    const dialog = h("dialog.dialog.wide", { "aria-label": image.name },
      h("h2", {}, t("chat.part_title")), h("p.lead", {}, t("chat.part_lead")), h("p.sr", {}, t("source.draw_help")), shown,
      h("div.actions", {},
        h("button.button.plain", { type: "button", onclick: () => { image.box = null; dialog.close(); } }, t("chat.whole")),
        h("button.button", { type: "button", onclick: () => dialog.close() }, t("base.close"))));
    dialog.addEventListener("close", () => { shown.drawn?.(null); dialog.remove(); this.draw(); this.field.focus(); });
    document.body.append(dialog);
    dialog.showModal();
    shown.draw().then((box) => { if (box) image.box = box; dialog.close(); });
  }
}

export function boxMark(box) {
  return svg("svg", { class: "marks", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "hit", x: box.x, y: box.y, width: box.width, height: box.height }));
}

function once(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error(name)), { once: true });
  });
}

export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** A small copy to show; empty where this browser cannot read the picture (the server may). */
async function smaller(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return "";
  }
  return drawn(image, image.naturalWidth, image.naturalHeight, SMALL_PX);
}

function drawn(what, width, height, most) {
  const scale = Math.min(1, most / Math.max(width, height));
  const canvas = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d").drawImage(what, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}
