"use strict";
// The frontier as an SVG: intervals as whiskers, the frontier filled and joined, what is dominated hollow.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 34, right: 24, bottom: 52 }, REACH_PX = 28, CROWD = 60;

function add(parent, tag, attributes = {}, text = "") {
  const child = parent.namespaceURI === SVG || tag === "svg"
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
  child.textContent = text;
  return parent.appendChild(child);
}

function drawPoints(svg, width, height, shown) {
  const better = ["y", "x"].map((axis) => INDEX.metrics[FORM[axis].value].better);
  const vertical = axisOf("y", shown, height - MARGIN.bottom, MARGIN.top, FEWEST_TICKS + 4);
  const left = 14 + 7.5 * Math.max(...vertical.ticks.map(({ text }) => text.length));
  const horizontal = axisOf("x", shown, left, width - MARGIN.right, width / 80);
  drawAxes(svg, { left, right: width - MARGIN.right, bottom: height - MARGIN.bottom }, horizontal, vertical);
  const points = shown.map((one) => ({ ...one, left: horizontal.at(one.x[0]), top: vertical.at(one.y[0]),
    colour: INDEX.colours[one.variant.precision] }));
  for (const one of points) drawWhiskers(svg, one, horizontal, vertical);
  const steps = staircase(points, better);
  if (steps.length) add(svg, "path", { d: `M${steps.map(({ left: x, top }) => `${x} ${top}`).join("L")}`, class: "joined" });
  const order = [...points].sort((a, b) => (a.place.dominatedBy === null) - (b.place.dominatedBy === null));
  const radius = points.length > CROWD ? 4 : 6;
  for (const one of order) drawPoint(svg, one, radius, steps.includes(one));
  react(svg, points);
  return points;
}

// An axis in the unit that is shown: figures are kept in their own.
function axisOf(axis, shown, start, end, most) {
  const { factor } = INDEX.metrics[FORM[axis].value];
  const figures = shown.map((one) => one[axis].map((value) => value === null ? null : value * factor));
  const { at, ticks } = scale(figures, start, end, FORM[`log-${axis}`].checked, most);
  return { at: (value) => at(value * factor), ticks: ticks.map((tick) => ({ place: at(tick), text: brief(tick) })) };
}

function drawWhiskers(svg, { x, y, left, top, colour }, horizontal, vertical) {
  const known = ([, low, high]) => low !== null && high !== null;
  const d = (known(x) ? `M${horizontal.at(x[1])} ${top}H${horizontal.at(x[2])}` : "")
    + (known(y) ? `M${left} ${vertical.at(y[1])}V${vertical.at(y[2])}` : "");
  add(svg, "path", { d, class: "whisker", stroke: colour });
}

function drawAxes(svg, { left, right, bottom }, horizontal, vertical) {
  for (const { place, text } of vertical.ticks) {
    add(svg, "path", { d: `M${left} ${place}H${right}`, class: "grid" });
    add(svg, "text", { x: left - 8, y: place + 4.5, "text-anchor": "end" }, text);
  }
  let free = -Infinity;
  for (const { place, text } of horizontal.ticks) {
    const half = 4 * text.length + 4;
    add(svg, "path", { d: `M${place} ${bottom}V${MARGIN.top}`, class: "grid" });
    if (place - half < free) continue;
    add(svg, "text", { x: place, y: bottom + 18, "text-anchor": "middle" }, text);
    free = place + half;
  }
  add(svg, "path", { d: `M${left} ${MARGIN.top}V${bottom}H${right}`, class: "axis" });
  add(svg, "text", { x: 0, y: 14, class: "title" }, FORM.y.selectedOptions[0].text);
  const end = { x: right, y: bottom + MARGIN.bottom - 8, class: "title", "text-anchor": "end" };
  add(svg, "text", end, FORM.x.selectedOptions[0].text);
}

function drawPoint(svg, one, radius, joined) {
  const { name } = one.variant, on = one.place.dominatedBy === null;
  const label = `${name}; on the frontier: ${placeInWords(one)}`;
  const group = add(svg, "g", { tabindex: 0, role: "button", "aria-label": label, "data-variant": name,
    class: on ? (joined ? "frontier" : "frontier tie") : "dominated" });
  add(group, "circle", { cx: one.left, cy: one.top, r: radius, stroke: one.colour, fill: on ? one.colour : "#fff" });
  group.addEventListener("focus", () => show(one));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openFold(foldOf(one.variant));
    }
  });
}

// The nearest point within reach answers, so that a finger need not hit it exactly.
function react(svg, points) {
  const nearest = (event) => {
    const frame = svg.getBoundingClientRect();
    const off = ({ left, top }) => Math.hypot(event.clientX - frame.left - left, event.clientY - frame.top - top);
    const one = points.reduce((a, b) => (off(b) < off(a) ? b : a));
    return off(one) <= REACH_PX ? one : null;
  };
  let touched = false;
  svg.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch"; });
  svg.addEventListener("pointermove", (event) => { const one = nearest(event); if (one) show(one); });
  svg.addEventListener("click", (event) => {
    const one = nearest(event);
    if (one && touched) show(one);
    else if (one) openFold(foldOf(one.variant));
  });
}
