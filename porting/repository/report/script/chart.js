"use strict";
// The charts of the data that porting/repository/report/section.py describes: panels of series over two axes, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const PANEL_PX = 150, TOP_PX = 26, EDGE_PX = 16, BELOW_PX = 46, MUTE_PX = 8, GAP_PX = 12;
// The distance of two ticks along x and along y, and the approximate width of a character.
const TICK_WIDE_PX = 75, TICK_HIGH_PX = 34, CHARACTER_PX = 7.2;
const DASHES = { "--": "5 3", ":": "1.5 3" };
const STAR = [0, -1, .26, -.3, 1, -.3, .4, .14, .62, .85, 0, .43, -.62, .85, -.4, .14, -1, -.3, -.26, -.3];
const CROSS = [-1, -.5, -.5, -1, 0, -.5, .5, -1, 1, -.5, .5, 0, 1, .5, .5, 1, 0, .5, -.5, 1, -1, .5, -.5, 0];
// The corners of each marker, for a half width of one.
const MARKERS = { star: STAR, cross: CROSS, diamond: [0, -1, 1, 0, 0, 1, -1, 0], square: [-1, -1, 1, -1, 1, 1, -1, 1] };

function add(parent, tag, attributes = {}, text = "") {
  const child = parent.namespaceURI === SVG || tag === "svg"
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) child.setAttribute(name, value);
  child.textContent = text;
  return parent.appendChild(child);
}

// The width with its fraction, because the browser scales down a drawing that is one pixel too wide.
function widthOf(box) {
  return box.getBoundingClientRect().width;
}

// Draws the panels in a box and returns the marks, series by series, each with its element and its place.
function drawing(box, { panels, columns = 1 }, name) {
  box.replaceChildren();
  const width = Math.max(widthOf(box), 260), wide = (width - GAP_PX * (columns - 1)) / columns;
  const stacked = columns === 1, heights = panels.map(({ height_px = PANEL_PX }) => TOP_PX + height_px);
  const ys = panels.map((panel, k) =>
    scale(extent(panel, "y", "low", "high"), heights[k], TOP_PX, panel.y, heights[k] / TICK_HIGH_PX));
  const lefts = ys.map(({ ticks }) => 12 + CHARACTER_PX * Math.max(...ticks.map(({ text }) => text.length), 1));
  const values = panels.map((panel) => extent(panel, "x", "left", "right"));
  box.style.setProperty("--columns", columns);
  return panels.flatMap((panel, k) => {
    const left = stacked ? Math.max(...lefts) : lefts[k], right = wide - EDGE_PX;
    const x = scale(stacked ? values.flat() : values[k], left, right, panel.x, (right - left) / TICK_WIDE_PX + 1);
    const mute = stacked && k < panels.length - 1, frame = add(box, "div");
    legend(frame, panel.series.filter(({ label }) => label));
    const viewBox = `0 0 ${wide} ${heights[k] + (mute ? MUTE_PX : BELOW_PX)}`;
    const svg = add(frame, "svg", { viewBox, role: "img", "aria-label": name });
    drawAxes(svg, panel, x, ys[k], mute);
    return drawPanel(svg, panel, x, ys[k]);
  });
}

function extent({ series }, ...names) {
  return series.flatMap((one) => names.flatMap((name) => one[name] ?? []));
}

function drawAxes(svg, panel, x, y, mute) {
  for (const { place, text } of y.ticks) {
    add(svg, "path", { d: `M${x.start} ${place}H${x.end}`, class: "grid" });
    add(svg, "text", { x: x.start - 6, y: place + 4, "text-anchor": "end" }, text);
  }
  let free = -Infinity;
  for (const { place, text } of x.ticks) {
    const half = CHARACTER_PX * text.length / 2 + 3;
    add(svg, "path", { d: `M${place} ${y.start}V${y.end}`, class: "grid" });
    if (mute || place - half < free) continue;
    add(svg, "text", { x: place, y: y.start + 17, "text-anchor": "middle" }, text);
    free = place + half;
  }
  add(svg, "path", { d: `M${x.start} ${y.end}V${y.start}H${x.end}`, class: "axis" });
  add(svg, "text", { x: 0, y: 14, class: "title" }, panel.y.label);
  if (!mute) add(svg, "text", { x: x.end, y: y.start + 38, class: "title", "text-anchor": "end" }, panel.x.label);
}

function drawPanel(svg, { series, rules = [], notes = [] }, x, y) {
  for (const { axis, at, colour, dashed = true } of rules) {
    const d = axis === "x" ? `M${x.at(at)} ${y.start}V${y.end}` : `M${x.start} ${y.at(at)}H${x.end}`;
    add(svg, "path", { d, class: "rule", stroke: colour, "stroke-dasharray": dashed ? DASHES["--"] : undefined });
  }
  const marks = series.map((one) => drawSeries(add(svg, "g", { stroke: one.colour, class: "series" }), one, x, y));
  for (const { x: left, y: top, text, colour, anchor = "middle" } of notes) {
    const place = { x: x.at(left), y: y.at(top) - 7, "text-anchor": anchor };
    add(svg, "text", { ...place, style: `fill: ${colour}` }, text);
  }
  return marks;
}

// A series is drawn as whiskers, then the line, then the marks.
function drawSeries(group, series, x, y) {
  const places = series.x.map((value, k) => [x.at(value), y.at(series.y[k])]);
  places.forEach(([left, top], k) => {
    const [low, high, from, to] = ["low", "high", "left", "right"].map((name) => series[name]?.[k] ?? null);
    const d = (low === null || high === null ? "" : `M${left} ${y.at(low)}V${y.at(high)}`)
      + (from === null || to === null ? "" : `M${x.at(from)} ${top}H${x.at(to)}`);
    if (d) add(group, "path", { d, class: "whisker" });
  });
  if (series.line && places.length) {
    add(group, "path", { d: `M${places.map((one) => one.join(" ")).join("L")}`, ...lineOf(series) });
  }
  if (series.marker === "") return [];
  return places.map(([left, top], k) => {
    const node = add(group, "g", { transform: `translate(${left} ${top})`, class: "mark" });
    add(node, "path", shapeOf(series));
    if (series.title?.[k]) add(node, "title", {}, series.title[k]);
    return { node, left, top };
  });
}

function lineOf({ line }) {
  return { class: "line", "stroke-dasharray": DASHES[line] };
}

// A marker about the origin.
function shapeOf({ marker = "dot", size = 3.2, colour, hollow }) {
  const corners = (MARKERS[marker] ?? []).map((one) => one * size);
  const d = marker === "dot" ? `M${-size} 0a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0`
    : `M${corners.join(" ")}Z`;
  return { d, fill: hollow ? "none" : colour };
}

// The legend has a piece of each line with its marker, and the label.
function legend(box, series) {
  if (!series.length) return;
  const list = add(box, "p", { class: "legend" });
  for (const one of series) {
    const entry = add(list, "span");
    const svg = add(entry, "svg", { viewBox: "-11 -8 22 16", "aria-hidden": true, stroke: one.colour });
    if (one.line) add(svg, "path", { d: "M-11 0H11", ...lineOf(one) });
    if (one.marker !== "") add(svg, "path", shapeOf(one));
    entry.append(one.label);
  }
}

// Draws every visible drawing below an element that was not yet drawn at its present width.
function drawAllIn(root) {
  for (const box of root.querySelectorAll("[data-drawing]")) {
    const width = widthOf(box);
    if (!width || width === box.drawnAt || box.closest("details:not([open])")) continue;
    drawing(box, JSON.parse(box.dataset.drawing), box.closest("section").querySelector("h4").textContent);
    box.drawnAt = width;
  }
}
