// Filters as a sentence of chips: each says what it keeps, opens to be changed, and can be dropped.

import { h, placeUnder, refilled, sign } from "./dom.js";
import { day, number, t, year as yearOf } from "./words.js";

const LISTS = ["objects", "tags", "colors", "group_ids"];
/** Kinds of filters in the order they are offered; the field each is about. */
export const KINDS = {
  object: "objects", tag: "tags", date: "taken_at", place: "location", kind: "kind", type: "media_type", color: "colors",
  source: "source", camera: "camera", language: "language", group: "group_ids",
};

const quoted = (value) => `'${String(value).replaceAll("'", "''")}'`;

/** One filter in OData. */
function odataOf(filter) {
  const field = KINDS[filter.kind];
  if (filter.kind === "date") {
    const parts = [];
    if (filter.from) parts.push(`taken_at ge ${filter.from}T00:00:00Z`);
    if (filter.to) parts.push(`taken_at le ${filter.to}T23:59:59Z`);
    return parts.join(" and ");
  }
  if (filter.kind === "place") return `geo.distance(location, geography'POINT(${filter.longitude} ${filter.latitude})') le ${filter.km}`;
  return LISTS.includes(field) ? `${field}/any(x: x eq ${quoted(filter.value)})` : `${field} eq ${quoted(filter.value)}`;
}

/** All of them in OData; empty for none. */
export function toOData(filters) {
  return filters.map(odataOf).filter(Boolean).join(" and ");
}

/** What a filter keeps, in words. */
export function inWords(filter) {
  if (filter.kind === "date") {
    if (filter.from && filter.to && filter.from === filter.to) return t("filter.on_day", { day: day(filter.from) });
    if (filter.from && filter.to) {
      const year = filter.from.slice(0, 4);
      if (filter.from === `${year}-01-01` && filter.to === `${year}-12-31`) return t("filter.in_year", { year: yearOf(filter.from) });
      return t("filter.between", { from: day(filter.from), to: day(filter.to) });
    }
    return filter.from ? t("filter.since", { day: day(filter.from) }) : t("filter.until", { day: day(filter.to) });
  }
  if (filter.kind === "place") return t("filter.near", { km: number(filter.km), place: `${number(filter.latitude, 2)}, ${number(filter.longitude, 2)}` });
  if (filter.kind === "kind") return t(filter.value === "image" ? "filter.pictures" : "filter.documents");
  return t(`filter.is_${filter.kind}`, { value: shown(filter.kind, filter.value) });
}

function shown(kind, value) {
  if (kind === "type") return value.split("/").pop().replace("vnd.openxmlformats-officedocument.", "");
  if (kind === "source") return value.split(/[\\/]/).filter(Boolean).pop() ?? value;
  if (kind === "kind") return t(value === "image" ? "filter.pictures" : "filter.documents");
  return value;
}

export class Filters extends EventTarget {
  constructor(place) {
    super();
    this.place = place;
    this.filters = [];
    this.overview = null;
  }

  set(filters) { this.filters = filters; this.draw(); }

  changed() {
    this.draw();
    this.dispatchEvent(new Event("change"));
  }

  draw() {
    const chips = this.filters.map((filter, at) => h("span.chip.on.pair", {},
      h("button", { type: "button", "aria-haspopup": "dialog", onclick: (event) => this.edit(event.currentTarget, at) }, inWords(filter)),
      h("button.x", { type: "button", "aria-label": t("filter.drop", { what: inWords(filter) }), onclick: () => { this.filters.splice(at, 1); this.changed(); } }, "×")));
    const add = h("button.chip", { type: "button", id: "add-filter", disabled: !this.overview, "aria-haspopup": "dialog", onclick: (event) => this.edit(event.currentTarget, -1) },
      sign("filter"), this.filters.length ? t("filter.and") : t("filter.add"));
    refilled(this.place, ...chips, add);
  }

  /** A filter's values to choose from, real ones with their counts. */
  edit(anchor, at) {
    const old = this.filters[at];
    const offered = Object.entries(KINDS).filter(([kind]) => kind === "date" ? this.overview?.days.length
      : kind === "place" ? this.overview?.places.length : (this.overview?.fields[KINDS[kind]] ?? []).length > (kind === "object" || kind === "tag" ? 0 : 1));
    const values = h("div.values");
    const choose = h("select.input", { "aria-label": t("filter.about") }, ...offered.map(([kind]) => h("option", { value: kind, selected: kind === old?.kind }, t(`filter.kind_${kind}`))));
    const box = h("div.popover.builder", { popover: "auto", role: "dialog", "aria-label": t("filter.add") }, choose, values);
    const take = (filter) => {
      if (at >= 0) this.filters[at] = filter;
      else this.filters.push(filter);
      box.hidePopover();
      this.changed();
    };
    const list = () => {
      const kind = choose.value;
      values.replaceChildren(...(kind === "date" ? this.dates(old, take) : kind === "place" ? this.places(take) : this.values(kind, take)));
    };
    choose.addEventListener("change", list);
    list();
    box.addEventListener("toggle", (event) => { if (event.newState === "closed") { box.remove(); document.getElementById("add-filter")?.focus(); } });
    document.body.append(box);
    box.showPopover();
    placeUnder(box, anchor);
    choose.focus();
  }

  values(kind, take) {
    return (this.overview?.fields[KINDS[kind]] ?? []).map((one) => h("button.option", { type: "button", onclick: () => take({ kind, value: one.value }) },
      h("span", {}, shown(kind, one.value)), h("small", {}, number(one.count))));
  }

  dates(old, take) {
    const from = h("input.input", { type: "date", value: old?.from ?? "", "aria-label": t("filter.from") });
    const to = h("input.input", { type: "date", value: old?.to ?? "", "aria-label": t("filter.to") });
    const counts = new Map();
    for (const one of this.overview?.days ?? []) counts.set(one.day.slice(0, 4), (counts.get(one.day.slice(0, 4)) ?? 0) + one.count);
    return [
      h("label.field", {}, h("span.label", {}, t("filter.from")), from), h("label.field", {}, h("span.label", {}, t("filter.to")), to),
      h("button.button.plain", { type: "button", onclick: () => { if (from.value || to.value) take({ kind: "date", from: from.value, to: to.value }); } }, t("filter.take")),
      ...[...counts].map(([year, n]) => h("button.option", { type: "button", onclick: () => take({ kind: "date", from: `${year}-01-01`, to: `${year}-12-31` }) }, h("span", {}, yearOf(`${year}-01-01`)), h("small", {}, number(n)))),
    ];
  }

  places(take) {
    return (this.overview?.places ?? []).slice(0, 40).map((one) => h("button.option", { type: "button", onclick: () => take(nearTo(one)) },
      h("span", {}, `${number(one.latitude, 2)}, ${number(one.longitude, 2)}`), h("small", {}, number(one.count))));
  }
}

/** The filter of what lies around a place. */
export function nearTo(place) {
  return { kind: "place", latitude: Number(place.latitude.toFixed(4)), longitude: Number(place.longitude.toFixed(4)), km: 15 };
}
