/** The drawing pad without a page: what it shows, and all that can be done with it. As pad/pad.py. */

import { StrokeError } from "../mnist-form.js";
import { parseEntries, strokeFile } from "../stroke-files.js";
import { CHOICES, Models } from "./asking.js";
import { Drawing, THICKEST, THINNEST } from "./drawing.js";
import { continues, History } from "./history.js";

/** @typedef {import("./drawing.js").Content} Content */

export const BRUSH_STEP = (THICKEST - THINNEST) / 14; // for a key
const LIVE_MS = 100; // between predictions while drawing
const CANVAS = 1000; // in stroke files, how long what is 1 long on the paper is

/** The state of a pad, and what can be done with it. */
export class Pad {
  drawing = new Drawing();
  history = new History();
  live = false;
  erasing = false;
  notice = ""; // a remark
  singleKeys = true; // whether letters are shortcuts
  /** @type {{ name: string, samples: import("../stroke-files.js").Sample[], shown: Map<number, Content> } | null} */
  #file = null; // what was opened, if it holds several drawings; and what each looked like on the paper
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #liveTimer;
  #rested = 0; // when live may predict again
  #saved = 0;
  #changed;

  /**
   * @param {(model: string) => Promise<import("../recognizer.js").Recognizer>} load
   * @param {(answered: boolean) => void} changed is told when there is something to show, and whether it is an answer
   */
  constructor(load, changed) {
    this.models = new Models(this.drawing, load);
    this.#changed = changed;
  }

  /** Say something, or with "" nothing any more. @param {string} remark */
  say(remark) {
    this.notice = remark;
    this.#changed(false);
  }

  // Pen and eraser

  /** @param {import("./stroke.js").Point} place */
  press(place, pressure = 1, erase = this.erasing) {
    this.notice = ""; // it would be in the way
    this.drawing.press(place, pressure, erase);
    this.#drawn();
  }

  /** @param {import("./stroke.js").Point} place */
  move(place, pressure = 1) {
    this.drawing.move(place, pressure);
    this.#drawn();
  }

  /** Lift the pen; live answers at once. */
  lift() {
    this.drawing.lift();
    this.#settle();
  }

  /** Lift the pen as if it had never been down: it was a palm. */
  cancel() {
    this.drawing.cancel();
    this.#settle();
  }

  /** @param {number} width */
  setBrush(width) {
    this.drawing.brush = Math.min(Math.max(width, THINNEST), THICKEST);
    this.#changed(false);
  }

  toggleEraser() {
    this.drawing.lift();
    this.erasing = !this.erasing;
    this.#changed(false);
  }

  toggleLive() {
    this.live = !this.live;
    this.#settle();
  }

  // The whole drawing

  /** Have the chosen models read the drawing. */
  async predict() {
    this.drawing.lift();
    this.#changed(false); // it may take a moment
    await this.models.ask();
    this.#answered();
  }

  /** There is an answer: keep it. */
  #answered() {
    const { drawing, models } = this;
    if (models.upToDate && !drawing.penIsDown) this.history.remember(drawing.content(), models.answers);
    this.#changed(true);
  }

  clear() {
    this.drawing.clear();
    this.erasing = false;
    this.#settle();
  }

  undo() {
    this.drawing.undo();
    this.#settle();
  }

  redo() {
    this.drawing.redo();
    this.#settle();
  }

  /** Put one of the last drawings back on the paper with its answer. @param {import("./history.js").Entry} entry */
  recall(entry) {
    this.drawing.put(entry.content);
    void this.predict();
  }

  /** Ask other models from now on, and at once if there is an answer to compare with. @param {number} number */
  choose(number) {
    const answered = this.models.upToDate;
    this.models.chosen = CHOICES[number].models;
    if (answered) void this.predict();
    else {
      this.#changed(false);
      void this.models.load().then(() => this.#changed(false));
    }
  }

  /** Show a digit of the number that was read: its bars, and what the model saw. @param {number} number */
  point(number) {
    this.models.pointed = number;
    this.#changed(false);
  }

  // Files

  /** The drawing as a stroke file holds it, and a name for it without an ending. */
  save() {
    /** @type {(value: number) => number} */
    const plain = (value) => Math.round(value * CANVAS * 10) / 10;
    /** @type {(answer: import("./asking.js").Answer) => Record<string, unknown>} */
    const said = (answer) => {
      const confidence = Math.round(answer.confidence * 1e4) / 1e4, { status } = answer;
      if ("text" in answer) return { status, confidence, text: answer.text, digits: answer.digits.map(said) };
      const probabilities = Array.from(answer.probabilities, (p) => Math.round(p * 1e4) / 1e4);
      const box = answer.box ? { box: answer.box.map(plain) } : {};
      return { status, confidence, digit: answer.digit, probabilities, ...box };
    };
    const given = this.models.upToDate ? [...this.models.answers].map(([model, answer]) => [model, said(answer)]) : [];
    const meta = { "made with": "digitpad in a browser", canvas: CANVAS, answers: Object.fromEntries(given) };
    /** @type {(point: import("./stroke.js").Point) => import("./stroke.js").Point} */
    const scaled = ([x, y]) => [plain(x), plain(y)];
    const strokes = this.drawing.strokes.map(({ points }) => points.map(scaled));
    const name = `drawing-${String(++this.#saved).padStart(4, "0")}`;
    return { name, content: strokeFile(strokes, this.drawing.label, meta) };
  }

  /** Open a stroke file; what is wrong with it is shown as a remark. @param {File} file */
  async open(file) {
    if (/^image\//.test(file.type) || !/\.json(\.gz)?$/i.test(file.name)) {
      const what = /^image\//.test(file.type) ? "a picture; the Python package reads those" : "not a stroke file";
      return this.say(`${file.name}: ${what}. This page opens drawings, .json or .json.gz`);
    }
    try {
      const entries = await parseEntries(file, file.name);
      const samples = entries.flatMap((entry) => (entry instanceof StrokeError ? [] : [entry]));
      const bad = entries.find((entry) => entry instanceof StrokeError);
      if (!samples.length) throw bad ?? new StrokeError(`${file.name}: holds no drawing`);
      this.#file = { name: file.name, samples, shown: new Map() };
      this.#show(0);
      if (bad) this.say(`${bad.message}; left out`);
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
  }

  /** Go to the next drawing (1) or the one before (-1) in a file that holds several. @param {number} pages */
  turn(pages) {
    const page = this.page;
    if (page !== null && this.canTurn(pages)) this.#show(page + pages);
  }

  /** @param {number} pages */
  canTurn(pages) {
    return this.page !== null && !!this.#file?.samples[this.page + pages];
  }

  /** Which drawing of a file that holds several is on the paper; null: none. */
  get page() {
    if (!this.#file || this.#file.samples.length < 2) return null;
    const here = this.drawing.content();
    return [...this.#file.shown].find(([, content]) => continues(here, content))?.[0] ?? null;
  }

  /** @param {number} number */
  #show(number) {
    const file = this.#file;
    if (!file) return;
    const shown = file.shown.get(number);
    if (shown) this.drawing.put(shown);
    else this.drawing.open(file.samples[number]);
    file.shown.set(number, this.drawing.content());
    const { length } = file.samples, label = this.drawing.label?.replaceAll("\n", " / ");
    this.notice = `Drawing ${number + 1} of ${length} in ${file.name}${label ? `, a ${label}` : ""}`;
    if (length === 1) this.notice = "";
    void this.predict();
  }

  // Live

  /** There is more on the paper. */
  #drawn() {
    this.#changed(false);
    if (!this.live || this.#liveTimer !== undefined) return;
    this.#liveTimer = setTimeout(() => this.#askLive(), this.#rested - performance.now());
  }

  /** The drawing is as it is meant to be, for now. */
  #settle() {
    if (!this.live) this.#changed(false);
    else if (this.models.upToDate) this.#answered(); // while the pen was still down
    else void this.#askLive();
  }

  async #askLive() {
    clearTimeout(this.#liveTimer);
    this.#liveTimer = undefined;
    const started = performance.now();
    await this.models.ask();
    const ended = performance.now();
    this.#rested = ended + Math.max(LIVE_MS, 4 * (ended - started)); // most of the time is still left for the pen
    this.#answered();
    if (this.live && !this.models.upToDate) this.#drawn();
  }
}
