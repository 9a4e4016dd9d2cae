"use strict";
// The page as a whole: every choice draws it again, column titles sort tables, links open the sections of a variant.

// The variant under the pointer stays selected.
function draw() {
  const before = document.getElementById("shown").dataset.variant;
  const variants = placed(), shown = variants.filter(({ missing }) => !missing), box = document.getElementById("chart");
  box.replaceChildren();
  if (shown.length) drawFrontier(box, shown);
  box.drawnAt = widthOf(box);
  hint(variants);
  leftOut(variants);
  updateTable(variants);
  drawAllIn(document);
  shown.filter(({ variant }) => variant.name === before).forEach(show);
}

function updateTable(variants) {
  for (const article of document.querySelectorAll("article")) {
    article.hidden = article.dataset.task !== FORM.task.value || article.dataset.target !== FORM.target.value;
    if (article.hidden) continue;
    for (const row of article.querySelectorAll("tr[data-variant]")) {
      const one = variants.find(({ variant }) => variant.name === row.dataset.variant);
      row.className = one.onFrontier ? "frontier" : "dominated";
      row.querySelector(".place").textContent = `on the frontier: ${placeInWords(one)}`;
    }
  }
}

// The first click sorts the best value of a column first, the next one reverses it; unknown values stay last.
function sort(head) {
  const body = head.closest("table").tBodies[0], column = head.cellIndex;
  const first = head.dataset.sort === "higher" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const direction = head.getAttribute("aria-sort") === first ? other : first;
  for (const one of head.parentNode.cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
  const key = ({ dataset, textContent }) => dataset.value === undefined ? textContent : Number(dataset.value);
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  const unknown = (row) => row.cells[column].classList.contains("unknown");
  const sign = direction === "ascending" ? 1 : -1;
  body.append(...[...body.rows].sort((a, b) =>
    unknown(a) - unknown(b) || sign * compare(key(a.cells[column]), key(b.cells[column]))));
}

function makeSortable(head) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sort(head));
  head.append(button);
}

function detailsOf({ name }) {
  return `${name}-${FORM.target.value}`;
}

function openDetails(id) {
  const details = document.getElementById(id);
  if (details?.tagName !== "DETAILS") return;
  const { task, target } = details.closest("article").dataset;
  if (task !== FORM.task.value || target !== FORM.target.value) choose(task, target);
  details.open = true;
  details.scrollIntoView();
  details.querySelector("summary").focus();
}

function choose(task, target) {
  FORM.task.value = task;
  fill(FORM.target, INDEX.rankings.filter((one) => one.task === task).map((one) => [one.target, one.target]));
  if (target) FORM.target.value = target;
  fillMetrics();
  draw();
}

function begin() {
  document.getElementById("chooser").hidden = false;
  fill(FORM.task, [...new Set(INDEX.rankings.map(({ task }) => task))].map((task) => [task, task]));
  FORM.task.addEventListener("change", () => choose(FORM.task.value));
  FORM.target.addEventListener("change", () => choose(FORM.task.value, FORM.target.value));
  for (const axis of ["x", "y"]) {
    FORM[axis].addEventListener("change", () => { suggestLog(axis); draw(); });
    FORM[`log-${axis}`].addEventListener("change", draw);
  }
  frontierLegend();
  document.querySelectorAll("th[data-sort]").forEach(makeSortable);
  document.addEventListener("click", ({ target }) => openDetails(target.closest("a")?.hash.slice(1)));
  // The drawings of a variant are made when its sections open, because most never do.
  document.addEventListener("toggle", ({ target }) => drawAllIn(target), true);
  const chart = document.getElementById("chart");
  window.addEventListener("resize", () => { if (widthOf(chart) !== chart.drawnAt) draw(); });
  choose(INDEX.rankings[0].task);
  openDetails(location.hash.slice(1));
}

if (INDEX.rankings.length) begin();
