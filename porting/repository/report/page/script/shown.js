"use strict";
// What stands beside the chart: the figures of the variant that is pointed at, and who is not drawn.

function show(one) {
  const box = document.getElementById("shown"), { variant, place } = one;
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
  if (variant.published) add(box, "a", { href: `#${foldOf(variant)}` }, "Its curves and where it comes from");
  else add(box, "p", { class: "note" }, "Dropped: it is not in the repository.");
  for (const group of document.querySelectorAll("#chart g")) {
    const { variant: name } = group.dataset;
    group.classList.toggle("active", name === variant.name);
    group.classList.toggle("related", place.tiesWith.includes(name) || place.dominatedBy === name);
  }
}

function hint(everyone) {
  const box = document.getElementById("shown");
  const best = everyone.filter(({ place }) => place.dominatedBy === null).length;
  delete box.dataset.variant;
  box.replaceChildren();
  add(box, "h3", {}, `${best} of ${everyone.length} on the frontier`);
  add(box, "p", {}, "Point at a variant, tap it or tab to it for its figures; a click opens all that is known of it.");
}

function leftOut(everyone) {
  const texts = everyone.filter(({ missing }) => missing)
    .map(({ variant, missing }) => `${variant.name} (${variant.unknown[missing] ?? "unknown"})`);
  document.getElementById("absent").textContent = texts.length ? `Not drawn: ${texts.join("; ")}.` : "";
}

function legend() {
  const box = document.getElementById("legend");
  box.replaceChildren();
  const key = (text, attributes) => {
    const svg = add(add(box, "span"), "svg", { viewBox: "-8 -8 16 16", "aria-hidden": true });
    add(svg, "circle", { r: 6, "stroke-width": 1.6, ...attributes });
    svg.parentNode.append(text);
  };
  for (const [name, colour] of Object.entries(INDEX.colours)) key(name, { fill: colour, stroke: colour });
  key("dominated", { fill: "#fff", stroke: "#4b5563" });
  key("on the frontier by a tie alone", { fill: "#4b5563", "fill-opacity": 0.4, stroke: "#4b5563" });
  add(box, "span", {}, "Whiskers are 95 % intervals.");
}
