/**
 * Strokes to the 28x28 image a model sees: runtime/digitpad/mnist_form.py, step by step.
 *
 * A drawing is brought into MNIST's form while it is still made of points: they are scaled, then inked with a pen as
 * wide as MNIST's. How large, how densely and with which brush somebody drew changes nothing.
 */

export const SIZE = 28; // pixels along a side of the model's image
export const BOX = 20; // pixels along the longer side of the ink in it
export const PEN_WIDTH = 2.5; // pixels

const CENTRE = SIZE / 2 + 0.5; // where MNIST's centre of mass lies
const STEP = 0.1; // pixels: points closer together than this along a stroke add nothing to the picture
const FAR = /** @type {Limits} */ ([4, 6]); // pixels: length of a piece, from left straight to fully bent
const CORNER = /** @type {Limits} */ ([85, 105]); // degrees of turn between two pieces, from a bend to a corner
const PIECES = 8; // straight pieces that make up a bend
const TAP = 0.04; // of the drawing's extent: a stroke that is smaller is a dot
const LEAST = 1e-300; // an extent that is smaller cannot be scaled up in float64

/** @typedef {[number, number]} Limits */
/** @typedef {[number, number]} Point x to the right, y down */
/** @typedef {Point[]} Points */
/**
 * All strokes of a drawing in one: the points, and which of them is the last of its stroke.
 * @typedef {{ x: Float64Array, y: Float64Array, last: boolean[] }} Line
 */

/** Strokes or a stroke file do not have the required form; the text is one line that says what to do. */
export class StrokeError extends Error {}

/**
 * Draw strokes in ink, the way MNIST's digits were made.
 * @param {unknown} strokes arrays of [x, y], in any unit and with any offset
 * @returns {Uint8Array} 28x28 row by row, 0 = paper, 255 = ink; all 0 where there is no ink or it has no extent
 * @throws {StrokeError}
 */
export function renderStrokes(strokes) {
  return renderDrawing(withoutTaps(cleanStrokes(strokes)));
}

/**
 * The same but for taps, which stay. The strokes must be as `cleanStrokes` gives them.
 * @param {Points[]} strokes
 * @returns {Uint8Array}
 */
export function renderDrawing(strokes) {
  const image = new Uint8Array(SIZE * SIZE);
  const points = strokes.flat();
  const line = {
    x: Float64Array.from(points, (point) => point[0]),
    y: Float64Array.from(points, (point) => point[1]),
    last: strokes.flatMap((stroke) => stroke.map((_, n) => n === stroke.length - 1)),
  };
  if (!points.length || !fit(line)) return image;
  const curve = smooth(thinOut(line));
  fit(curve); // curves reach a little beyond their points
  return ink(curve, image);
}

/**
 * Check strokes and return those with points in them.
 * @param {unknown} strokes
 * @returns {Points[]}
 * @throws {StrokeError} one is no list of pairs of finite numbers
 */
export function cleanStrokes(strokes) {
  if (!Array.isArray(strokes)) throw new StrokeError("strokes must be a sequence of (n, 2) arrays of x and y");
  strokes.forEach((stroke, n) => {
    const named = `stroke ${n + 1}`;
    if (!Array.isArray(stroke)) throw new StrokeError(`${named} is not an (n, 2) array of numbers`);
    for (const point of stroke) {
      const pair = Array.isArray(point) && point.length === 2 && point.every((value) => typeof value === "number");
      if (!pair) throw new StrokeError(`${named} is not an (n, 2) array of numbers`);
      // The bound keeps differences and squares finite; no device has a canvas of 1e100 pixels.
      if (!point.every((value) => Math.abs(value) <= 1e100)) {
        throw new StrokeError(`${named} holds NaN, infinite or absurdly large numbers: leave those points out`);
      }
    }
  });
  return strokes.filter((stroke) => stroke.length);
}

/**
 * Left, top, right and bottom of points.
 * @param {Points} points
 * @returns {[number, number, number, number]}
 */
export function boxOf(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right, bottom];
}

/**
 * Strokes without a dot or two beside the drawing, where a hand touched. Dots above and below may belong to it.
 * @param {Points[]} strokes
 */
export function withoutTaps(strokes) {
  const boxes = strokes.map(boxOf);
  const extents = boxes.map(([left, top, right, bottom]) => Math.max(right - left, bottom - top));
  const most = Math.max(...extents);
  const drawn = extents.map((extent) => extent > TAP * most);
  const taps = drawn.filter((is) => !is).length;
  if (strokes.length < 2 || taps < 1 || taps > 2 || taps === strokes.length) return strokes;
  const [left, top, right, bottom] = boxOf(strokes.filter((_, n) => drawn[n]).flat());
  const size = Math.max(right - left, bottom - top);
  return strokes.filter((_, n) => {
    const across = Math.max(left - boxes[n][2], boxes[n][0] - right);
    const down = Math.max(top - boxes[n][3], boxes[n][1] - bottom);
    const beside = (across > 0.2 * size && down < 0.05 * size) || Math.max(across, down) > size;
    return drawn[n] || !beside;
  });
}

/**
 * Put a drawing's bounding box around 0, the longer side as in MNIST; whether it has an extent.
 * @param {Line} line
 */
function fit({ x, y }) {
  const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  for (let n = 0; n < x.length; n++) {
    low[0] = Math.min(low[0], x[n]);
    low[1] = Math.min(low[1], y[n]);
    high[0] = Math.max(high[0], x[n]);
    high[1] = Math.max(high[1], y[n]);
  }
  const sides = [high[0] - low[0], high[1] - low[1]];
  const extent = Math.max(...sides);
  const scale = (BOX - PEN_WIDTH) / Math.max(extent, LEAST);
  const middle = [low[0] + sides[0] / 2, low[1] + sides[1] / 2];
  for (let n = 0; n < x.length; n++) {
    x[n] = (x[n] - middle[0]) * scale;
    y[n] = (y[n] - middle[1]) * scale;
  }
  return extent > LEAST;
}

/**
 * What leads from each point to the next of its stroke, and its length; from the last one it is nothing.
 * @param {Line} line
 */
function chordsOf({ x, y, last }) {
  const dx = x.map((value, n) => (last[n] ? 0 : x[n + 1] - value));
  const dy = y.map((value, n) => (last[n] ? 0 : y[n + 1] - value));
  return { dx, dy, length: dx.map((value, n) => Math.hypot(value, dy[n])) };
}

/**
 * Keep both ends of each stroke, its second point, and the first in each further stretch of STEP pixels.
 * @param {Line} line
 */
function thinOut(line) {
  const { length } = chordsOf(line);
  let way = 0, began = 0, stretch = 0, place = 0; // the way to a point, that to the stroke's first, and in the stroke
  return keep(line, (n) => {
    const before = stretch;
    stretch = Math.floor((way - began) / STEP);
    const stays = place < 2 || line.last[n] || stretch > before;
    way += length[n];
    place = line.last[n] ? 0 : place + 1;
    if (line.last[n]) began = way;
    return stays;
  });
}

/**
 * The line with only some of its points.
 * @param {Line} line
 * @param {(n: number) => boolean} stays
 * @returns {Line}
 */
function keep(line, stays) {
  const kept = line.last.map((_, n) => stays(n));
  return {
    x: line.x.filter((_, n) => kept[n]),
    y: line.y.filter((_, n) => kept[n]),
    last: line.last.filter((_, n) => kept[n]),
  };
}

/**
 * Bend strokes, in pixels of the result, where their points lie far apart; corners stay corners.
 *
 * Centripetal Catmull-Rom curves: C. Yuksel, S. Schaefer, J. Keyser, Parameterization and applications of Catmull-Rom
 * curves, Computer-Aided Design 43(7), 2011, pages 747-755.
 * @param {Line} line
 * @returns {Line}
 */
function smooth(line) {
  const lengths = chordsOf(line).length;
  if (lengths.every((length) => length <= FAR[0])) return line;
  const { x, y, last } = keep(line, (n) => line.last[n] || lengths[n] > 0);
  const { dx, dy, length } = chordsOf({ x, y, last });
  // The last point of a stroke begins a piece of no length; as a short one beside a long one it bends nothing.
  const pace = length.map((value, n) => Math.sqrt(last[n] ? 1 : value));
  const straightX = dx.map((value, n) => value / pace[n]), straightY = dy.map((value, n) => value / pace[n]);
  const leavingX = straightX.slice(), leavingY = straightY.slice();
  const arrivingX = straightX.slice(), arrivingY = straightY.slice();
  for (let n = 1; n < x.length; n++) {
    const [bx, by, ax, ay] = [straightX[n - 1], straightY[n - 1], straightX[n], straightY[n]]; // before, after
    const paces = pace[n - 1] + pace[n];
    const tangentX = (bx * pace[n] + ax * pace[n - 1]) / paces, tangentY = (by * pace[n] + ay * pace[n - 1]) / paces;
    const turn = Math.abs(Math.atan2(ay * bx - ax * by, ax * bx + ay * by)) * (180 / Math.PI);
    // Where a long piece meets short ones, the hand moved straight: short ones would show a curve.
    const even = Math.min(length[n - 1], length[n]) / Math.max(length[n - 1], length[n], 1e-9);
    const bends = ramp(turn, [CORNER[1], CORNER[0]]) * ramp(even, [0.2, 0.5]);
    leavingX[n] += bends * ramp(length[n], FAR) * (tangentX - ax);
    leavingY[n] += bends * ramp(length[n], FAR) * (tangentY - ay);
    arrivingX[n - 1] += bends * ramp(length[n - 1], FAR) * (tangentX - bx);
    arrivingY[n - 1] += bends * ramp(length[n - 1], FAR) * (tangentY - by);
  }
  const first = last.map((_, n) => n === 0 || last[n - 1]);
  for (let n = 0; n < x.length; n++) {
    if (!first[n]) continue;
    leavingX[n] += (straightX[n] - arrivingX[n]) / 2;
    leavingY[n] += (straightY[n] - arrivingY[n]) / 2;
  }
  for (let n = 0; n < x.length - 1; n++) {
    if (!last[n + 1]) continue;
    arrivingX[n] += (straightX[n] - leavingX[n]) / 2;
    arrivingY[n] += (straightY[n] - leavingY[n]) / 2;
  }
  /** @type {{ x: number[], y: number[], last: boolean[] }} */
  const curve = { x: [], y: [], last: [] };
  for (let n = 0; n < x.length; n++) {
    const pieces = length[n] > FAR[0] ? PIECES : 1; // short ones stay in one
    for (let piece = 0; piece < pieces; piece++) {
      const u = piece / PIECES;
      curve.x.push(hermite(u, x[n], leavingX[n] * pace[n], x[n] + dx[n], arrivingX[n] * pace[n]));
      curve.y.push(hermite(u, y[n], leavingY[n] * pace[n], y[n] + dy[n], arrivingY[n] * pace[n]));
      curve.last.push(last[n]);
    }
  }
  return { x: Float64Array.from(curve.x), y: Float64Array.from(curve.y), last: curve.last };
}

/**
 * The place at `u`, 0 to 1, on a cubic curve from `start` to `end` with these tangents.
 * @param {number} u
 * @param {number} start
 * @param {number} leaving
 * @param {number} end
 * @param {number} arriving
 */
function hermite(u, start, leaving, end, arriving) {
  return (
    (2 * u ** 3 - 3 * u ** 2 + 1) * start +
    (u ** 3 - 2 * u ** 2 + u) * leaving +
    (3 * u ** 2 - 2 * u ** 3) * end +
    (u ** 3 - u ** 2) * arriving
  );
}

/**
 * 0 at the first limit and beyond, 1 at the second and beyond.
 * @param {number} value
 * @param {Limits} limits
 */
function ramp(value, limits) {
  return Math.min(Math.max((value - limits[0]) / (limits[1] - limits[0]), 0), 1);
}

/**
 * Ink a line that lies around 0: how much of each pixel a round pen covers, as a byte.
 *
 * A pixel's coverage, in [0, 1], is how far the pen's edge has passed its centre.
 * @param {Line} line
 * @param {Uint8Array} image where the ink goes
 */
function ink(line, image) {
  const { dx, dy, length } = chordsOf(line);
  const reach = PEN_WIDTH / 2 + 0.5;
  const coverage = new Float32Array(SIZE * SIZE);

  /** @type {(shiftX: number, shiftY: number) => void} */
  const cover = (shiftX, shiftY) => {
    coverage.fill(reach ** 2); // at first the square of the distance to the nearest segment
    for (let n = 0; n < length.length; n++) {
      const half = length[n] / 2;
      const [ux, uy] = length[n] > 1e-9 ? [dx[n] / length[n], dy[n] / length[n]] : [1, 0];
      const middleX = line.x[n] + dx[n] / 2 + shiftX, middleY = line.y[n] + dy[n] / 2 + shiftY;
      const wide = Math.abs(dx[n]) / 2 + reach, high = Math.abs(dy[n]) / 2 + reach;
      const right = Math.min(Math.ceil(middleX + wide), SIZE), bottom = Math.min(Math.ceil(middleY + high), SIZE);
      for (let row = Math.max(Math.floor(middleY - high), 0); row < bottom; row++) {
        for (let column = Math.max(Math.floor(middleX - wide), 0); column < right; column++) {
          const px = column + 0.5 - middleX, py = row + 0.5 - middleY; // the pixel's centre, seen from the segment's
          const beyond = Math.max(Math.abs(px * ux + py * uy) - half, 0), beside = py * ux - px * uy;
          const squared = beyond * beyond + beside * beside;
          if (squared < coverage[row * SIZE + column]) coverage[row * SIZE + column] = squared;
        }
      }
    }
    for (let n = 0; n < coverage.length; n++) coverage[n] = Math.min(reach - Math.fround(Math.sqrt(coverage[n])), 1);
  };

  // First with the bounding box in the middle, to find the centre of mass; then with that in its place.
  cover(CENTRE, CENTRE);
  let sum = 0, momentX = 0, momentY = 0;
  coverage.forEach((part, n) => {
    sum += part;
    momentX += part * ((n % SIZE) + 0.5);
    momentY += part * (Math.floor(n / SIZE) + 0.5);
  });
  cover(2 * CENTRE - momentX / sum, 2 * CENTRE - momentY / sum);
  coverage.forEach((part, n) => {
    const level = Math.fround(255 * part), up = Math.round(level);
    image[n] = level % 1 === 0.5 && up % 2 ? up - 1 : up; // half to even
  });
  return image;
}
