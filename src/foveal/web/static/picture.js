// A picture with what matters in it marked. Orange and solid: what matched. White and dashed: what else is there.

import { h, svg } from "./dom.js";
import { t } from "./words.js";

const points = (box) => [[box.x, box.y], [box.x + box.width, box.y], [box.x + box.width, box.y + box.height], [box.x, box.y + box.height]];

/**
 * `<foveal-picture>`: `show({ src, alt, objects, lines, hits, boxes, text })`.
 * Boxes and polygons are fractions of the picture. `hits` are `{ objects: Set, lines: Set }`, `boxes` further matches.
 */
export class FovealPicture extends HTMLElement {
  constructor() {
    super();
    this.classList.add("pic");
  }

  show({ src, alt, objects = [], lines = [], hits = { objects: new Set(), lines: new Set() }, boxes = [], text = false, width, height }) {
    this.image = h("img", { src, alt, width: width || null, height: height || null, onload: () => this.measure() });
    if (width && height) this.shaped(width / height);
    this.marks = svg("svg", { class: "marks", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.tags = h("div.tags-over", { "aria-hidden": "true" });
    this.replaceChildren(this.image, this.marks, this.tags);
    objects.forEach((thing, i) => { if (!hits.objects.has(i)) this.mark(points(thing.box), "obj", thing.label); });
    lines.forEach((line, i) => { if (hits.lines.has(i)) this.mark(line.polygon, "hit", ""); });
    objects.forEach((thing, i) => { if (hits.objects.has(i)) this.mark(points(thing.box), "hit", thing.label); });
    boxes.forEach((box) => this.mark(points(box), "hit", ""));
    if (text && lines.length) this.layText(lines);
    return this;
  }

  /** How wide it is for its height: a tall one is not drawn wider than the window lets it be seen. */
  shaped(ratio) { this.style.setProperty("--ratio", String(ratio)); }

  measure() { this.shaped(this.image.naturalWidth / this.image.naturalHeight); }

  mark(polygon, kind, label) {
    this.marks.append(svg("polygon", { class: kind, points: polygon.map((p) => p.join(",")).join(" ") }));
    if (!label) return;
    const [x, y] = [Math.min(...polygon.map((p) => p[0])), Math.min(...polygon.map((p) => p[1]))];
    const tag = h(`span.${kind}`, {}, label);
    tag.style.left = `${Math.max(0, x) * 100}%`;
    tag.style.top = `${Math.max(0, y) * 100}%`;
    if (y < 0.07) tag.classList.add("inside");
    this.tags.append(tag);
  }

  /** Whether marks are shown. */
  set marked(on) {
    this.marks.toggleAttribute("hidden", !on);
    this.tags.hidden = !on;
  }

  /** The text read in the picture, where it stands, so that it can be selected and copied. */
  layText(lines) {
    const layer = h("div.text-over", { "aria-label": t("source.text_in_image") });
    for (const line of lines) {
      const xs = line.polygon.map((p) => p[0]);
      const ys = line.polygon.map((p) => p[1]);
      const span = h("span", {}, `${line.text}\n`);
      span.dataset.width = Math.max(...xs) - Math.min(...xs);
      span.dataset.height = Math.max(...ys) - Math.min(...ys);
      span.style.left = `${Math.min(...xs) * 100}%`;
      span.style.top = `${Math.min(...ys) * 100}%`;
      layer.append(span);
    }
    this.append(layer);
    const fit = () => {
      for (const span of layer.children) {
        span.style.fontSize = `${span.dataset.height * this.clientHeight * 0.8}px`;
        span.style.transform = "none";
        const wide = span.offsetWidth || 1;
        span.style.transform = `scaleX(${(span.dataset.width * this.clientWidth) / wide})`;
      }
    };
    new ResizeObserver(fit).observe(this);
  }

  /**
   * Let a person draw a box: by dragging, or with the arrows (with Shift they change its size), Enter takes it.
   * Resolves to `{x, y, width, height}` in fractions, or null after Esc.
   */
  draw() {
    this.drawn?.(null);
    const box = { x: 0.3, y: 0.3, width: 0.4, height: 0.4 };
    const shape = svg("rect", { class: "drawn" });
    const put = () => Object.entries(box).forEach(([name, value]) => shape.setAttribute(name, value));
    const clamp = (value, most = 1) => Math.min(Math.max(value, 0), most);
    const at = (event) => {
      const r = this.getBoundingClientRect();
      return [clamp((event.clientX - r.left) / r.width), clamp((event.clientY - r.top) / r.height)];
    };
    put();
    this.marks.removeAttribute("hidden");
    this.marks.append(shape);
    this.classList.add("drawing");
    this.tabIndex = 0;
    this.setAttribute("role", "application");
    this.setAttribute("aria-label", t("source.draw_help"));
    this.focus();
    return new Promise((resolve) => {
      const over = new AbortController();
      const end = (value) => {
        over.abort();
        this.drawn = null;
        shape.remove();
        this.classList.remove("drawing");
        this.removeAttribute("tabindex");
        this.removeAttribute("role");
        this.removeAttribute("aria-label");
        resolve(value);
      };
      this.drawn = end;
      let from = null;
      const on = (name, does) => this.addEventListener(name, does, { signal: over.signal });
      on("pointerdown", (event) => { event.preventDefault(); from = at(event); this.setPointerCapture(event.pointerId); });
      on("pointermove", (event) => {
        if (!from) return;
        const to = at(event);
        Object.assign(box, { x: Math.min(from[0], to[0]), y: Math.min(from[1], to[1]), width: Math.abs(to[0] - from[0]), height: Math.abs(to[1] - from[1]) });
        put();
      });
      on("pointerup", () => { if (from && box.width > 0.01 && box.height > 0.01) end({ ...box }); from = null; });
      on("keydown", (event) => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (event.key === "Escape") { event.stopPropagation(); event.preventDefault(); end(null); }
        else if (event.key === "Enter") { event.preventDefault(); end({ ...box }); }
        else if (step) {
          event.preventDefault();
          event.stopPropagation();
          if (event.shiftKey) {
            box.width = clamp(box.width + step[0] * 0.02, 1 - box.x) || 0.02;
            box.height = clamp(box.height + step[1] * 0.02, 1 - box.y) || 0.02;
          } else {
            box.x = clamp(box.x + step[0] * 0.02, 1 - box.width);
            box.y = clamp(box.y + step[1] * 0.02, 1 - box.height);
          }
          put();
        }
      });
    });
  }
}

customElements.define("foveal-picture", FovealPicture);

export function picture(shown) {
  return new FovealPicture().show(shown);
}
