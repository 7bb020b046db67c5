/** The pad's state on the page. The words and looks are those of the pygame pad (pad/paint.py, pad/view.py). */

import { SIZE } from "../mnist-form.js";
import { ACTIONS, helpLines } from "./actions.js";
import { LABELS, verdict } from "./asking.js";
import { shortAnswer } from "./history.js";
import { ICONS } from "./icons.js";

/** @typedef {import("./asking.js").Answer} Answer */
/** @typedef {import("./pad.js").Pad} Pad */
/** @typedef {[number, number, number]} Colour */

/** @type {(id: string) => any} */
export const part = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} inside
 * @returns {any}
 */
function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

/** Shows a pad on the page, and knows where on the paper a place on the screen is. */
export class View {
  scale = 1; // how many CSS pixels are 1 on the paper
  progress = 0; // of what is being loaded, 0 to 1
  #pad;
  #paper = part("paper");
  #ink = part("ink");
  /** @type {Map<string, HTMLButtonElement>} */ #buttons = new Map();
  #cardsShown = ""; // what the cards were made for
  #colour = ""; // of ink
  /** @type {WeakMap<import("./history.js").Entry["answers"], HTMLElement>} */ #remembered = new WeakMap();
  #inked = ""; // what the canvas shows
  #ratio = 1; // how many of its pixels are a CSS pixel

  /**
   * @param {Pad} pad
   * @param {(name: string) => void} perform does one of the ACTIONS
   */
  constructor(pad, perform) {
    this.#pad = pad;
    for (const [name, { button, keys, do: _ }] of Object.entries(ACTIONS)) {
      if (!button) continue;
      const made = element("button", { type: "button", "data-action": name, "aria-keyshortcuts": shortcuts(keys) });
      made.append(...(ICONS[name] ? [icon(ICONS[name])] : []), element("span", {}, button.label));
      if (!ICONS[name]) made.append(element("kbd", { "aria-hidden": "true" }, keys[0]));
      made.addEventListener("click", () => perform(name));
      part(button.place).append(made);
      this.#buttons.set(name, made);
    }
    part("shortcuts").append(
      ...helpLines().flatMap(([keys, words]) => [element("dt", {}, keys), element("dd", {}, words)]),
    );
  }

  /** Where on the paper a place in the window is. @returns {import("./stroke.js").Point} */
  onPaper(/** @type {number} */ x, /** @type {number} */ y) {
    const { left, top } = this.#ink.getBoundingClientRect();
    return [(x - left) / this.scale, (y - top) / this.scale];
  }

  /** Fit the paper to its room: it is 1 high, more where a drawing from another window would not lie on it. */
  fit() {
    const { drawing } = this.#pad, { clientWidth: width, clientHeight: height } = this.#paper;
    const bounds = drawing.strokes.map((stroke) => stroke.bounds);
    const across = Math.max(0, ...bounds.map((box) => box[2])), down = Math.max(0, ...bounds.map((box) => box[3]));
    this.scale = Math.min(height / Math.max(down, 1), width / Math.max(across, 1e-9)) || 1;
    drawing.size = [width / this.scale, height / this.scale];
    this.#inked = "";
    this.#colour = getComputedStyle(this.#paper).getPropertyValue("--ink").trim();
    this.#ratio = window.devicePixelRatio || 1;
    this.#ink.width = Math.round(width * this.#ratio);
    this.#ink.height = Math.round(height * this.#ratio);
    this.show();
  }

  /** Bring the page up to date. */
  show() {
    const pad = this.#pad, { drawing, models } = pad;
    const ink = `${drawing.changes} ${this.scale} ${this.#ink.width} ${this.#ink.height}`;
    if (ink !== this.#inked) drawInk(this.#ink, drawing, this.scale * this.#ratio, this.#colour);
    this.#inked = ink;
    part("hint").hidden = !drawing.isEmpty;
    part("notice").textContent = pad.notice;
    part("brush").value = String(drawing.brush);
    for (const [name, button] of this.#buttons) {
      const { isOn, isPossible } = ACTIONS[name].button ?? {};
      if (isOn) button.setAttribute("aria-pressed", String(isOn(pad)));
      if (isPossible) button.setAttribute("aria-disabled", String(!isPossible(pad)));
    }
    part("pager").hidden = pad.page === null;
    this.#showCards(models.upToDate || pad.live);
    this.#showHistory();
  }

  /** Tell those who cannot see it what was read. */
  announce() {
    const { models } = this.#pad;
    const said = models.chosen.map((model) => {
      const answer = models.answers.get(model), trouble = models.troubles.get(model);
      if (!answer) return trouble ?? "";
      const [large, words] = verdict(answer);
      return `${LABELS[model]}: ${/\d/.test(large) && answer.status !== "unsure" ? `${large}, ` : ""}${words[0]}`;
    });
    part("said").textContent = said.join(". ");
  }

  /** @param {boolean} current whether the answers are to be shown */
  #showCards(current) {
    const { models, drawing, live } = this.#pad;
    const cards = part("cards"), shown = models.chosen.join();
    if (shown !== this.#cardsShown) {
      this.#cardsShown = shown;
      cards.replaceChildren(...models.chosen.map((model) => this.#newCard(model)));
    }
    models.chosen.forEach((model, place) => {
      const card = cards.children[place], trouble = models.troubles.get(model);
      const answer = current ? models.answers.get(model) : undefined, took = models.took.get(model);
      card.querySelector(".took").textContent = answer && took !== undefined ? `${took.toFixed(1)} ms` : "";
      const loading = !models.readers.has(model) && !trouble;
      let hint = drawing.isEmpty ? "Draw a digit, then press Predict the Digit" : "Press Predict the Digit";
      if (live && drawing.isEmpty) hint = "Draw a digit";
      if (loading) hint = `One moment: the model is loading, ${Math.floor(100 * this.progress)} %`;
      card.querySelector("progress").hidden = !loading;
      card.querySelector("progress").value = this.progress;
      const blank = !answer || answer.status === "blank";
      card.dataset.shows = trouble ? "trouble" : blank ? "message" : "text" in answer ? "number" : "digit";
      card.querySelector(".message p").textContent = trouble ?? (answer ? verdict(answer)[1][0] : hint);
      if (trouble || blank || !answer) showBars(card, new Float32Array(10), null);
      else this.#showAnswer(card, answer);
    });
  }

  /** @param {string} model */
  #newCard(model) {
    const card = part("card").content.firstElementChild.cloneNode(true);
    card.setAttribute("aria-label", LABELS[model]);
    card.querySelector("h2").textContent = LABELS[model];
    card.querySelector(".bars").append(...Array.from({ length: 10 }, (_, n) => bar(n, 0, false)));
    return card;
  }

  /**
   * @param {any} card
   * @param {Answer} answer
   */
  #showAnswer(card, answer) {
    const [large, words] = verdict(answer), digit = card.querySelector(".digit");
    fitWords(card.querySelector(".words"), words);
    let single;
    if ("text" in answer) {
      const pointed = this.#pointed(answer), key = answer.digits.map(({ digit, status }) => `${digit}${status}`).join();
      if (digit.dataset.key !== key + answer.text) {
        digit.dataset.key = key + answer.text;
        digit.replaceChildren(...this.#digitButtons(answer));
        digit.style.setProperty("--count", String(Math.max(...answer.text.split("\n").map((row) => row.length))));
        digit.style.setProperty("--rows", String(answer.text.split("\n").length));
      }
      digit.querySelectorAll("button").forEach((/** @type {HTMLElement} */ button, /** @type {number} */ n) => {
        button.setAttribute("aria-pressed", String(n === pointed));
      });
      single = answer.digits[pointed];
    } else {
      delete digit.dataset.key;
      digit.textContent = large;
      single = answer;
    }
    digit.dataset.sure = String(answer.status === "digit" || answer.status === "number");
    drawPixels(card.querySelector("canvas"), [single.image], [0, 0, 0], [255, 255, 255]);
    showBars(card, single.probabilities, single.digit);
  }

  /** @param {import("../recognizer.js").Numeral} number */
  #digitButtons(number) {
    let place = 0;
    return number.text.split("\n").map((row) => {
      const buttons = [...row].map((text) => {
        const n = place++, { status } = number.digits[n];
        const name = status === "digit" ? text : `${text}, in doubt`;
        const button = element("button", { type: "button", "data-status": status, "aria-label": name }, text);
        for (const event of ["click", "pointerenter", "focus"]) {
          button.addEventListener(event, () => this.#pad.point(n));
        }
        return button;
      });
      return element("span", { class: "row" }, ...buttons);
    });
  }

  /**
   * Which digit to show more of: pointed at, or else the least sure.
   * @param {import("../recognizer.js").Numeral} number
   */
  #pointed({ digits }) {
    const { pointed } = this.#pad.models, sure = digits.map((digit) => digit.confidence);
    return pointed !== null && pointed < digits.length ? pointed : sure.indexOf(Math.min(...sure));
  }

  #showHistory() {
    const { entries } = this.#pad.history, list = part("history");
    const items = entries.map((entry) => {
      const item = this.#remembered.get(entry.answers) ?? this.#newItem(entry);
      this.#remembered.set(entry.answers, item);
      return item;
    });
    if (items.some((item, n) => list.children[n] !== item)) list.replaceChildren(...items);
  }

  /** @param {import("./history.js").Entry} entry */
  #newItem(entry) {
    const answer = [...entry.answers.values()][0], words = shortAnswer(entry);
    const canvas = element("canvas", { "aria-hidden": "true" });
    drawPixels(canvas, "text" in answer ? answer.digits.map((digit) => digit.image) : [answer.image], null, [0, 0, 0]);
    const name = `Drawing read as ${words === "–" ? "no digit" : words}: put it back on the paper`;
    const button = element("button", { type: "button", "aria-label": name }, canvas, element("span", {}, words));
    button.addEventListener("click", () => {
      this.#pad.recall(entry);
      this.fit();
    });
    return element("li", {}, button);
  }
}

/** @param {string[]} keys as a screen reader is told them */
function shortcuts(keys) {
  const named = keys.map((key) => key.replace("Page ", "Page").replace("Ctrl ", "Control+"));
  return named.map((key) => key.replace("Shift ", "Shift+")).join(" ");
}

/** @param {string} path */
function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * @param {number} digit
 * @param {number} part
 * @param {boolean} best
 */
function bar(digit, part, best) {
  const track = element("span", { class: "track" }, element("span", { class: "part" }));
  const name = element("span", { class: "name" }, String(digit)), figure = element("span", { class: "figure" });
  const made = element("li", {}, name, track, figure);
  setBar(made, part, best);
  return made;
}

/**
 * @param {any} shown
 * @param {number} part
 * @param {boolean} best
 */
function setBar(shown, part, best) {
  shown.style.setProperty("--part", part.toFixed(4));
  shown.classList.toggle("best", best);
  shown.querySelector(".figure").textContent = part >= 0.01 ? `${Math.min(Math.round(100 * part), 99)}` : "";
}

/**
 * @param {any} card
 * @param {Float32Array} probabilities
 * @param {number | null} best
 */
function showBars(card, probabilities, best) {
  card.querySelectorAll(".bars li").forEach((/** @type {Element} */ shown, /** @type {number} */ n) => {
    setBar(shown, probabilities[n], n === best);
  });
}

/**
 * Show the longest of several texts that fits.
 * @param {HTMLElement} room
 * @param {string[]} texts
 */
function fitWords(room, texts) {
  for (const text of texts) {
    room.textContent = text;
    if (room.scrollHeight <= room.clientHeight + 1 && room.scrollWidth <= room.clientWidth + 1) return;
  }
}

/**
 * Draw a drawing's ink, `scale` pixels to the paper's unit.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./drawing.js").Drawing} drawing
 * @param {number} scale
 * @param {string} colour
 */
export function drawInk(canvas, drawing, scale, colour) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const { points, widths } of drawing.strokes) {
    const even = widths.every((width) => width === widths[0]);
    /** @type {(from: number, to: number) => void} */
    const line = (from, to) => {
      context.lineWidth = Math.max(((widths[from] + widths[to]) / 2) * scale, 1.5);
      context.beginPath();
      context.moveTo(points[from][0] * scale, points[from][1] * scale);
      for (let n = from + 1; n <= to; n++) context.lineTo(points[n][0] * scale, points[n][1] * scale);
      context.lineTo(points[to][0] * scale + 0.01, points[to][1] * scale); // a line of no length would show nothing
      context.stroke();
    };
    if (even || points.length === 1) line(0, points.length - 1);
    else for (let n = 1; n < points.length; n++) line(n - 1, n);
  }
  if (!drawing.image) return;
  const pixels = document.createElement("canvas"), side = Math.min(canvas.width, canvas.height);
  const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  drawPixels(pixels, [drawing.image], null, /** @type {Colour} */ (rgb));
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels, (canvas.width - side) / 2, (canvas.height - side) / 2, side, side);
}

/**
 * Draw images in MNIST's form side by side, a pixel for a pixel; without `paper` the ground stays clear.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array[]} images
 * @param {Colour | null} paper
 * @param {Colour} ink
 */
function drawPixels(canvas, images, paper, ink) {
  const left = images.length > 1 ? 4 : 0, wide = SIZE - 2 * left; // the margins of several are left out
  canvas.width = wide * images.length;
  canvas.height = SIZE;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(canvas.width, SIZE);
  images.forEach((image, place) => {
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < wide; column++) {
        const level = image[row * SIZE + column + left] / 255;
        const mixed = ink.map((value, n) => (paper ? paper[n] + level * (value - paper[n]) : value));
        pixels.data.set([...mixed, paper ? 255 : 255 * level], 4 * (row * canvas.width + place * wide + column));
      }
    }
  });
  context.putImageData(pixels, 0, 0);
}
