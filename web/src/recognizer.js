/**
 * The recogniser: strokes in, a digit or a number and how sure it is out. runtime/digitpad/recognizer.py, step by step,
 * but for the row reader, which the page does not have.
 */

import { boxOf, cleanStrokes, renderStrokes, withoutTaps } from "./mnist-form.js";
import {
  argmax,
  bestReading,
  Known,
  logAddExp,
  logStrokes,
  MOST_DIGITS,
  MOST_STROKES,
  strokeRows,
} from "./reader.js";

/**
 * What a model makes of one drawing, as in Python: `digit` is null when blank or not a digit; when blank `confidence`
 * is 0 and `oodScore` NaN; `image` is exactly what the model saw, `box` a number's digit in the input's coordinates.
 * @typedef {{ status: "digit" | "unsure" | "not_a_digit" | "blank", digit: number | null, confidence: number,
 *   probabilities: Float32Array, oodScore: number, image: Uint8Array,
 *   box: import("./reader.js").Box | null }} Prediction
 */
/**
 * What a model makes of a whole number: rows of the text are joined by a line end; it is "" when not a number or blank.
 * @typedef {{ text: string, status: "number" | "unsure" | "not_a_number" | "blank", confidence: number,
 *   digits: Prediction[], reason: string }} Numeral
 */
/** @typedef {{ probabilities: Float32Array, oodScore: number }} Judged a model's answer to one image */

const BESIDE = Math.log(3); // by how much the log odds that a drawing is a digit are better where others stand beside it
const CLEAR = Math.log(0.98); // of rows: where what they are together is likelier a digit, they are no rows
const CHUNK = 256; // images run at once: more would need memory and be no faster

/** Reads handwritten digits with one model. */
export class Recognizer {
  #model;

  /** @param {import("./models.js").Model} model */
  constructor(model) {
    this.#model = model;
    this.name = model.metadata.name;
    this.oodThreshold = Number(model.metadata.ood_threshold);
    this.unsureThreshold = Number(model.metadata.unsure_threshold);
  }

  /**
   * Read the digit that strokes draw.
   * @param {unknown} strokes arrays of [x, y], in any unit and with any offset
   */
  predictStrokes(strokes) {
    return this.predictNormalised(renderStrokes(strokes));
  }

  /**
   * Read one image already in the model's form.
   * @param {Uint8Array} image
   * @returns {Promise<Prediction>}
   */
  async predictNormalised(image) {
    if (!image.some(Boolean)) {
      const probabilities = new Float32Array(10).fill(0.1);
      return { status: "blank", digit: null, confidence: 0, probabilities, oodScore: NaN, image, box: null };
    }
    const [judged] = await this.run([image]);
    return this.#prediction(image, judged);
  }

  /**
   * Read the whole number, or the several in rows, that strokes draw, in whatever order.
   * @param {unknown} strokes
   * @param {Known} known from reading an earlier state of this drawing; the answer is the same, and comes sooner
   * @returns {Promise<Numeral>}
   */
  async readStrokes(strokes, known = new Known()) {
    const cleaned = cleanStrokes(strokes);
    const rows = await strokeRows(cleaned, known);
    if (rows.length > 1 && cleaned.length <= MOST_STROKES) { // or an 8 of two circles, which need not touch
      const one = await this.predictStrokes(cleaned);
      if (one.digit !== null && Math.log(one.confidence) - logAddExp(0, one.oodScore) > CLEAR) {
        const box = boxOf(withoutTaps(cleaned).flat());
        const status = one.status === "digit" ? "number" : "unsure";
        return numeral(String(one.digit), status, one.confidence, [{ ...one, box }]);
      }
    }
    const images = rows.flatMap((row) => row.groups.flatMap((group) => group.image ?? []));
    if (!images.length) return numeral("", "blank", 0);
    const keys = images.map((image) => `${this.name}:${String.fromCharCode(...image)}`);
    const judged = await known.each(keys, (places) => this.run(places.map((n) => images[n])));
    const logDigits = judged.map(({ probabilities, oodScore }) => {
      const outlier = logAddExp(0, oodScore);
      return Array.from(probabilities, (p) => Math.fround(Math.log(Math.max(p, Math.fround(1e-12)))) - outlier);
    });
    /** @type {string[]} */
    const texts = [];
    /** @type {Prediction[]} */
    const digits = [];
    let confidence = 1, logNumber = 0, seen = 0;
    for (const row of rows) {
      const place = row.groups.map((group) => (group.image ? seen++ : -1));
      const logRow = place.map((n) => logDigits[n]);
      const shapes = bestReading(row, logRow);
      const usual = bestReading(
        row,
        row.groups.map((group, n) => logStrokes(group).map((more, digit) => logRow[n]?.[digit] + more)),
      );
      const reading = usual.text.length > 1 ? usual : shapes; // a single digit may be written in any number of strokes
      confidence *= reading.confidence;
      logNumber = Math.min(logNumber, shapes.logNumber);
      if (reading.text) texts.push(reading.text);
      for (const n of reading.chosen) {
        const found = judged[place[n]];
        const weighted = reading === usual ? { ...found, probabilities: asWritten(row.groups[n], found) } : found;
        digits.push({ ...this.#prediction(images[place[n]], weighted), box: row.groups[n].box });
      }
    }
    if (!texts.length) return numeral("", "blank", 0);
    if (Math.max(...texts.map((text) => text.length)) > MOST_DIGITS) {
      return numeral("", "not_a_number", confidence, [], `more than ${MOST_DIGITS} digits in a row`);
    }
    const least = this.oodThreshold + (digits.length > 1 ? BESIDE : 0);
    if (logNumber < -logAddExp(0, least)) return numeral("", "not_a_number", confidence);
    return numeral(texts.join("\n"), confidence < this.unsureThreshold ? "unsure" : "number", confidence, digits);
  }

  /**
   * The model's answers for images in its form.
   * @param {Uint8Array[]} images
   * @returns {Promise<Judged[]>}
   */
  async run(images) {
    const answers = [];
    for (let first = 0; first < images.length; first += CHUNK) {
      answers.push(...(await this.#model.run(images.slice(first, first + CHUNK))));
    }
    return answers;
  }

  /**
   * @param {Uint8Array} image
   * @param {Judged} judged
   * @returns {Prediction}
   */
  #prediction(image, { probabilities, oodScore }) {
    const best = argmax(probabilities), confidence = probabilities[best];
    const outlier = oodScore > this.oodThreshold;
    const status = outlier ? "not_a_digit" : confidence < this.unsureThreshold ? "unsure" : "digit";
    return { status, digit: outlier ? null : best, confidence, probabilities, oodScore, image, box: null };
  }
}

/**
 * Each digit's probability, knowing in how many strokes it is written.
 * @param {import("./reader.js").Group} group
 * @param {Judged} judged
 */
function asWritten(group, { probabilities }) {
  const more = logStrokes(group), weighted = probabilities.map((p, digit) => p * Math.exp(more[digit]));
  const sum = weighted.reduce((one, other) => one + other);
  return weighted.map((p) => p / sum);
}

/**
 * @param {string} text
 * @param {Numeral["status"]} status
 * @param {number} confidence
 * @param {Prediction[]} digits
 * @returns {Numeral}
 */
function numeral(text, status, confidence, digits = [], reason = "") {
  return { text, status, confidence, digits, reason };
}
