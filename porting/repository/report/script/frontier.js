"use strict";
// The frontier under the chosen metrics: what is on it filled and joined, what is dominated hollow; points answer.

const REACH_PX = 28, CROWD = 60, LINE = "#4b5563";

// A series for each colour and kind, so that the best lie above the others; `members` says whose marks they are.
function frontierPanel(shown, width) {
  const kinds = { dominated: (one) => one.dominatedBy !== null, "frontier tie": (one) => one.dominatedBy === null && one.joined < 0,
    frontier: (one) => one.joined >= 0 };
  const size = shown.length > CROWD ? 4 : 6;
  const series = Object.entries(kinds).flatMap(([kind, belongs]) => Object.entries(INDEX.colours).map(([precision, colour]) => {
    const members = shown.filter((one) => one.variant.precision === precision && belongs(one));
    return { kind, members, colour, size, hollow: kind === "dominated", ...columnsOf(members) };
  }));
  const steps = shown.filter(({ joined }) => joined >= 0).sort((a, b) => a.joined - b.joined);
  const line = { members: [], colour: LINE, marker: "", line: "-", ...columnsOf(steps) };
  const height_px = Math.round(Math.min(440, Math.max(220, 0.62 * width - 80)));
  return { x: axisOf("x"), y: axisOf("y"), height_px, series: [{ ...line, low: [], high: [], left: [], right: [] }, ...series] };
}

function axisOf(axis) {
  return { label: FORM[axis].selectedOptions[0].text, kind: FORM[`log-${axis}`].checked ? "decades" : "linear" };
}

// The figures in the unit that is shown: they are kept in their own.
function columnsOf(members) {
  const column = (axis, k) => {
    const { value: metric } = FORM[axis], { factor } = INDEX.metrics[metric];
    return members.map(({ variant }) => variant.figures[metric][k]).map((value) => (value === null ? null : value * factor));
  };
  return { x: column("x", 0), left: column("x", 1), right: column("x", 2), y: column("y", 0), low: column("y", 1), high: column("y", 2) };
}

function drawFrontier(box, shown) {
  const panel = frontierPanel(shown, widthOf(box)), marks = drawing(box, { panels: [panel] }, "Variants");
  const points = panel.series.flatMap(({ members, kind }, k) => members.map((one, n) => ({ ...one, ...marks[k][n], kind })));
  for (const one of points) makePoint(one);
  react(box.querySelector("svg"), points);
}

function makePoint(one) {
  const label = `${one.variant.name}; on the frontier: ${placeInWords(one)}`;
  one.node.setAttribute("class", `mark ${one.kind}`);
  for (const [name, value] of Object.entries({ tabindex: 0, role: "button", "aria-label": label })) one.node.setAttribute(name, value);
  one.node.dataset.variant = one.variant.name;
  one.node.addEventListener("focus", () => show(one));
  one.node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openFold(foldOf(one.variant));
    }
  });
}

// The nearest point within reach answers, so that a finger need not hit it exactly.
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
    else if (one) openFold(foldOf(one.variant));
  });
}
