"use strict";
// The box beside the chart with the figures of the selected variant, and the variants that are not drawn.

function inWords([value], { factor, unit }) {
  return `${number(value * factor)} ${unit}`.trim();
}

function interval([value, low, high], { factor }) {
  const known = low !== null && high !== null && !(low === value && high === value);
  return known ? `[${number(low * factor)}, ${number(high * factor)}]` : "";
}

function show(one) {
  const box = document.getElementById("shown");
  const { variant, tiesWith, dominatedBy } = one;
  if (box.dataset.variant === variant.name) return;
  box.dataset.variant = variant.name;
  box.replaceChildren();
  add(box, "h3", {}, variant.name);
  add(box, "p", {}, `On the frontier: ${placeInWords(one)}.`);
  const list = add(box, "dl"), first = [FORM.y.value, FORM.x.value];
  for (const name of new Set([...first, ...Object.keys(INDEX.metrics)])) {
    if (!(name in variant.figures)) continue;
    const row = add(list, "div", first.includes(name) ? { class: "chosen" } : {});
    add(row, "dt", { title: INDEX.metrics[name].meaning }, INDEX.metrics[name].label);
    const figure = add(row, "dd", {}, inWords(variant.figures[name], INDEX.metrics[name]));
    add(figure, "small", {}, interval(variant.figures[name], INDEX.metrics[name]));
  }
  add(box, "p", { class: "note" }, `${variant.precision}, level ${variant.level}; ${variant.load}: ${variant.verdict}.`);
  if (variant.published) add(box, "a", { href: `#${detailsOf(variant)}` }, "Its curves and its provenance");
  else add(box, "p", { class: "note" }, "Dropped: it is not in the repository.");
  for (const group of document.querySelectorAll("#chart .mark")) {
    const { variant: name } = group.dataset;
    group.classList.toggle("active", name === variant.name);
    group.classList.toggle("related", tiesWith.includes(name) || dominatedBy === name);
  }
}

function hint(variants) {
  const box = document.getElementById("shown");
  const best = variants.filter(({ onFrontier }) => onFrontier).length;
  delete box.dataset.variant;
  box.replaceChildren();
  add(box, "h3", {}, `${best} of ${variants.length} on the frontier`);
  add(box, "p", {}, "The pointer, a tap or the tab key on a variant shows its figures; a click opens its sections.");
}

function leftOut(variants) {
  const texts = variants.filter(({ missing }) => missing)
    .map(({ variant, missing }) => `${variant.name} (${variant.unknown[missing] ?? "unknown"})`);
  document.getElementById("absent").textContent = texts.length ? `Not drawn: ${texts.join("; ")}.` : "";
}

function frontierLegend() {
  const key = (label, colour, hollow) => ({ label, colour, hollow, size: 6 });
  const box = document.getElementById("legend");
  legend(box, [
    ...Object.entries(INDEX.colours).map(([name, colour]) => key(name, colour)),
    key("dominated, or without a rank", LINE, true),
    key("on the frontier by a tie alone", `${LINE}66`),
  ]);
  add(box.firstChild, "span", {}, "Whiskers are 95 % intervals.");
}
