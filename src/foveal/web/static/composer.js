// Where a question is written: words, up to ten pictures that are attached, pasted or dropped, and a video. A video stays
// attached for the questions that follow, until it is taken away.

import { AttachedVideo } from "./attached-video.js";
import { $, dataUrl, h, say, sign, svg, toast } from "./dom.js";
import { picture } from "./picture.js";
import { clock, number, t } from "./words.js";

export const MOST_IMAGES = 10;
const FRAMES = 6;
const SMALL_PX = 240;
const DRAFT = "foveal.draft";  // what is being written, so that signing in again or reloading does not lose it

export class Composer extends EventTarget {
  constructor() {
    super();
    this.form = $("#composer");
    this.field = $("#question");
    this.row = $("#attached");
    this.images = [];
    this.isOpen = false;
    this.underWay = 0;  // pictures that are being read
    this.waiting = false;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.write(sessionStorage.getItem(DRAFT) ?? "");
    this.field.addEventListener("input", () => this.write(this.field.value));
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); if (!this.busy) this.send(); }
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
    if (!on) queueMicrotask(() => this.goOn());
  }

  /** The words of the field; as a person types them they are in it already. */
  write(text) {
    if (this.field.value !== text) this.field.value = text;
    if (text) sessionStorage.setItem(DRAFT, text);
    else sessionStorage.removeItem(DRAFT);
    this.fit();
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 200)}px`;
  }

  /** From now on questions are asked, also one that was sent before. */
  open() {
    this.isOpen = true;
    this.goOn();
  }

  /** Whether a question must wait for the page, or for what is attached to it. */
  get pending() { return !this.isOpen || this.underWay > 0 || this.images.some((image) => image.video?.pending); }

  goOn() { if (this.waiting && !this.pending && !this.busy) this.send(); }

  /** A question that is sent meanwhile waits for this; it is not asked without what cannot be read. */
  async reading(work) {
    this.underWay += 1;
    try {
      await work();
    } catch (error) {
      this.waiting = false;
      throw error;
    } finally {
      this.underWay -= 1;
      this.goOn();
    }
  }

  send() {
    if (this.busy) { this.dispatchEvent(new Event("stop")); return; }
    const text = this.field.value.trim();
    const broken = this.images.some((image) => image.video?.state === "failed");
    if (broken || (!text && !this.images.length && !this.underWay)) { this.field.focus(); return; }
    this.waiting = this.pending;
    if (this.images.some((image) => image.video?.pending)) toast(t("chat.video_waits"));
    if (this.waiting) return;
    const question = { text, images: this.images.map(asked) };
    this.images = this.images.filter((image) => image.video);
    this.write("");
    this.draw();
    this.dispatchEvent(new CustomEvent("ask", { detail: question }));
  }

  /** Put a question back to be changed. */
  fill(question) {
    this.write(question.text);
    const kept = this.images.filter((image) => image.video);
    this.images = [...kept, ...question.images.filter((image) => image.url)];
    this.draw();
    this.field.focus();
  }

  take(files) { return this.reading(() => this.taken(files)); }

  async taken(files) {
    for (const file of files) {
      if (this.pictures >= MOST_IMAGES) { toast(t("chat.too_many", { most: number(MOST_IMAGES) })); break; }
      try {
        if (file.type.startsWith("video/")) await this.takeVideo(file);
        else if (file.type.startsWith("image/") || /\.(hei[cf]|tiff?|avif|bmp)$/i.test(file.name)) await this.add(file.name, await dataUrl(file));
        else toast(t("chat.not_a_picture", { name: file.name }));
      } catch {
        this.waiting = false;
        toast(t("chat.unreadable", { name: file.name }));
      }
    }
    this.field.focus();
  }

  /** How many pictures are attached; a video is none. */
  get pictures() { return this.images.filter((image) => !image.video).length; }

  async add(name, url, { box = null, note = "" } = {}) {
    if (this.pictures >= MOST_IMAGES) { toast(t("chat.too_many", { most: number(MOST_IMAGES) })); return; }
    this.images.push({ name, url, box, note, small: await smaller(url) });
    this.draw();
    say(t("chat.attached", { name }));
  }

  /** Send a video to be asked about; where this person may not add anything, some of its frames. */
  async takeVideo(file) {
    const video = new AttachedVideo(file);
    const entry = { name: file.name, url: "", box: null, note: "", small: "", video };
    this.drop((image) => image.video);
    this.images.unshift(entry);
    video.addEventListener("change", () => this.told(entry));
    this.draw();
    poster(file).then((small) => { entry.small = small; this.draw(); }, () => {});
    video.start().catch(() => {
      this.drop((image) => image === entry);
      this.takeFrames(file).catch(() => toast(t("chat.unreadable", { name: file.name })));
    });
  }

  /** What a video has become. */
  told({ name, video }) {
    const line = this.row.querySelector(".attachment.video .state");
    if (line && video.pending) line.textContent = video.words;
    else this.draw();
    if (video.state === "ready") {
      say(t("chat.attached", { name }));
      this.goOn();
    } else if (video.state === "failed") {
      this.waiting = false;
      toast(t("chat.video_failed", { name, reason: video.message }));
    }
  }

  /** Take attachments away; a video that nobody asked about is deleted. */
  drop(which) {
    for (const { video } of this.images.filter(which)) if (video && !video.used) video.cancel();
    this.images = this.images.filter((image) => !which(image));
    this.waiting &&= this.pending;
    this.draw();
  }

  /** A browser has no address for a moment of a video that a server could read: the frames themselves are attached. */
  async takeFrames(file) {
    const address = URL.createObjectURL(file);
    const video = h("video", { src: address, muted: true, preload: "auto" });
    try {
      await once(video, "loadeddata");
      const room = Math.min(FRAMES, MOST_IMAGES - this.pictures);
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
    this.row.replaceChildren(...this.images.map((image, at) => (image.video ? this.videoCard(image) : h("div.attachment", {},
      h("button.open", { type: "button", "aria-label": t("chat.open_attached", { name: image.name }), onclick: () => this.edit(at) },
        h("img", { src: image.small || image.url, alt: image.name }), image.box ? boxMark(image.box) : null),
      image.note ? h("small", {}, image.note) : null,
      this.off(image)))));
  }

  videoCard(image) {
    const { video } = image;
    return h(`div.attachment.video${video.state === "failed" ? ".bad" : ""}`, {},
      image.small ? h("img", { src: image.small, alt: "" }) : h("span.film-sign", {}, sign("film")),
      h("span.about", {}, h("b", {}, image.name), h("span.state", { role: "status" }, video.words || t("chat.video_ready"))),
      this.off(image));
  }

  off(image) {
    return h("button.off", { type: "button", "aria-label": t("chat.remove_attached", { name: image.name }), onclick: () => {
      this.drop((one) => one === image);
      this.field.focus();
    } }, sign("close"));
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

/** An attachment as it is asked about: of a video where it is. */
function asked(image) {
  if (!image.video) return image;
  image.video.used = true;
  return { name: image.name, small: image.small, note: "", box: null, video: { id: image.video.id } };
}

/** A small picture of a video. */
async function poster(file) {
  const address = URL.createObjectURL(file);
  const video = h("video", { src: address, muted: true, preload: "auto" });
  try {
    await once(video, "loadeddata");
    video.currentTime = (video.duration || 0) / 6;
    await once(video, "seeked");
    return drawn(video, video.videoWidth, video.videoHeight, SMALL_PX);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function once(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error(name)), { once: true });
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
