/** The paper: strokes drawn and erased, or an image, with undo and redo. As pad/drawing.py; no page in here. */

import { boxOf } from "../mnist-form.js";
import { clipToPaper, cut, Stroke } from "./stroke.js";

/** @typedef {import("./stroke.js").Point} Point */
/** @typedef {{ strokes: Stroke[], image: Uint8Array | null, label: string | null }} Content what is on the paper */

export const BRUSH = 0.05; // the initial width of the brush, where the paper is 1 high
export const THINNEST = 0.015, THICKEST = 0.12; // of the brushes
const MARK = 0.05; // a smaller stroke is a slip of the hand
const FITTED = 0.7; // of the paper's width or height: how large a drawing that comes from a file is shown

/** What is on the paper. */
export class Drawing {
  /** @type {Point} */ size = [1, 1]; // the paper's width and height; no stroke lies beyond
  /** @type {Stroke[]} */ strokes = []; // in the order they were drawn
  /** @type {Uint8Array | null} */ image = null; // in MNIST's form, from a file: is read instead of the strokes
  /** @type {string | null} */ label = null; // which digit it is, if a file said so
  brush = BRUSH; // how wide the next stroke will be; the eraser is twice as wide
  changes = 0; // counts every change of the drawing
  /** @type {Content[]} */ #past = [];
  /** @type {Content[]} */ #future = [];
  /** @type {Point | null} */ #pen = null; // where the pen is while it is down, on the paper or off it
  #erasing = false; // whether it is the eraser
  #drawn = 0; // how many strokes there were when the pen went down

  /**
   * Put the pen or the eraser down; `pressure` is in (0, 1]. Drawing removes an image.
   * @param {Point} place
   */
  press(place, pressure = 1, erase = false) {
    this.lift();
    this.#past.push(this.content());
    this.#erasing = erase;
    this.#drawn = this.strokes.length;
    if (!erase) this.image = this.label = null;
    this.#pen = place;
    if (erase) this.#erase(place, place);
    else this.#drawLine(place, place, pressure);
  }

  /**
   * Move the pen; it draws if it is down. A stroke ends where the pen leaves the paper.
   * @param {Point} place
   */
  move(place, pressure = 1) {
    const pen = this.#pen;
    if (!pen || (pen[0] === place[0] && pen[1] === place[1])) return;
    if (this.#erasing) {
      // Small steps add up first: an eraser need not look at all strokes a thousand times a second.
      if (Math.abs(place[0] - pen[0]) + Math.abs(place[1] - pen[1]) < this.brush / 8) return;
      this.#erase(pen, place);
    } else this.#drawLine(pen, place, pressure);
    this.#pen = place;
  }

  /** Lift the pen: all it did since it was put down is one step for undo. */
  lift() {
    if (!this.#pen) return;
    this.#pen = null;
    if (this.isEmpty) this.label = null;
    const before = this.#past[this.#past.length - 1];
    if (isSame(before, this.content())) this.#past.pop();
    else this.#future = [];
  }

  /** Lift the pen as if it had never been down. */
  cancel() {
    if (!this.#pen) return;
    this.#pen = null;
    this.#set(/** @type {Content} */ (this.#past.pop()));
  }

  get penIsDown() {
    return this.#pen !== null;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Take back the last step: a stroke, an erasure, a clearing, an opened file. */
  undo() {
    this.lift();
    this.#take(this.#past, this.#future);
  }

  /** Bring back the step that was last undone. */
  redo() {
    this.lift();
    this.#take(this.#future, this.#past);
  }

  /** What is on the paper; the strokes in it are shared. */
  content() {
    return { strokes: [...this.strokes], image: this.image, label: this.label };
  }

  /** Remove all strokes and the image. */
  clear() {
    this.put({ strokes: [], image: null, label: null });
  }

  /**
   * Replace everything.
   * @param {Content} content
   */
  put(content) {
    this.lift();
    const before = this.content();
    this.#set(content);
    if (isSame(before, content)) return;
    this.#past.push(before);
    this.#future = [];
  }

  /**
   * Put strokes in any unit and with any offset in the middle of the paper, or an image.
   * @param {import("../stroke-files.js").Sample} sample
   */
  open({ strokes, image, label }) {
    const [left, top, right, bottom] = boxOf(strokes.flat());
    const extent = Math.max((right - left) / this.size[0], (bottom - top) / this.size[1]) || 1;
    const middle = [left + (right - left) / 2, top + (bottom - top) / 2];
    const high = (FITTED * (bottom - top)) / extent;
    const wide = Math.min(BRUSH, Math.max(THINNEST, 0.12 * high)); // small digits stay legible
    const fitted = strokes.map((points) => {
      /** @type {(value: number, axis: number) => number} */
      const fit = (value, axis) => ((value - middle[axis]) / extent) * FITTED + this.size[axis] / 2;
      return new Stroke(points.map(([x, y]) => [fit(x, 0), fit(y, 1)]), points.map(() => wide));
    });
    this.put({ strokes: fitted, image, label });
  }

  get isEmpty() {
    return !this.strokes.length && !this.image;
  }

  /** The points of the strokes that count. A very small one is a slip of the hand. */
  marks() {
    return this.strokes.filter((stroke) => stroke.extent >= MARK).map((stroke) => stroke.points);
  }

  /**
   * Continue the stroke, or begin one where the line comes onto the paper.
   * @param {Point} start
   * @param {Point} end
   * @param {number} pressure
   */
  #drawLine(start, end, pressure) {
    const clipped = clipToPaper(start, end, this.size);
    if (!clipped) return;
    const [first, last] = clipped, width = this.brush * (0.4 + 0.6 * Math.min(Math.max(pressure, 0), 1));
    let stroke = this.strokes[this.strokes.length - 1];
    const end_ = stroke?.points[stroke.points.length - 1];
    if (this.strokes.length <= this.#drawn || end_[0] !== first[0] || end_[1] !== first[1]) {
      stroke = new Stroke([first], [width]);
      this.strokes.push(stroke);
    }
    if (last[0] !== first[0] || last[1] !== first[1]) {
      stroke.points.push(last);
      stroke.widths.push(width);
    }
    this.changes++;
  }

  /**
   * Cut away the ink in the eraser's path; an image has none.
   * @param {Point} start
   * @param {Point} end
   */
  #erase(start, end) {
    const left = this.strokes.map((stroke) => cut(stroke, start, end, this.brush));
    if (left.every((pieces) => !pieces)) return;
    this.strokes = this.strokes.flatMap((stroke, n) => left[n] ?? stroke);
    this.changes++;
  }

  /**
   * @param {Content[]} steps
   * @param {Content[]} opposites
   */
  #take(steps, opposites) {
    const step = steps.pop();
    if (!step) return;
    opposites.push(this.content());
    this.#set(step);
  }

  /** @param {Content} content */
  #set({ strokes, image, label }) {
    this.strokes = [...strokes];
    this.image = image;
    this.label = label;
    this.changes++;
  }
}

/**
 * @param {Content} one
 * @param {Content} other
 */
function isSame(one, other) {
  const same = one.image === other.image && one.strokes.length === other.strokes.length;
  return same && one.strokes.every((stroke, n) => stroke === other.strokes[n]);
}
