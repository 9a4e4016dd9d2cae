"use strict";
// The choice of task, target and metrics, and the place of every variant under it.

const INDEX = JSON.parse(document.getElementById("index").textContent);
const FORM = document.forms[0].elements;

function ranking() {
  return INDEX.rankings.find(({ task, target }) => task === FORM.task.value && target === FORM.target.value);
}

function fill(select, choices) {
  const before = select.value;
  select.replaceChildren();
  for (const [value, text] of choices) add(select, "option", { value }, text);
  if (choices.some(([value]) => value === before)) select.value = before;
}

function fillMetrics() {
  const known = Object.entries(INDEX.metrics)
    .filter(([name]) => ranking().variants.some(({ figures }) => name in figures))
    .map(([name, { label, unit }]) => [name, unit ? `${label}, ${unit}` : label]);
  for (const [place, axis] of ["y", "x"].entries()) {
    const wanted = FORM[axis].value || INDEX.ranked_by[place];
    fill(FORM[axis], known);
    const [other] = known.find(([name]) => !INDEX.ranked_by.includes(name)) ?? known[0];
    FORM[axis].value = known.some(([name]) => name === wanted) ? wanted : other;
    suggestLog(axis);
  }
}

// An axis is logarithmic where its values span a factor of four, and cannot be where a value is not above zero.
function suggestLog(axis) {
  const box = FORM[`log-${axis}`];
  const values = ranking().variants.flatMap(({ figures }) => figures[FORM[axis].value]?.slice(0, 1) ?? []);
  box.disabled = values.some((one) => one <= 0);
  box.checked = !box.disabled && Math.max(...values) >= 4 * Math.min(...values);
}

// The place of every variant under the chosen metrics.
function placed() {
  const metrics = [FORM.y.value, FORM.x.value], order = Object.keys(INDEX.metrics), { variants, places } = ranking();
  const chosen = places[metrics.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).join(" ")];
  const missing = ({ figures }) => metrics.find((metric) => !(metric in figures));
  return unpacked(variants, chosen).map((one) => ({ ...one, missing: missing(one.variant) }));
}

// The places that porting/repository/report/chart_data.py packs; `joined` is negative for a variant off the line.
function unpacked(variants, places) {
  const best = variants.filter((_, k) => places.dominated_by[k] === -1);
  return variants.map((variant, k) => ({
    variant,
    dominatedBy: variants[places.dominated_by[k]]?.name ?? null,
    onFrontier: places.dominated_by[k] === -1,
    ranked: places.dominated_by[k] !== -2,
    tiesWith: bits(places.ties[best.indexOf(variant)] ?? "0").flatMap((one, n) => (one ? [best[n].name] : [])),
    joined: places.joined.indexOf(k),
  }));
}

// The bits of a hexadecimal number, the lowest first.
function bits(text) {
  return [...text].reverse().flatMap((digit) => [1, 2, 4, 8].map((bit) => (parseInt(digit, 16) & bit) > 0));
}

function placeInWords({ dominatedBy, tiesWith, missing, ranked }) {
  if (dominatedBy !== null) return `no: dominated by ${dominatedBy}`;
  if (!ranked) return missing ? `no: its ${INDEX.metrics[missing].label} has no rank` : "no: its figures have no rank";
  if (missing) return "yes: its accuracy is unknown, so no variant dominates it";
  return tiesWith.length ? `yes, tied with ${tiesWith.join(", ")}` : "yes";
}
