/** Asking models what the drawing shows: which are chosen, loading them, and their answers. As pad/asking.py. */

import { Known } from "../reader.js";

/** @typedef {import("../recognizer.js").Prediction} Prediction */
/** @typedef {import("../recognizer.js").Numeral} Numeral */
/** @typedef {Prediction | Numeral} Answer a number of several digits; a digit, and what is none, is a prediction */

const CLOSE = 0.1; // a second digit with this probability or more is named beside the first
const NO_BREAK = "\u00a0";

export const CHOICES = [
  { label: "CNN", models: ["cnn"] },
  { label: "MLP", models: ["mlp-int8"] },
  { label: "Both", models: ["cnn", "mlp-int8"] },
];
/** @type {Record<string, string>} */
export const LABELS = { cnn: "CNN", "mlp-int8": "MLP (int8)" };

/** The models that read a drawing. Each is loaded when it is first needed. */
export class Models {
  chosen = CHOICES[0].models;
  /** @type {Map<string, import("../recognizer.js").Recognizer>} */ readers = new Map();
  /** @type {Map<string, Answer>} */ answers = new Map(); // by model: the last answer,
  /** @type {Map<string, number>} */ took = new Map(); // how many milliseconds that took,
  /** @type {Map<string, string>} */ troubles = new Map(); // why there is none
  /** @type {number | null} */ pointed = null; // which digit of a number the user asked to see
  #drawing;
  #load;
  #known = new Known(); // of the drawing, as it was last read
  #answered = -1; // the drawing's `changes` when the answers were given
  /** @type {Promise<void> | null} */ #asking = null;

  /**
   * @param {import("./drawing.js").Drawing} drawing
   * @param {(model: string) => Promise<import("../recognizer.js").Recognizer>} load
   */
  constructor(drawing, load) {
    this.#drawing = drawing;
    this.#load = load;
  }

  /** Whether the answers are about the drawing as it is now. */
  get upToDate() {
    const answered = this.chosen.every((model) => this.answers.has(model) || this.troubles.has(model));
    return this.#answered === this.#drawing.changes && answered;
  }

  get isAsking() {
    return this.#asking !== null;
  }

  /** Have the chosen models read the drawing, one asking after the other; one that fails is in `troubles`. */
  async ask() {
    const before = this.#asking;
    const mine = (async () => {
      await before;
      await this.load();
      await this.#ask();
    })();
    this.#asking = mine;
    await mine;
    if (this.#asking === mine) this.#asking = null;
  }

  async #ask() {
    const { changes, image } = this.#drawing, marks = this.#drawing.marks().map((mark) => [...mark]); // it may grow
    const answers = new Map(), took = new Map();
    this.#known.begin();
    for (const model of this.chosen) {
      const reader = this.readers.get(model), started = performance.now();
      if (!reader) continue;
      try {
        answers.set(model, image ? await reader.predictNormalised(image) : await read(reader, marks, this.#known));
        took.set(model, performance.now() - started);
      } catch (error) {
        this.troubles.set(model, /** @type {Error} */ (error).message);
      }
    }
    Object.assign(this, { answers, took, pointed: null });
    this.#answered = changes;
  }

  /** Load the chosen models that are not loaded yet; one that fails is noted in `troubles`. */
  async load() {
    await Promise.all(
      this.chosen.map(async (model) => {
        this.troubles.delete(model);
        if (this.readers.has(model)) return;
        try {
          this.readers.set(model, await this.#load(model));
        } catch (error) {
          this.troubles.set(model, /** @type {Error} */ (error).message);
        }
      }),
    );
  }
}

/**
 * @param {import("../recognizer.js").Recognizer} reader
 * @param {import("../mnist-form.js").Points[]} marks
 * @param {Known} known
 */
async function read(reader, marks, known) {
  const number = await reader.readStrokes(marks, known);
  if (number.digits.length > 1) return number;
  return number.digits[0] ?? (await reader.predictStrokes(marks));
}

/**
 * Never 100 %: no model is that sure.
 * @param {number} probability
 */
function inPercent(probability) {
  return `${Math.min(100 * probability, 99.9).toFixed(1)}${NO_BREAK}%`;
}

/**
 * An answer in words: what to show large, and the line under it in several lengths, the longest first.
 * @param {Answer} answer
 * @returns {[string, string[]]}
 */
export function verdict(answer) {
  if (answer.status === "blank") {
    return ["", ["Blank paper: draw a digit from 0 to 9", "Blank: draw a digit first", "blank"]];
  }
  const short = `${Math.min(Math.trunc(100 * answer.confidence), 99)}%`;
  const percent = inPercent(answer.confidence);
  const sure = [`${percent} sure`, percent, short];
  if ("text" in answer) {
    const text = answer.text.replaceAll("\n", " / ");
    if (answer.status !== "unsure") return [text, sure];
    return [`${text}?`, [`Unsure: perhaps ${text} (${percent})`, `unsure, ${percent}`, "unsure"]];
  }
  if (answer.status === "not_a_digit") return ["–", ["Not a digit, by the look of it", "Not a digit", "no digit"]];
  const { probabilities, digit, oodScore } = answer;
  const [first, second] = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  if (answer.status === "unsure") {
    const other = Math.exp(Math.min(oodScore, 0)) > probabilities[second] ? "no digit" : second;
    const likely = inPercent(answer.confidence / (1 + Math.exp(oodScore)));
    const long = `Unsure: ${first} or ${other}? (${likely})`;
    return [`${first}?`, [long, `unsure: ${first} or ${other}`, `unsure, ${likely}`, "unsure"]];
  }
  if (probabilities[second] >= CLOSE) {
    const perhaps = `or a ${second} (${(100 * probabilities[second]).toFixed(0)}${NO_BREAK}%)`;
    return [`${digit}`, [`${percent} sure, ${perhaps}`, `${percent}, ${perhaps}`, `${short}, or ${second}`, short]];
  }
  return [`${digit}`, sure];
}
