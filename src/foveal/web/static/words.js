// The words of the page's language, and how its people write numbers, dates and sizes.

const words = JSON.parse(document.getElementById("catalogue").textContent);
export const language = document.documentElement.lang;
const plural = new Intl.PluralRules(language);
const formats = new Map();

/** Made once each: making one takes far longer than using it. */
function format(Kind, options) {
  const key = `${Kind.name} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Kind(language, options));
  return formats.get(key);
}

/** The text of a key, values put in for `{name}`. */
export function t(key, values = {}) {
  const text = words[key];
  if (text === undefined) throw new Error(`There is no text ${key}.`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The text for a count: `key.one`, `key.other`. */
export function tn(key, n, values = {}) {
  const form = `${key}.${plural.select(n)}`;
  return t(form in words ? form : `${key}.other`, { n: number(n), ...values });
}

export function number(value, digits = 0) {
  return format(Intl.NumberFormat, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

export function day(iso) {
  return format(Intl.DateTimeFormat, { dateStyle: "long", timeZone: "UTC" }).format(new Date(iso));
}

export function year(iso) {
  return format(Intl.DateTimeFormat, { year: "numeric", timeZone: "UTC" }).format(new Date(iso));
}

/** Without its year. */
export function dayOfYear(iso) {
  return format(Intl.DateTimeFormat, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(iso));
}

export function moment(iso) {
  return format(Intl.DateTimeFormat, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }).format(new Date(iso));
}

export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let step = 0;
  while (count >= 1000 && step < 3) { count /= 1000; step += 1; }
  const shown = { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step > 1 ? 1 : 0 };
  return format(Intl.NumberFormat, shown).format(count);
}

/** mm:ss, or h:mm:ss. */
export function clock(ms) {
  const s = Math.floor(ms / 1000);
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  return (parts[0] ? parts : parts.slice(1)).map((n, i) => (i ? String(n).padStart(2, "0") : n)).join(":");
}

export function list(items) {
  return format(Intl.ListFormat, { type: "conjunction" }).format(items);
}
