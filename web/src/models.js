/**
 * The model files: whether they keep the model contract (onnx_models/README.md), and running them. As
 * runtime/digitpad/models.py does.
 */

import * as ort from "onnxruntime-web/wasm";

/**
 * A model ready to run, and its digitpad.* metadata without that prefix.
 * @typedef {{ run: (images: Uint8Array[]) => Promise<import("./recognizer.js").Judged[]>,
 *   metadata: Record<string, string> }} Model
 */

const CONTRACTS = ["1", "2"]; // both have what is needed here
const OUTPUTS = ["probabilities", "ood_score"];
const METADATA_PROPS = 14; // the field of ONNX's ModelProto

/** A model file is missing, damaged, or breaks the model contract; or this browser cannot run it. */
export class ModelError extends Error {}

/**
 * Give the runtime its WebAssembly; once, before the first model is opened.
 * @param {Uint8Array} wasm
 */
export function startRuntime(wasm) {
  ort.env.wasm.numThreads = 1; // more would need special headers of the server
  ort.env.wasm.wasmBinary = wasm;
}

/**
 * Open the bytes of a model file.
 * @param {Uint8Array} content
 * @param {string} file its name, for errors
 * @returns {Promise<Model>}
 * @throws {ModelError}
 */
export async function openModel(content, file) {
  const metadata = readMetadata(content);
  if (!CONTRACTS.includes(metadata.contract)) throw new ModelError(`${file}: not a model of digitpad's contract`);
  let session;
  try {
    session = await ort.InferenceSession.create(content);
    ort.env.wasm.wasmBinary = undefined; // it has started, and would only keep 14 MB
  } catch (error) {
    throw new ModelError(`${file}: cannot be run in this browser (${firstLine(error)})`);
  }
  if (session.inputNames.join() !== "image" || OUTPUTS.some((name) => !session.outputNames.includes(name))) {
    throw new ModelError(`${file}: its inputs or outputs are not those of digitpad's contract`);
  }
  return {
    metadata,
    run: async (images) => {
      const bytes = new Uint8Array(images.length * 784);
      images.forEach((image, n) => bytes.set(image, n * 784));
      try {
        const found = await session.run({ image: new ort.Tensor("uint8", bytes, [images.length, 28, 28]) }, OUTPUTS);
        const probabilities = /** @type {Float32Array} */ (found.probabilities.data);
        const oodScore = /** @type {Float32Array} */ (found.ood_score.data);
        return [...oodScore].map((score, n) => {
          return { probabilities: probabilities.slice(10 * n, 10 * n + 10), oodScore: score };
        });
      } catch (error) {
        throw new ModelError(`${file}: the model fails to run (${firstLine(error)})`);
      }
    },
  };
}

/**
 * The digitpad.* metadata in an ONNX file, which the runtime does not tell: protocol buffers, of which only the
 * outermost message and its metadata_props are looked at.
 * @param {Uint8Array} content
 */
function readMetadata(content) {
  /** @type {Record<string, string>} */
  const metadata = {};
  for (const [field, value] of fieldsOf(content)) {
    if (field !== METADATA_PROPS || !value) continue;
    const [key, text] = [...fieldsOf(value)].map(([, part]) => new TextDecoder().decode(part));
    if (key?.startsWith("digitpad.")) metadata[key.slice("digitpad.".length)] = text ?? "";
  }
  return metadata;
}

/**
 * The fields of a message: the number of each, and its bytes if it has a length.
 * @param {Uint8Array} message
 * @returns {Generator<[number, Uint8Array | undefined]>}
 */
function* fieldsOf(message) {
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1, byte = 128;
    for (; byte >= 128 && at < message.length; scale *= 128) value += ((byte = message[at++]) & 127) * scale;
    return value;
  };
  while (at < message.length) {
    const tag = varint(), length = [-1, 8, -1, -1, -1, 4][tag & 7] ?? -1;
    if ((tag & 7) === 0) {
      varint();
      yield [tag >> 3, undefined];
    } else if ((tag & 7) === 2) {
      const size = varint();
      yield [tag >> 3, message.subarray(at, at + size)];
      at += size;
    } else if (length > 0) {
      at += length;
    } else return; // damaged
  }
}

/** @param {unknown} error */
export function firstLine(error) {
  return String(error instanceof Error ? error.message : error).trim().split("\n")[0].slice(0, 200);
}
