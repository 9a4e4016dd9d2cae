"use strict";
// The frontier under the chosen metrics: its members are filled and joined, dominated variants are hollow.

const REACH_PX = 28, CROWD = 60, LINE = "#4b5563";

// The CSS classes of the points, from the back to the front.
const KINDS = ["dominated", "frontier tie", "frontier"];

function kindOf({ onFrontier, joined }) {
  return !onFrontier ? KINDS[0] : joined < 0 ? KINDS[1] : KINDS[2];
}

// The panel has the intervals, the line, then one series for each variant, so that no colour hides another.
function frontierPanel(shown, width) {
  const ordered = shown.toSorted((a, b) => KINDS.indexOf(kindOf(a)) - KINDS.indexOf(kindOf(b)));
  const steps = shown.filter(({ joined }) => joined >= 0).sort((a, b) => a.joined - b.joined);
  const size = shown.length > CROWD ? 4 : 6;
  const colourOf = (one) => INDEX.colours[one.variant.precision];
  const series = [
    ...ordered.map((one) => ({ marker: "", colour: colourOf(one), ...valuesOf([one]), ...intervalsOf([one]) })),
    { marker: "", colour: LINE, line: "-", ...valuesOf(steps) },
    ...ordered.map((one) =>
      ({ one, size, colour: colourOf(one), hollow: !one.onFrontier, ...valuesOf([one]) })),
  ];
  const height_px = Math.round(Math.min(440, Math.max(220, 0.62 * width - 80)));
  return { x: axisOf("x"), y: axisOf("y"), height_px, series };
}

function axisOf(axis) {
  return { label: FORM[axis].selectedOptions[0].text, kind: FORM[`log-${axis}`].checked ? "decades" : "linear" };
}

// The figures of an axis in the unit of the display.
function column(members, axis, k) {
  const metric = FORM[axis].value, { factor } = INDEX.metrics[metric];
  return members.map(({ variant: { figures } }) => figures[metric][k] === null ? null : figures[metric][k] * factor);
}

function valuesOf(members) {
  return { x: column(members, "x", 0), y: column(members, "y", 0) };
}

function intervalsOf(members) {
  const [left, right, low, high] = [["x", 1], ["x", 2], ["y", 1], ["y", 2]].map((end) => column(members, ...end));
  return { left, right, low, high };
}

function drawFrontier(box, shown) {
  const panel = frontierPanel(shown, widthOf(box)), marks = drawing(box, { panels: [panel] }, "Variants");
  const points = panel.series.flatMap(({ one }, k) => (one ? [{ ...one, ...marks[k][0] }] : []));
  for (const one of points) makePoint(one);
  react(box.querySelector("svg"), points);
}

function makePoint(one) {
  const label = `${one.variant.name}; on the frontier: ${placeInWords(one)}`;
  one.node.setAttribute("class", `mark ${kindOf(one)}`);
  one.node.setAttribute("tabindex", 0);
  one.node.setAttribute("role", "button");
  one.node.setAttribute("aria-label", label);
  one.node.dataset.variant = one.variant.name;
  one.node.addEventListener("focus", () => show(one));
  one.node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openDetails(detailsOf(one.variant));
    }
  });
}

// The pointer selects the nearest point within reach, so that a finger need not hit it exactly.
function react(svg, points) {
  svg.setAttribute("role", "group");
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
    else if (one) openDetails(detailsOf(one.variant));
  });
}
