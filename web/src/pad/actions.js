/**
 * What can be done on the pad: one table, from which its keys, its buttons and its help follow. As pad/actions.py.
 */

import { CHOICES } from "./asking.js";
import { BRUSH_STEP } from "./pad.js";

/** @typedef {import("./pad.js").Pad} Pad */
/** @typedef {Record<"choose" | "save" | "help" | "theme" | "fullscreen", () => void>} Page */
/**
 * A button: where on the page it is, whether it looks switched on, and whether there is anything to do for it.
 * @typedef {{ place: string, label: string, isOn?: (pad: Pad) => boolean, isPossible?: (pad: Pad) => boolean }} Button
 */
/**
 * One row of the table: `keys` as the help names them; `help`: the place in the list of shortcuts, and its columns.
 * @typedef {{ do: (pad: Pad, page: Page) => unknown, keys: string[], help?: [number, string, string],
 *   button?: Button }} Action
 */

/** @type {Record<string, Action>} */
export const ACTIONS = {
  eraser: {
    do: (pad) => pad.toggleEraser(),
    keys: ["E"],
    help: [4, "E", "eraser, or the brush again"],
    button: { place: "tools", label: "Eraser", isOn: (pad) => pad.erasing },
  },
  undo: {
    do: (pad) => pad.undo(),
    keys: ["Z", "Ctrl Z"],
    help: [3, "Z  /  Shift Z", "undo / redo"],
    button: { place: "tools", label: "Undo", isPossible: (pad) => pad.drawing.canUndo },
  },
  redo: {
    do: (pad) => pad.redo(),
    keys: ["Shift Z", "Ctrl Shift Z", "Ctrl Y"],
    button: { place: "tools", label: "Redo", isPossible: (pad) => pad.drawing.canRedo },
  },
  clear: {
    do: (pad) => pad.clear(),
    keys: ["C"],
    help: [2, "C", "clear the paper"],
    button: { place: "tools", label: "Clear", isPossible: (pad) => !pad.drawing.isEmpty },
  },
  open: {
    do: (_, page) => page.choose(),
    keys: ["O", "Ctrl O"],
    help: [9, "O", "open a stroke file"],
    button: { place: "tools", label: "Open" },
  },
  save: {
    do: (_, page) => page.save(),
    keys: ["S", "Ctrl S"],
    help: [8, "S", "save the drawing"],
    button: { place: "tools", label: "Save", isPossible: (pad) => pad.drawing.strokes.length > 0 },
  },
  help: {
    do: (_, page) => page.help(),
    keys: ["H", "?", "F1"],
    help: [15, "H  or  ?", "this help"],
    button: { place: "tools", label: "Help" },
  },
  previous: {
    do: (pad) => pad.turn(-1),
    keys: ["Page Up"],
    help: [10, "Page Up, Down", "page through an opened file"],
    button: { place: "back", label: "Back", isPossible: (pad) => pad.canTurn(-1) },
  },
  next: {
    do: (pad) => pad.turn(1),
    keys: ["Page Down"],
    button: { place: "forth", label: "Next", isPossible: (pad) => pad.canTurn(1) },
  },
  ...Object.fromEntries(
    CHOICES.map(({ label, models }, n) => {
      /** @type {Action} */
      const choice = {
        do: (pad) => pad.choose(n),
        keys: [`${n + 1}`],
        help: n ? undefined : [6, "1  2  3", "CNN, MLP, both"],
        button: { place: "choices", label, isOn: (pad) => pad.models.chosen === models },
      };
      return [`choice ${n}`, choice];
    }),
  ),
  live: {
    do: (pad) => pad.toggleLive(),
    keys: ["L"],
    help: [7, "L", "live: predict while you draw"],
    button: { place: "go", label: "Live", isOn: (pad) => pad.live },
  },
  predict: {
    do: (pad) => pad.predict(),
    keys: ["Enter"],
    help: [1, "Enter", "predict the digit"],
    button: { place: "go", label: "Predict the Digit" },
  },
  thinner: {
    do: (pad) => pad.setBrush(pad.drawing.brush - BRUSH_STEP),
    keys: ["["],
    help: [5, "[  ]", "thinner, thicker"],
  },
  thicker: { do: (pad) => pad.setBrush(pad.drawing.brush + BRUSH_STEP), keys: ["]"] },
  focus: { do: () => {}, keys: [], help: [11, "Tab, Enter", "go to a button, press it"] },
  draw: { do: () => {}, keys: [], help: [12, "arrows, Space", "on the paper: move the pen, put it down"] },
  theme: { do: (_, page) => page.theme(), keys: ["T"], help: [13, "T", "light or dark"] },
  "full screen": { do: (_, page) => page.fullscreen(), keys: ["F", "F11"], help: [14, "F  or  F11", "full screen"] },
};

/**
 * The name of the action of the first of these keys that has one.
 * @param {string[]} keys
 */
export function actionOf(keys) {
  return keys.flatMap((key) => Object.keys(ACTIONS).filter((name) => ACTIONS[name].keys.includes(key)))[0];
}

/** The list of shortcuts: keys and what they do. */
export function helpLines() {
  const lines = Object.values(ACTIONS).flatMap(({ help }) => (help ? [help] : []));
  return lines.sort((a, b) => a[0] - b[0]).map(([, keys, words]) => [keys, words]);
}
