/** Lines of ink on the paper, where they end at its edge, and what an eraser cuts away: as pad/stroke.py. */

/** @typedef {import("../mnist-form.js").Point} Point on the paper; where it is not scaled, it is 1 high */
/** @typedef {[number, number]} Span from one part of a line to another, both in [0, 1]; the first is larger: nothing */

/** One line of ink: it grows while it is drawn and is never changed afterwards, so drawings and undo steps share it. */
export class Stroke {
  /**
   * @param {Point[]} points
   * @param {number[]} widths how wide the brush was at each
   */
  constructor(points, widths) {
    this.points = points;
    this.widths = widths;
  }

  /** @returns {[number, number, number, number]} left, top, right, bottom of its points */
  get bounds() {
    const x = this.points.map((point) => point[0]), y = this.points.map((point) => point[1]);
    return [least(x), least(y), most(x), most(y)];
  }

  /** The larger of its width and height. */
  get extent() {
    const [left, top, right, bottom] = this.bounds;
    return Math.max(right - left, bottom - top);
  }
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
/** @param {number[]} values */
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

/**
 * The part of a line that lies on a paper of this width and height, or null (Liang and Barsky 1984).
 * @param {Point} start
 * @param {Point} end
 * @param {Point} size
 * @returns {[Point, Point] | null}
 */
export function clipToPaper(start, end, size) {
  let enter = 0, leave = 1;
  for (const axis of [0, 1]) {
    const a = start[axis], b = end[axis];
    for (const [distance, step] of [[a, a - b], [size[axis] - a, b - a]]) {
      if (step === 0 && distance < 0) return null;
      if (step > 0) leave = Math.min(leave, distance / step);
      if (step < 0) enter = Math.max(enter, distance / step);
    }
  }
  if (enter > leave) return null;
  /** @type {(part: number) => Point} */
  const at = (part) => {
    // An end that needs no clipping is kept exactly, so that one line's end is the next one's start.
    const [x, y] = part === 0 ? start : part === 1 ? end : between(start, end, part);
    return [Math.min(Math.max(x, 0), size[0]), Math.min(Math.max(y, 0), size[1])];
  };
  return [at(enter), at(leave)];
}

/**
 * @param {Point} start
 * @param {Point} end
 * @param {number} part
 * @returns {Point}
 */
function between(start, end, part) {
  return [start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])];
}

/**
 * Cut away what a round eraser touches on a straight path. A stroke is touched where its ink is: `radius` is that of
 * the eraser, and half the ink's width is added.
 * @param {Stroke} stroke
 * @param {Point} start
 * @param {Point} end
 * @param {number} radius
 * @returns {Stroke[] | null} the pieces that are left, with new points at the cuts; null if it does not touch it
 */
export function cut({ points, widths }, start, end, radius) {
  const reach = radius + most(widths) / 2;
  if (points.length === 1) return inReach(points[0], points[0], start, end, reach) ? [] : null;
  const spans = points.slice(1).map((point, n) => inReach(points[n], point, start, end, reach));
  if (spans.every((span) => !span)) return null;
  /** @type {(piece: Stroke, n: number, part: number) => void} */
  const add = (piece, n, part) => {
    piece.points.push(part === 1 ? points[n + 1] : between(points[n], points[n + 1], part));
    piece.widths.push(widths[n] + part * (widths[n + 1] - widths[n]));
  };
  const pieces = [];
  let piece = new Stroke([points[0]], [widths[0]]);
  spans.forEach((span, n) => {
    if (span) {
      if (span[0] > 0) add(piece, n, span[0]);
      pieces.push(piece);
      piece = new Stroke([], []);
      if (span[1] >= 1) return;
      add(piece, n, span[1]);
    }
    add(piece, n, 1);
  });
  pieces.push(piece);
  return pieces.filter(({ points }) => points.length > 1); // an end with only one point left is not worth a dot
}

/**
 * Where the line from p to q runs within `reach` of the line from `start` to `end`. What lies within reach of a line is
 * convex: a disc around either end, and a rectangle between.
 * @param {Point} p
 * @param {Point} q
 * @param {Point} start
 * @param {Point} end
 * @param {number} reach
 * @returns {Span | null}
 */
function inReach(p, q, start, end, reach) {
  const spans = [inDisc(p, q, start, reach), inDisc(p, q, end, reach)];
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]], length = Math.hypot(dx, dy);
  if (length > 0) {
    /** @type {(point: Point) => Point} */
    const seen = ([x, y]) => {
      const [ax, ay] = [x - start[0], y - start[1]];
      return [(ax * dx + ay * dy) / length, (ay * dx - ax * dy) / length]; // along the path, and across it
    };
    const [from, to] = [seen(p), seen(q)];
    const along = inStrip(from[0], to[0], 0, length), across = inStrip(from[1], to[1], -reach, reach);
    spans.push([Math.max(along[0], across[0]), Math.min(along[1], across[1])]);
  }
  const inside = spans.filter(([enter, leave]) => enter <= leave);
  return inside.length ? [least(inside.map((span) => span[0])), most(inside.map((span) => span[1]))] : null;
}

/**
 * @param {Point} p
 * @param {Point} q
 * @param {Point} centre
 * @param {number} radius
 * @returns {Span}
 */
function inDisc(p, q, centre, radius) {
  const step = [q[0] - p[0], q[1] - p[1]], away = [p[0] - centre[0], p[1] - centre[1]];
  const a = Math.max(step[0] ** 2 + step[1] ** 2, 1e-18); // a line of no length is inside as a whole or not at all
  const b = step[0] * away[0] + step[1] * away[1];
  const root = b ** 2 - a * (away[0] ** 2 + away[1] ** 2 - radius ** 2);
  if (root < 0) return [1, 0];
  return [Math.max((-b - Math.sqrt(root)) / a, 0), Math.min((-b + Math.sqrt(root)) / a, 1)];
}

/**
 * @param {number} p
 * @param {number} q
 * @param {number} low
 * @param {number} high
 * @returns {Span}
 */
function inStrip(p, q, low, high) {
  const step = q - p;
  if (Math.abs(step) < 1e-12) return low <= p && p <= high ? [0, 1] : [1, 0];
  const first = (low - p) / step, second = (high - p) / step;
  return [Math.max(Math.min(first, second), 0), Math.min(Math.max(first, second), 1)];
}
