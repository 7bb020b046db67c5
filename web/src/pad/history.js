/** The last drawings and what was read in them: as pad/history.py. */

import { verdict } from "./asking.js";

/** @typedef {import("./drawing.js").Content} Content */
/** @typedef {{ content: Content, answers: Map<string, import("./asking.js").Answer> }} Entry */

export const LENGTH = 24; // drawings that are kept

/** The last drawings, the newest first. A drawing that continues one of them takes its place. */
export class History {
  /** @type {Entry[]} */ entries = [];

  /**
   * Keep a drawing that was read, unless there was nothing to read.
   * @param {Content} content
   * @param {Map<string, import("./asking.js").Answer>} answers
   */
  remember(content, answers) {
    if (!answers.size || [...answers.values()].some((answer) => answer.status === "blank")) return;
    const old = this.entries.find((entry) => continues(content, entry.content));
    if (old) Object.assign(old, { content, answers });
    else this.entries = [{ content, answers }, ...this.entries].slice(0, LENGTH);
  }
}

/**
 * Whether a drawing continues another: strokes are shared, never copied, so they have one in common, or the image.
 * @param {Content} content
 * @param {Content} earlier
 */
export function continues(content, earlier) {
  if (earlier.image) return earlier.image === content.image;
  return earlier.strokes.some((stroke) => content.strokes.includes(stroke));
}

/**
 * What was read, in a few letters; two models that disagree are both quoted.
 * @param {Entry} entry
 */
export function shortAnswer({ content, answers }) {
  if (content.label) return `=${content.label}`;
  return [...new Set([...answers.values()].map((answer) => verdict(answer)[0]))].join("/");
}
