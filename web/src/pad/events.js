/** Mouse, pen, fingers and keys: each event becomes calls on the pad. As pad/events.py. */

import { actionOf } from "./actions.js";

const PALM_MS = 1500; // this long after a pen was near, fingers do not draw
const KEY_STEP = 0.04; // of the paper's height: how far an arrow key moves the pen

/**
 * Have the paper draw. One pointer counts at a time, and a pen before a finger: a resting hand does not draw.
 * @param {HTMLElement} paper
 * @param {HTMLElement} ring shows where the pen is and how wide
 * @param {import("./pad.js").Pad} pad
 * @param {import("./view.js").View} view
 */
export function listenToPointers(paper, ring, pad, view) {
  /** @type {{ id: number, type: string } | null} */
  let active = null;
  let penNear = -Infinity; // when a pen was last seen
  let erases = false; // the pen's other end, or its eraser button

  /** @type {(event: PointerEvent) => number} */
  const pressure = (event) => (event.pointerType === "pen" && event.pressure) || 1;

  /** @type {(event: PointerEvent) => void} */
  const showRing = (event) => {
    const wide = pad.drawing.brush * (pad.erasing || erases ? 2 : 1) * view.scale;
    const { left, top } = paper.getBoundingClientRect();
    ring.hidden = event.pointerType === "touch";
    ring.style.width = ring.style.height = `${Math.max(wide, 5)}px`;
    ring.style.transform = `translate(${event.clientX - left}px, ${event.clientY - top}px) translate(-50%, -50%)`;
  };

  paper.addEventListener("pointerdown", (event) => {
    const { pointerType: type, pointerId: id } = event;
    if (type === "pen") penNear = event.timeStamp;
    if (type === "pen" && active?.type === "touch") {
      pad.cancel(); // the palm came down first
      active = null;
    }
    if (active || (type === "mouse" && event.button !== 0)) return;
    if (type === "touch" && event.timeStamp - penNear < PALM_MS) return;
    active = { id, type };
    paper.setPointerCapture(id);
    erases = event.button === 5;
    pad.press(view.onPaper(event.clientX, event.clientY), pressure(event), erases || pad.erasing);
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerType === "pen") penNear = event.timeStamp;
    showRing(event);
    if (event.pointerId !== active?.id) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) pad.move(view.onPaper(one.clientX, one.clientY), pressure(one));
  });
  for (const ending of ["pointerup", "pointercancel", "lostpointercapture"]) {
    paper.addEventListener(ending, (event) => {
      if (/** @type {PointerEvent} */ (event).pointerId !== active?.id) return;
      active = null;
      pad.lift();
    });
  }
  paper.addEventListener("pointerleave", () => (ring.hidden = true));
  paper.addEventListener("contextmenu", (event) => event.preventDefault());
}

/**
 * Have the keys do what the table of actions says; and the arrows move a pen over the paper while that has the focus.
 * @param {HTMLElement} paper
 * @param {HTMLElement} ring
 * @param {import("./pad.js").Pad} pad
 * @param {import("./view.js").View} view
 * @param {(name: string) => void} perform
 */
export function listenToKeys(paper, ring, pad, view, perform) {
  /** @type {Set<string>} */
  const held = new Set(); // arrows; two of them go aslant
  let place = /** @type {import("./stroke.js").Point} */ ([0.5, 0.5]);

  const showRing = () => {
    const wide = `${Math.max(pad.drawing.brush * (pad.erasing ? 2 : 1) * view.scale, 5)}px`;
    Object.assign(ring.style, { width: wide, height: wide });
    ring.style.transform = `translate(${place[0] * view.scale}px, ${place[1] * view.scale}px) translate(-50%, -50%)`;
    ring.hidden = false;
  };

  /** @type {(event: KeyboardEvent) => boolean} whether the key drew */
  const draw = (event) => {
    if (event.key === " ") {
      if (event.repeat) return true;
      if (pad.drawing.penIsDown) pad.lift();
      else pad.press(place);
    } else if (event.key.startsWith("Arrow")) {
      held.add(event.key);
      const across = Number(held.has("ArrowRight")) - Number(held.has("ArrowLeft"));
      const down = Number(held.has("ArrowDown")) - Number(held.has("ArrowUp"));
      const [width, height] = pad.drawing.size;
      place = [
        Math.min(Math.max(place[0] + across * KEY_STEP, 0), width),
        Math.min(Math.max(place[1] + down * KEY_STEP, 0), height),
      ];
      pad.move(place);
    } else return false;
    showRing();
    return true;
  };

  document.addEventListener("keyup", (event) => held.delete(event.key));
  paper.addEventListener("blur", () => {
    held.clear();
    ring.hidden = true;
    pad.lift();
  });
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    if (target === paper && !modified && draw(event)) return event.preventDefault();
    if (event.key === "Enter" && target.closest("button, input")) return; // presses that
    const keys = keysOf(event), action = actionOf(keys);
    if (!action || (!pad.singleKeys && keys.some((key) => key.length === 1 || /^Shift .$/.test(key)))) return;
    event.preventDefault();
    perform(action);
  });
}

/**
 * The names of what is pressed, as in the ACTIONS: with Shift if that is held, then without.
 * @param {KeyboardEvent} event
 */
function keysOf(event) {
  const control = (event.ctrlKey || event.metaKey) && !event.altKey;
  if (!control && ["[", "]", "?"].includes(event.key)) return [event.key]; // whatever else must be held
  if (event.altKey) return [];
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1]; // a French keyboard types them only with Shift
  const name = digit ?? { PageUp: "Page Up", PageDown: "Page Down" }[event.key] ?? event.key.toUpperCase();
  const key = (control ? "Ctrl " : "") + (name === "ENTER" ? "Enter" : name);
  return event.shiftKey ? [control ? key.replace("Ctrl ", "Ctrl Shift ") : `Shift ${key}`, key] : [key];
}
