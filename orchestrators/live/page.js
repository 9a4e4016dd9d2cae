"use strict";
// Shows what a run was in the second under the pointer.
const columns = JSON.parse(document.getElementById("data").textContent);
const figure = document.getElementById("figure");
const line = document.getElementById("line");
const seen = document.getElementById("seen");

figure.addEventListener("mousemove", (event) => {
  const box = figure.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const column = columns.find((one) => one.left <= x && x < one.right);
  line.hidden = seen.hidden = !column;
  if (!column) return;
  const second = Math.floor(((x - column.left) / (column.right - column.left)) * column.seconds.length);
  seen.textContent = column.seconds[second];
  line.style.left = `${100 * x}%`;
  const beside = x < 0.5 ? 12 : -12 - seen.offsetWidth;
  seen.style.left = `${event.clientX - box.left + beside}px`;
  seen.style.top = `${event.clientY - box.top + 12}px`;
});
figure.addEventListener("mouseleave", () => {
  line.hidden = seen.hidden = true;
});
