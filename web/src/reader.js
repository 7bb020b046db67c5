/**
 * Whole numbers: which strokes make up which digit. runtime/digitpad/reader.py, step by step.
 *
 * Nobody can tell beforehand whether two strokes are a 4, or a 1 and a 7. So the likely groups of neighbours in a row
 * are all inked and judged, and the row is parted into the groups that are the most probable digits together, written
 * in as many strokes as people take for them.
 */

import { boxOf, renderDrawing } from "./mnist-form.js";

/** @typedef {import("./mnist-form.js").Points} Points */
/** @typedef {[number, number, number, number]} Box left, top, right, bottom */
/**
 * A candidate: the strokes `start` to before `end` of a row as one digit; without an image, as nothing that counts.
 * `box` is that of its ink; `price` what this way of reading costs beforehand, as a log probability; `written` in how
 * many strokes, of which one that goes on where another ended is one with it, as if the pen had skipped.
 * @typedef {{ start: number, end: number, image: Uint8Array | null, box: Box, price: number, written: number }} Group
 */
/** @typedef {{ groups: Group[], height: number }} Row a row's candidates, and its height */
/**
 * The likeliest digits of a row: the places of their groups in it, from left to right, and what they are.
 * `confidence` is the probability that the text is right, given that the row is a number; `logNumber` the log
 * probability that all of it are digits and nothing else is there, shared out among them.
 * @typedef {{ chosen: number[], text: string, confidence: number, logNumber: number }} Reading
 */

export const MOST_DIGITS = 32; // in a row
export const MOST_STROKES = 6; // in a digit
const GAP = 0.35; // of the row's height: strokes of one digit are no further apart from left to right
const WIDE = 1.7; // of the row's height: no digit of several strokes is wider
const APART = 0.1; // of the height of the lower of two rows: what is closer to each other is one row
const SMALL = 0.4; // of the largest stroke: smaller ones say nothing about the row's height
const LITTLE = [12, 0.5]; // price of a digit as small as a point, and from which part of the row's height on it is none
const LEFT_OUT = [0.5, 15]; // price of a stroke left out: of any, and of one as tall as the row (as its square)
const ABREAST = [4, 0.25]; // price of two digits in one place; and from which distance, in heights, it is none
const CLOSE = [10, 0.5]; // the same for the parts of a letter, which lie closer than two digits do, except in haste
const SKIP = 0.06; // of the row's height: a stroke that begins so close to where another ends goes on with it
const IN_TWO = [0.03, 0.01, 0.01, 0.01, 0.56, 0.72, 0.01, 0.89, 0.07, 0.04]; // share of each digit that people write
const IN_MORE = 0.01; // in two strokes, and in more
const LOG_STROKES = [IN_TWO.map((two) => 1 - two - IN_MORE), IN_TWO, IN_TWO.map(() => IN_MORE)].map((shares) =>
  shares.map(Math.log),
);

/** What was inked and judged as a drawing was last read, so that when it has grown only what is new is. */
export class Known {
  /** @type {Map<string, any>} */ #before = new Map();
  /** @type {Map<string, any>} */ #now = new Map();

  /** Begin to read the drawing anew; what was not asked for the last time is forgotten. */
  begin() {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /**
   * What belongs to each key; `compute` is given the places of those that are not known.
   * @template T
   * @param {string[]} keys
   * @param {(places: number[]) => T[] | Promise<T[]>} compute
   * @returns {Promise<T[]>}
   */
  async each(keys, compute) {
    for (const key of keys) if (this.#before.has(key)) this.#now.set(key, this.#before.get(key));
    const places = [...keys.keys()].filter((n) => !this.#now.has(keys[n]));
    const found = places.length ? await compute(places) : [];
    places.forEach((place, n) => this.#now.set(keys[place], found[n]));
    return keys.map((key) => this.#now.get(key));
  }
}

/**
 * The log probability that each digit is written in as many strokes as a group has.
 * @param {Group} group
 */
export function logStrokes({ written }) {
  return LOG_STROKES[Math.min(written, LOG_STROKES.length) - 1];
}

/**
 * Part a row into the groups that are the most probable digits together.
 * @param {Row} row some groups must lead from the first stroke to the last
 * @param {ArrayLike<number>[]} logDigits for each group, the ten log probabilities that it is this digit and no
 *   outlier; for groups without an image they count nothing
 * @returns {Reading}
 */
export function bestReading({ groups, height }, logDigits) {
  const inked = groups.map((group) => group.image !== null);
  const logSome = groups.map((group, n) => (inked[n] ? logSum(logDigits[n]) : 0) - group.price);
  const logBest = groups.map((group, n) => (inked[n] ? logDigits[n][argmax(logDigits[n])] : 0) - group.price);

  const order = [...groups.keys()].sort((a, b) => groups[a].end - groups[b].end);
  /** @type {Map<number, number[]>} */
  const ending = new Map(); // the groups that end at a stroke
  for (const n of order) ending.set(groups[n].end, [...(ending.get(groups[n].end) ?? []), n]);
  const last = groups.map((group) => ending.get(group.start) ?? []);
  const abreastOf = groups.map((group, n) => last[n].map((m) => abreast(groups[m], group, height)));
  const final = ending.get(Math.max(...ending.keys())) ?? [];

  const best = groups.map(() => -Infinity), total = groups.map(() => -Infinity), before = groups.map(() => -1);
  for (const n of order) {
    if (groups[n].start === 0) {
      best[n] = logBest[n];
      total[n] = logSome[n];
    } else if (last[n].length) {
      const ways = last[n].map((m, i) => best[m] - abreastOf[n][i]);
      before[n] = last[n][argmax(ways)];
      best[n] = Math.max(...ways) + logBest[n];
      total[n] = logSum(last[n].map((m, i) => total[m] - abreastOf[n][i])) + logSome[n];
    }
  }
  const end = final.map((n) => best[n]);
  const way = [final[argmax(end)]];
  while (before[way[way.length - 1]] >= 0) way.push(before[way[way.length - 1]]);
  const chosen = way.filter((n) => inked[n]).reverse();
  const digits = chosen.map((n) => argmax(logDigits[n]));

  // A text may come about in several ways, the bar of a five left to this digit or to that: their probabilities add.
  const ofText = groups.map(() => Array(chosen.length + 1).fill(-Infinity)); // of all ways that read so many digits
  for (const n of order) {
    const first = groups[n].start === 0;
    if (!first && !last[n].length) continue;
    const soFar = ofText[n].map((_, count) =>
      first ? (count ? -Infinity : 0) : logSum(last[n].map((m, i) => ofText[m][count] - abreastOf[n][i])),
    );
    ofText[n] = soFar.map((_, count) => {
      if (!inked[n]) return soFar[count] - groups[n].price;
      return count ? soFar[count - 1] + logDigits[n][digits[count - 1]] - groups[n].price : -Infinity;
    });
  }
  const logText = logSum(final.map((n) => ofText[n][chosen.length])) - logSum(final.map((n) => total[n]));
  let some = Math.max(...end);
  for (const n of way) some -= logBest[n] - logSome[n];
  chosen.slice(1).forEach((n, i) => (some -= abreast(groups[chosen[i]], groups[n], height, CLOSE)));
  const logNumber = some / Math.max(chosen.length, 1);
  return { chosen, text: digits.join(""), confidence: Math.exp(logText), logNumber };
}

/**
 * What it costs that two digits in a row lie in the same place, as if the bar of a crossed zero were a one.
 * @param {Group} one
 * @param {Group} other
 * @param {number} height
 */
function abreast(one, other, height, price = ABREAST) {
  if (!one.image || !other.image) return 0;
  const apart = Math.abs(other.box[0] + other.box[2] - one.box[0] - one.box[2]) / 2;
  return price[0] * Math.max(1 - apart / (price[1] * height), 0);
}

/**
 * The candidates in strokes, in whatever order they were drawn: rows from top to bottom.
 * @param {Points[]} strokes as `cleanStrokes` gives them
 * @param {Known} known
 */
export async function strokeRows(strokes, known) {
  const boxes = strokes.map(boxOf);
  const rows = [];
  for (const members of rowsOf(boxes)) {
    const row = members.map((n) => strokes[n]);
    const raw = row.map((stroke) => stroke.join(" "));
    /** @type {(spans: [number, number][]) => Promise<Uint8Array[]>} */
    const ink = (spans) =>
      known.each(
        spans.map((span) => raw.slice(...span).join("/")),
        (places) => places.map((n) => renderDrawing(row.slice(...spans[n]))),
      );
    rows.push(await candidates(row, members.map((n) => boxes[n]), ink));
  }
  return rows;
}

/**
 * Which boxes are in which row: those that share much of their height, and what is small in the nearest.
 * @param {Box[]} boxes
 */
function rowsOf(boxes) {
  const extents = boxes.map(([left, top, right, bottom]) => Math.max(bottom - top, right - left));
  const least = SMALL * Math.max(0, ...extents);
  const tall = boxes.filter(([, top, , bottom]) => bottom - top >= least).map(([, top, , bottom]) => [top, bottom]);
  /** @type {number[][]} */
  const spans = []; // top and bottom of each row
  for (const [top, bottom] of tall.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const row = spans[spans.length - 1];
    if (row && top < row[1] + APART * Math.min(bottom - top, row[1] - row[0])) row[1] = Math.max(row[1], bottom);
    else spans.push([top, bottom]);
  }
  if (!spans.length) return boxes.length ? [[...boxes.keys()]] : [];
  const row = boxes.map((box) => {
    const middle = (box[1] + box[3]) / 2;
    const beyond = spans.map(([top, bottom]) => Math.max(top - middle, middle - bottom, 0));
    const away = spans.map(([top, bottom]) => -Math.abs(middle - (top + bottom) / 2));
    return Math.min(...beyond) > 0 ? argmax(beyond.map((distance) => -distance)) : argmax(away);
  });
  return spans
    .map((_, n) => [...boxes.keys()].filter((member) => row[member] === n))
    .filter((members) => members.length)
    .map((members) => members.sort((a, b) => boxes[a][0] + boxes[a][2] - (boxes[b][0] + boxes[b][2])));
}

/**
 * The candidates of one row.
 * @param {Points[]} strokes from left to right
 * @param {Box[]} boxes of them
 * @param {(spans: [number, number][]) => Promise<Uint8Array[]>} ink makes the images of groups, from one to before
 *   another
 * @returns {Promise<Row>}
 */
async function candidates(strokes, boxes, ink) {
  const extents = boxes.map(([left, top, right, bottom]) => Math.max(right - left, bottom - top));
  const most = Math.max(...extents);
  const height = median(extents.filter((extent) => extent >= SMALL * most)) || 1;
  /** @type {Group[]} */
  const groups = extents.map((extent, n) => {
    const price = LEFT_OUT[0] + LEFT_OUT[1] * (extent / height) ** 2;
    return { start: n, end: n + 1, image: null, box: [0, 0, 0, 0], price, written: 1 };
  });
  /** @type {{ span: [number, number], box: Box }[]} */
  const found = [];
  for (let start = 0; start < boxes.length; start++) {
    let [left, top, right, bottom] = boxes[start];
    for (let end = start + 1; end <= Math.min(start + MOST_STROKES, boxes.length); end++) {
      const box = boxes[end - 1];
      if (Math.max(box[0] - right, left - box[2]) > GAP * height) break;
      left = Math.min(left, box[0]);
      top = Math.min(top, box[1]);
      right = Math.max(right, box[2]);
      bottom = Math.max(bottom, box[3]);
      if (end > start + 1 && right - left > WIDE * height) break;
      found.push({ span: [start, end], box: [left, top, right, bottom] });
    }
  }
  /** @type {(one: number, other: number) => boolean} */
  const goesOn = (one, other) => {
    const [x, y] = strokes[other][strokes[other].length - 1];
    return one !== other && Math.hypot(strokes[one][0][0] - x, strokes[one][0][1] - y) < SKIP * height;
  };
  const images = await ink(found.map(({ span }) => span));
  found.forEach(({ span: [start, end], box }, n) => {
    if (!images[n].some(Boolean)) return;
    const share = Math.max(box[2] - box[0], box[3] - box[1]) / height;
    const members = [...boxes.keys()].slice(start, end);
    const written = Math.max(members.filter((one) => !members.some((other) => goesOn(one, other))).length, 1);
    const price = LITTLE[0] * Math.max(1 - share / LITTLE[1], 0);
    groups.push({ start, end, image: images[n], box, price, written });
  });
  return { groups, height };
}

/**
 * log(e^a + e^b).
 * @param {number} a
 * @param {number} b
 */
export function logAddExp(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}

/** @param {ArrayLike<number>} values */
function logSum(values) {
  return Array.from(values).reduce(logAddExp, -Infinity);
}

/** @param {ArrayLike<number>} values @returns {number} the place of the first of the largest */
export function argmax(values) {
  let best = 0;
  for (let n = 1; n < values.length; n++) if (values[n] > values[best]) best = n;
  return best;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
