"use strict";
// What is chosen: task, target, the metric of either axis; and the place of every variant under it.

const INDEX = JSON.parse(document.getElementById("index").textContent);
const FORM = document.forms[0].elements;

function chapter() {
  return INDEX.chapters.find(({ task, target }) => task === FORM.task.value && target === FORM.target.value);
}

function fill(select, choices) {
  const before = select.value;
  select.replaceChildren();
  for (const [value, text] of choices) add(select, "option", { value }, text);
  if (choices.some(([value]) => value === before)) select.value = before;
}

function fillMetrics() {
  const known = Object.entries(INDEX.metrics)
    .filter(([name]) => chapter().variants.some(({ figures }) => name in figures))
    .map(([name, { label, unit }]) => [name, unit ? `${label}, ${unit}` : label]);
  for (const [place, axis] of ["y", "x"].entries()) {
    const wanted = FORM[axis].value || INDEX.ranked_by[place];
    fill(FORM[axis], known);
    const [other] = known.find(([name]) => !INDEX.ranked_by.includes(name)) ?? known[0];
    FORM[axis].value = known.some(([name]) => name === wanted) ? wanted : other;
    suggestLog(axis);
  }
}

// Logarithmic where the values span a factor of four; impossible where one of them is not above zero.
function suggestLog(axis) {
  const box = FORM[`log-${axis}`];
  const values = chapter().variants.flatMap(({ figures }) => figures[FORM[axis].value]?.slice(0, 1) ?? []);
  box.disabled = values.some((one) => one <= 0);
  box.checked = !box.disabled && Math.max(...values) >= 4 * Math.min(...values);
}

function placed() {
  const metrics = [FORM.y.value, FORM.x.value], { variants } = chapter();
  const candidates = variants.map(({ name, data, figures }) =>
    ({ name, data, figures: metrics.map((metric) => figures[metric] ?? null) }));
  const found = places(candidates, metrics.map((metric) => INDEX.metrics[metric].better));
  return variants.map((variant, k) => {
    const [y, x] = candidates[k].figures, missing = metrics.find((metric) => !(metric in variant.figures));
    return { variant, place: found[k], x, y, missing };
  });
}

function placeInWords({ place, missing }) {
  if (place.dominatedBy !== null) return `no: dominated by ${place.dominatedBy}`;
  if (missing === "accuracy") return "yes: its accuracy is unknown, so nothing can dominate it";
  if (missing) return `yes: ${INDEX.metrics[missing].label} is unknown of it, so nothing can dominate it`;
  return place.tiesWith.length ? `yes, tied with ${place.tiesWith.join(", ")}` : "yes";
}
