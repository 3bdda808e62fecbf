// A map of places without a map: a plain projection (equirectangular) with its graticule, on the part of the world that
// has pictures. Nothing is fetched from elsewhere.

import { svg } from "./dom.js";
import { number, t, tn } from "./words.js";

const WIDE = 200;

export function drawMap(place, spots, { onchoose }) {
  const longitudes = spots.map((one) => one.longitude);
  const latitudes = spots.map((one) => one.latitude);
  const margin = 0.12;
  const span = Math.max(Math.max(...longitudes) - Math.min(...longitudes), (Math.max(...latitudes) - Math.min(...latitudes)) * 2, 1) * (1 + 2 * margin);
  const middle = [(Math.max(...longitudes) + Math.min(...longitudes)) / 2, (Math.max(...latitudes) + Math.min(...latitudes)) / 2];
  const squeeze = Math.cos((middle[1] * Math.PI) / 180) || 1;
  const scale = WIDE / span;
  const high = WIDE / 2;
  const at = (longitude, latitude) => [(longitude - middle[0]) * scale + WIDE / 2, high / 2 - ((latitude - middle[1]) * scale) / squeeze];
  const step = [90, 45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1].find((one) => span / one >= 4) ?? 0.1;
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "group", "aria-label": t("gallery.map") });
  for (let line = Math.ceil((middle[0] - span / 2) / step) * step; line <= middle[0] + span / 2; line += step) {
    const [x] = at(line, middle[1]);
    picture.append(svg("path", { class: "graticule", d: `M${x} 0V${high}` }), svg("text", { x: x + 1, y: high - 1.5 }, `${number(line, step < 1 ? 1 : 0)}°`));
  }
  const tall = ((high / scale) * squeeze) / 2;
  for (let line = Math.ceil((middle[1] - tall) / step) * step; line <= middle[1] + tall; line += step) {
    const [, y] = at(middle[0], line);
    picture.append(svg("path", { class: "graticule", d: `M0 ${y}H${WIDE}` }), svg("text", { x: 1.5, y: y - 1 }, `${number(line, step < 1 ? 1 : 0)}°`));
  }
  const most = Math.max(...spots.map((one) => one.count));
  for (const one of spots) {
    const [cx, cy] = at(one.longitude, one.latitude);
    const label = `${number(one.latitude, 2)}, ${number(one.longitude, 2)}: ${tn("chat.items", one.count)}`;
    const spot = svg("a", { href: "#", "aria-label": label },
      svg("circle", { class: "spot", cx, cy, r: 1.4 + 3.6 * Math.sqrt(one.count / most) }), svg("title", {}, label));
    spot.addEventListener("click", (event) => { event.preventDefault(); onchoose(one); });
    picture.append(spot);
  }
  place.replaceChildren(picture);
}
