/** What the tests in Node share: the shipped models, run by the page's own runtime. */

import { readFile } from "node:fs/promises";
import { openModel, startRuntime } from "../src/models.js";
import { Recognizer } from "../src/recognizer.js";

const runtime = new URL(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
startRuntime(await readFile(runtime));

/** @param {string} file the name of a file in onnx_models/ */
export function shipped(file) {
  return readFile(new URL(`../../onnx_models/${file}`, import.meta.url));
}

/** @param {string} name */
export async function recognizer(name) {
  return new Recognizer(await openModel(await shipped(`${name}.onnx`), `${name}.onnx`));
}
