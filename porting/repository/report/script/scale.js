"use strict";
// Numbers as texts, and the places of values along an axis.

const FEWEST_TICKS = 3, ROOM = 0.08;

function number(value) {
  const digits = Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 };
  return value.toLocaleString("en", digits);
}

// The text of a tick, with a short form for large numbers.
function brief(value, percent) {
  const compact = { notation: "compact", maximumSignificantDigits: 4 };
  if (percent) return `${number(100 * value)}%`;
  return Math.abs(value) >= 1e5 ? value.toLocaleString("en", compact) : number(value);
}

function evenTicks(low, high, most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => (high - low) / one <= most);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, k) => (first + k) * step);
}

function powers(base, low, high) {
  const [first, last] = [low, high].map((one) => Math.log(one) / Math.log(base));
  return Array.from({ length: Math.floor(last) - Math.floor(first) + 1 }, (_, k) => base ** (Math.floor(first) + k));
}

function decadeTicks(low, high, most) {
  const within = (factors) => powers(10, low, high).flatMap((power) => factors.map((one) => one * power))
    .filter((one) => one >= low && one <= high);
  const found = [[1, 2, 3, 5], [1, 3], [1]].map(within).find((ticks) => ticks.length <= most) ?? within([1]);
  return found.length < FEWEST_TICKS ? evenTicks(low, high, most) : found;
}

const TICKS = {
  linear: evenTicks,
  decades: decadeTicks,
  doublings: (low, high) => powers(2, low, high).filter((one) => one >= low),
};

// The scale from values to pixels between start and end. A value without a logarithm is at the start of the axis.
function scale(values, start, end, { kind = "linear", percent = false, low, high } = {}, most = 5) {
  const log = kind !== "linear", turn = log ? Math.log : (value) => value, back = log ? Math.exp : (value) => value;
  const known = values.filter((one) => one !== null && (!log || one > 0)).map(turn);
  const least = known.reduce((a, b) => Math.min(a, b), known[0] ?? 0);
  const greatest = known.reduce((a, b) => Math.max(a, b), known[0] ?? 1);
  const room = ROOM * (greatest - least) || (log ? 0.5 : 0.1 * Math.abs(least) || 1);
  const [from, to] = [low ?? back(least - room), high ?? back(greatest + room)];
  const share = (value) => (turn(value) - turn(from)) / (turn(to) - turn(from));
  const at = (value) => start + (log && value <= 0 ? 0 : share(value)) * (end - start);
  const ticks = TICKS[kind](from, to, most).map((one) => ({ place: at(one), text: brief(one, percent) }));
  return { start, end, at, ticks };
}
