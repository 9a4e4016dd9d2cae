"use strict";
// The page as a whole: it is drawn again after every choice, tables can be sorted, links open folds.

// What was pointed at stays so.
function draw() {
  const before = document.getElementById("shown").dataset.variant;
  const everyone = placed(), shown = everyone.filter(({ missing }) => !missing), box = document.getElementById("chart");
  box.replaceChildren();
  if (shown.length) drawFrontier(box, shown);
  box.drawnAt = widthOf(box);
  hint(everyone);
  leftOut(everyone);
  updateTable(everyone);
  drawAllIn(document);
  shown.filter(({ variant }) => variant.name === before).forEach(show);
}

function drawAgain() {
  const box = document.getElementById("chart");
  if (widthOf(box) !== box.drawnAt) draw();
}

function updateTable(everyone) {
  for (const article of document.querySelectorAll("article")) {
    article.hidden = article.dataset.task !== FORM.task.value || article.dataset.target !== FORM.target.value;
    if (article.hidden) continue;
    for (const row of article.querySelectorAll("tr[data-variant]")) {
      const one = everyone.find(({ variant }) => variant.name === row.dataset.variant);
      row.className = one.dominatedBy === null ? "frontier" : "dominated";
      row.querySelector(".place").textContent = `on the frontier: ${placeInWords(one)}`;
    }
  }
}

// A column's best first, then the other way round; what is unknown stays at the end.
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

function foldOf({ name }) {
  return `${name}-${FORM.target.value}`;
}

function openFold(id) {
  const fold = document.getElementById(id);
  if (fold?.tagName !== "DETAILS") return;
  const { task, target } = fold.closest("article").dataset;
  if (task !== FORM.task.value || target !== FORM.target.value) choose(task, target);
  fold.open = true;
  fold.scrollIntoView();
  fold.querySelector("summary").focus();
}

function choose(task, target) {
  FORM.task.value = task;
  fill(FORM.target, INDEX.chapters.filter((one) => one.task === task).map((one) => [one.target, one.target]));
  if (target) FORM.target.value = target;
  fillMetrics();
  draw();
}

function begin() {
  document.getElementById("chooser").hidden = false;
  fill(FORM.task, [...new Set(INDEX.chapters.map(({ task }) => task))].map((task) => [task, task]));
  FORM.task.addEventListener("change", () => choose(FORM.task.value));
  FORM.target.addEventListener("change", () => choose(FORM.task.value, FORM.target.value));
  for (const axis of ["x", "y"]) {
    FORM[axis].addEventListener("change", () => { suggestLog(axis); draw(); });
    FORM[`log-${axis}`].addEventListener("change", draw);
  }
  frontierLegend();
  document.querySelectorAll("th[data-sort]").forEach(makeSortable);
  document.addEventListener("click", ({ target }) => openFold(target.closest("a")?.hash.slice(1)));
  // A fold's drawings are made when it is opened: most never are.
  document.addEventListener("toggle", ({ target }) => drawAllIn(target), true);
  window.addEventListener("resize", drawAgain);
  choose(INDEX.chapters[0].task);
  openFold(location.hash.slice(1));
}

if (INDEX.chapters.length) begin();
