"use strict";
// Shows what a run was in the second under the pointer.
const columns = JSON.parse(document.getElementById("data").textContent);
const figure = document.getElementById("figure");
const line = document.getElementById("line");
const tooltip = document.getElementById("tooltip");

figure.addEventListener("mousemove", (event) => {
  const box = figure.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const column = columns.find((one) => one.left <= x && x < one.right);
  line.hidden = tooltip.hidden = !column;
  if (!column) return;
  const second = Math.floor(((x - column.left) / (column.right - column.left)) * column.seconds.length);
  tooltip.textContent = column.seconds[second];
  line.style.left = `${100 * x}%`;
  const offset = x < 0.5 ? 12 : -12 - tooltip.offsetWidth;
  tooltip.style.left = `${event.clientX - box.left + offset}px`;
  tooltip.style.top = `${event.clientY - box.top + 12}px`;
});
figure.addEventListener("mouseleave", () => {
  line.hidden = tooltip.hidden = true;
});
