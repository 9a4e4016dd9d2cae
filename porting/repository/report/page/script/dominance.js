"use strict";
// A figure is [value, low, high]; dominance is the rule of porting/repository/frontier.py.
function turned([value, low, high], better) {
  const bottom = low === null ? -Infinity : Math.min(low, value);
  const top = high === null ? Infinity : Math.max(high, value);
  return better === "lower" ? { value: -value, low: -top, high: -bottom } : { value, low: bottom, high: top };
}

function dominates(a, b) {
  return a.every((one, k) => one.value >= b[k].value) && a.some((one, k) => one.low > b[k].high);
}

function tied(a, b) {
  return a.every((one, k) => one.low <= b[k].high && one.high >= b[k].low);
}

// Candidates have a name, the data that they were evaluated on, and a figure or null for each metric.
function places(candidates, better) {
  const points = candidates.map(({ figures }) =>
    figures.every(Boolean) ? figures.map((one, k) => turned(one, better[k])) : null);
  const others = (i, like) => points.flatMap((point, j) =>
    point && points[i] && i !== j && candidates[i].data === candidates[j].data && like(point, points[i]) ? [j] : []);
  const above = points.map((_, i) => others(i, dominates));
  return candidates.map((_, i) => {
    if (above[i].length === 0) {
      const ties = others(i, tied).filter((j) => above[j].length === 0);
      return { dominatedBy: null, tiesWith: ties.map((j) => candidates[j].name) };
    }
    const best = above[i].filter((j) => above[j].length === 0);
    const chosen = (best.length ? best : above[i]).reduce((a, j) => (points[j][0].value > points[a][0].value ? j : a));
    return { dominatedBy: candidates[chosen].name, tiesWith: [] };
  });
}

// The frontier without those that only a tie keeps on it, the best in y first.
function staircase(shown, better) {
  const sign = better.map((one) => (one === "lower" ? -1 : 1));
  const sorted = shown.filter(({ place }) => place.dominatedBy === null)
    .sort((a, b) => sign[0] * (b.y[0] - a.y[0]) || sign[1] * (b.x[0] - a.x[0]));
  let reached = -Infinity;
  return sorted.filter(({ x }) => sign[1] * x[0] > reached && ((reached = sign[1] * x[0]), true));
}
