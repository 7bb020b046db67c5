/** The stroke file format: {"meta": …, "samples": [{"label", "strokes"}, …]}. As stroke_files.py has it. */

import { cleanStrokes, SIZE, StrokeError } from "./mnist-form.js";

/** @typedef {import("./mnist-form.js").Points} Points */
/**
 * One drawing: its strokes, or instead what there is of it in MNIST's form; and its label, if any.
 * @typedef {{ strokes: Points[], label: string | null, image: Uint8Array | null }} Sample
 */

const MAX_BYTES = 64 * 2 ** 20; // unpacked
const LABEL = /^([0-9]+(\n[0-9]+)*)?$/; // a digit, a number or "", all of it

/**
 * Read the content of a stroke file, gzipped or plain. In the place of a sample that is not in the format stands what
 * is wrong with it.
 * @param {Blob} file
 * @param {string} name stands for the file in errors
 * @returns {Promise<(Sample | StrokeError)[]>}
 * @throws {StrokeError} it is too large or not in the format
 */
export async function parseEntries(file, name) {
  const magic = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const zipped = magic[0] === 0x1f && magic[1] === 0x8b;
  const stream = zipped ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  let bytes = 0;
  try {
    for (const reader = stream.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      bytes += value.length;
      if (bytes > MAX_BYTES) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    const why = zipped ? "the gzip data is cut off or damaged; get the file again" : "cannot be read; choose it again";
    throw new StrokeError(`${name}: ${why}`);
  }
  if (bytes > MAX_BYTES) throw new StrokeError(`${name}: larger than ${MAX_BYTES >> 20} MiB; split the file`);
  let content;
  try {
    content = JSON.parse(await new Blob(pieces).text());
  } catch {
    throw new StrokeError(`${name}: not a stroke file: it is not valid JSON`);
  }
  if (!Array.isArray(content?.samples)) throw new StrokeError(`${name}: not a stroke file: it has no list "samples"`);
  return content.samples.map((/** @type {unknown} */ entry, /** @type {number} */ n) => {
    try {
      return parseSample(entry);
    } catch (error) {
      return new StrokeError(`${name}: sample ${n + 1}: ${/** @type {Error} */ (error).message}`);
    }
  });
}

/**
 * @param {any} entry
 * @returns {Sample}
 */
function parseSample(entry) {
  const drawn = Array.isArray(entry?.strokes);
  if (!drawn && !(entry && typeof entry === "object" && "image" in entry)) {
    throw new StrokeError('it has neither a list "strokes" nor an "image"');
  }
  const label = entry.label ?? null;
  if (label !== null && !(typeof label === "string" && LABEL.test(label))) {
    throw new StrokeError(`label ${JSON.stringify(label).slice(0, 40)} is neither digits, nor "", nor null`);
  }
  return drawn
    ? { strokes: cleanStrokes(entry.strokes), label, image: null }
    : { strokes: [], label, image: parseImage(entry.image) };
}

/** @param {unknown} text */
function parseImage(text) {
  let bytes = "";
  try {
    bytes = atob(typeof text === "string" ? text : "");
  } catch {
    // not base64
  }
  if (bytes.length !== SIZE * SIZE) throw new StrokeError(`"image" is not ${SIZE * SIZE} bytes in base64`);
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}

/**
 * The content of a stroke file that holds one drawing.
 * @param {Points[]} strokes
 * @param {string | null} label
 * @param {Record<string, unknown>} meta
 */
export function strokeFile(strokes, label, meta) {
  return JSON.stringify({ meta, samples: [{ label, strokes }] });
}
