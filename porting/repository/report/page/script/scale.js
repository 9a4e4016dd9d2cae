"use strict";
// Numbers in words, and where values stand along an axis.

const FEWEST_TICKS = 3;

function number(value) {
  const digits = Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 };
  return value.toLocaleString("en", digits);
}

// For a tick: millions and more without their noughts.
function brief(value) {
  const compact = { notation: "compact", maximumSignificantDigits: 4 };
  return Math.abs(value) >= 1e5 ? value.toLocaleString("en", compact) : number(value);
}

function inWords([value], { factor, unit }) {
  return `${number(value * factor)} ${unit}`.trim();
}

function interval([value, low, high], { factor }) {
  const known = low !== null && high !== null && !(low === value && high === value);
  return known ? `[${number(low * factor)}, ${number(high * factor)}]` : "";
}

function evenTicks(low, high, most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => (high - low) / one <= most);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, k) => (first + k) * step);
}

function logTicks(low, high, most) {
  const powers = Array.from({ length: 40 }, (_, k) => 10 ** (k - 20));
  const within = (factors) => powers.flatMap((power) => factors.map((one) => one * power))
    .filter((one) => one >= low && one <= high);
  const found = [[1, 2, 3, 5], [1, 3], [1]].map(within).find((ticks) => ticks.length <= most) ?? within([1]);
  return found.length < FEWEST_TICKS ? evenTicks(low, high, most) : found;
}

// From values to pixels; the ends of intervals have room too, but for those that no logarithm has.
function scale(figures, start, end, log, most) {
  const turn = log ? Math.log : (value) => value, back = log ? Math.exp : (value) => value;
  const values = figures.flat().filter((one) => one !== null && (!log || one > 0)).map(turn);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const room = 0.06 * (greatest - least) || (log ? 0.5 : 0.1 * Math.abs(least) || 1);
  const [low, high] = [least - room, greatest + room];
  const at = (value) => start + ((log && value <= 0 ? low : turn(value)) - low) / (high - low) * (end - start);
  return { at, ticks: (log ? logTicks : evenTicks)(back(low), back(high), most) };
}
