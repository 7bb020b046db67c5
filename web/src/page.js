/** The pad as a page: puts its parts together. What it does is in pad/. */

import { FILES, load, storageRefused, tidy } from "./files.js";
import { ModelError, openModel, startRuntime } from "./models.js";
import { ACTIONS } from "./pad/actions.js";
import { listenToKeys, listenToPointers } from "./pad/events.js";
import { Pad } from "./pad/pad.js";
import { drawInk, part, View } from "./pad/view.js";
import { Recognizer } from "./recognizer.js";

const RUNTIME = "ort-wasm-simd-threaded.wasm";
const NOTICE_MS = 6000; // how long a remark is shown
const WARM_UP = [[[0, 0], [8, 1], [3, 9]], [[2, 5], [6, 5]]]; // a drawing, as good as any
const PICTURE = 560; // pixels: the saved picture's height

const pad = new Pad(loadModel, changed);
const view = new View(pad, perform);
let painting = false;
let noticed = "";
/** @type {Map<string, Promise<unknown>>} */
const loading = new Map(); // by file
/** @type {Map<string, number>} */
const arrived = new Map(); // bytes, by file

/** @param {boolean} answered */
function changed(answered) {
  if (pad.notice !== noticed) {
    const remark = (noticed = pad.notice);
    if (remark) setTimeout(() => pad.notice === remark && pad.say(""), NOTICE_MS);
  }
  if (answered) {
    view.show();
    if (!pad.drawing.penIsDown && pad.models.upToDate) view.announce();
  } else if (!painting) {
    painting = true;
    requestAnimationFrame(() => {
      painting = false;
      view.show();
    });
  }
}

/** @param {string} name */
function perform(name) {
  const { do: act, button } = ACTIONS[name];
  if (button?.isPossible && !button.isPossible(pad)) return;
  const before = pad.drawing.changes;
  act(pad, page);
  if (pad.drawing.changes !== before) view.fit(); // what comes back may not lie on the paper as a whole
}

const page = {
  choose: () => part("file").click(),
  help: () => part("help").showModal(),
  theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
    view.fit();
  },
  async fullscreen() {
    try {
      await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
    } catch {
      pad.say("This browser does not fill the screen");
    }
  },
  save() {
    const { name, content } = pad.save(), canvas = document.createElement("canvas"), [width, height] = pad.drawing.size;
    canvas.width = Math.round((PICTURE * width) / height);
    canvas.height = PICTURE;
    drawInk(canvas, pad.drawing, PICTURE / height, "#000");
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.toBlob((picture) => picture && download(picture, `${name}.png`));
    download(new Blob([content], { type: "application/json" }), `${name}.json`);
    pad.say(`Saved: ${name}.png and .json`);
  },
};

/**
 * @param {Blob} content
 * @param {string} name
 */
function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Loading

/**
 * Get one of the FILES and do something with it; at most once at a time, and once if that succeeds.
 * @template T
 * @param {string} file
 * @param {(content: Uint8Array<ArrayBuffer>) => T | Promise<T>} use
 * @returns {Promise<T>}
 */
function once(file, use) {
  let found = loading.get(file);
  if (!found) {
    found = load(file, (bytes) => {
      arrived.set(file, bytes);
      showProgress();
    }).then(use);
    loading.set(file, found);
    found.catch(() => loading.delete(file));
  }
  return /** @type {Promise<T>} */ (found);
}

/** @param {string} name */
async function loadModel(name) {
  if (typeof WebAssembly !== "object") {
    throw new ModelError("This browser has no WebAssembly, which reading digits needs: use a newer one, or allow it");
  }
  const file = `${name}.onnx`, started = once(RUNTIME, startRuntime);
  const [reader] = await Promise.all([
    once(file, async (content) => {
      await started;
      const found = new Recognizer(await openModel(content, file));
      for (let n = 0; n < 3; n++) await found.readStrokes(WARM_UP); // the first answers take ten times as long
      return found;
    }),
    started, // fails sooner, and in words of its own
  ]);
  return reader;
}

function showProgress() {
  const files = [RUNTIME, ...pad.models.chosen.map((model) => `${model}.onnx`)];
  const bytes = files.reduce((sum, file) => sum + (arrived.get(file) ?? 0), 0);
  const all = files.reduce((sum, file) => sum + FILES[file].bytes, 0);
  view.progress = bytes / all;
  changed(false);
}

async function start() {
  let shaped = false;
  new ResizeObserver(() => {
    const wasDown = pad.drawing.penIsDown;
    pad.lift();
    view.fit();
    if (wasDown && shaped) pad.say("The window changed: the line ends here, and the drawing is kept");
    shaped = true;
  }).observe(part("paper"));
  listenToPointers(part("ink"), part("ring"), pad, view);
  listenToKeys(part("ink"), part("ring"), pad, view, perform);
  // A button that is clicked does not take the focus: Enter would press it again instead of predicting.
  document.addEventListener("mousedown", (event) => {
    if (/** @type {HTMLElement} */ (event.target).closest("button")) event.preventDefault();
  });
  part("brush").addEventListener("input", () => pad.setBrush(Number(part("brush").value)));
  part("file").addEventListener("change", () => {
    const [file] = part("file").files;
    part("file").value = "";
    if (file) void pad.open(file).then(() => view.fit());
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) void pad.open(file).then(() => view.fit());
  });
  part("help").addEventListener("click", (/** @type {Event} */ event) => {
    if (event.target === part("help")) part("help").close(); // beside it
  });
  part("single-keys").addEventListener("change", () => (pad.singleKeys = part("single-keys").checked));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.fit());

  const worker = navigator.serviceWorker?.register("service-worker.js").then(() => true, () => false) ?? false;
  await pad.models.load();
  changed(false);
  try {
    await load("mlp-int8.onnx"); // so that both work without a network
  } catch {
    // it is fetched again when it is chosen
  }
  await tidy();
  if (storageRefused || !(await worker)) {
    pad.say("This browser keeps no files for this page: it needs the network whenever it is opened");
  }
}

void start();
