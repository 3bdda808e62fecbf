// A map of places without a map: a plain projection (equirectangular) with its graticule, on the part of the world that
// has pictures. Nothing is fetched from elsewhere.

import { svg } from "./dom.js";
import { number, t, tn } from "./words.js";

/** How far the picture reaches, in its own units: on a phone as high as wide, so that what is written on it can be read. */
const reach = () => (innerWidth <= 860 ? [104, 104] : [200, 100]);

const MOST_PICTURES = 60;

/** A degree as people write it: 47° N, 8° E. */
function degrees(value, positive, negative, digits = 0) {
  const shown = `${number(Math.abs(value), digits)}°`;
  return Number(value.toFixed(digits)) === 0 ? shown : `${shown} ${t(`map.${value > 0 ? positive : negative}`)}`;
}

/** `pictureOf` gives the address of a picture of a place. */
export function drawMap(place, spots, { onchoose, pictureOf }) {
  const [wide, high] = reach();
  const longitudes = spots.map((one) => one.longitude);
  const latitudes = spots.map((one) => one.latitude);
  const margin = 0.12;
  const span = Math.max(Math.max(...longitudes) - Math.min(...longitudes), ((Math.max(...latitudes) - Math.min(...latitudes)) * wide) / high, 1) * (1 + 2 * margin);
  const middle = [(Math.max(...longitudes) + Math.min(...longitudes)) / 2, (Math.max(...latitudes) + Math.min(...latitudes)) / 2];
  const squeeze = Math.cos((middle[1] * Math.PI) / 180) || 1;
  const scale = wide / span;
  const at = (longitude, latitude) => [(longitude - middle[0]) * scale + wide / 2, high / 2 - ((latitude - middle[1]) * scale) / squeeze];
  const step = [90, 45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1].find((one) => span / one >= 4) ?? 0.1;
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "group", "aria-label": t("gallery.map") });
  for (let line = Math.ceil((middle[0] - span / 2) / step) * step; line <= middle[0] + span / 2; line += step) {
    const [x] = at(line, middle[1]);
    picture.append(svg("path", { class: "graticule", d: `M${x} 0V${high}` }), svg("text", { x: x + 1, y: high - 1.5 }, degrees(line, "e", "w", step < 1 ? 1 : 0)));
  }
  const tall = ((high / scale) * squeeze) / 2;
  for (let line = Math.ceil((middle[1] - tall) / step) * step; line <= middle[1] + tall; line += step) {
    if (Math.abs(line) >= 90) continue;
    const [, y] = at(middle[0], line);
    picture.append(svg("path", { class: "graticule", d: `M0 ${y}H${wide}` }), svg("text", { x: 1.5, y: y - 1 }, degrees(line, "n", "s", step < 1 ? 1 : 0)));
  }
  const most = Math.max(...spots.map((one) => one.count));
  const shown = [...spots].sort((a, b) => b.count - a.count);
  for (const [number_, one] of shown.entries()) {
    const [cx, cy] = at(one.longitude, one.latitude);
    const r = 3 + 5 * Math.sqrt(one.count / most);
    const label = `${degrees(one.latitude, "n", "s", 2)}, ${degrees(one.longitude, "e", "w", 2)}: ${tn("chat.items", one.count)}`;
    const spot = svg("a", { href: "#", "aria-label": label }, svg("title", {}, label));
    if (number_ < MOST_PICTURES) {
      spot.append(svg("circle", { class: "spot", cx, cy, r }), svg("clipPath", { id: `spot-${number_}` }, svg("circle", { cx, cy, r })),
        svg("image", { href: pictureOf(one), x: cx - r, y: cy - r, width: 2 * r, height: 2 * r, preserveAspectRatio: "xMidYMid slice", "clip-path": `url(#spot-${number_})` }),
        svg("circle", { class: "spot pictured", cx, cy, r }));
      if (one.count > 1) spot.append(svg("text", { class: "count", x: cx, y: cy + r + 3 }, number(one.count)));
    } else spot.append(svg("circle", { class: "spot", cx, cy, r: r / 2 }));
    spot.addEventListener("click", (event) => { event.preventDefault(); onchoose(one); });
    picture.append(spot);
  }
  place.replaceChildren(picture);
}
