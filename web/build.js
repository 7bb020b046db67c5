/** `make web`: puts the page together in web/dist/, which any static server can serve from any path. */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
export const dist = `${here}dist/`;
const runtime = `${here}node_modules/onnxruntime-web/dist/`;
/** The runtime's two files, unchanged, and the models the page asks. */
export const RUNTIME = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
export const MODELS = ["cnn.onnx", "mlp-int8.onnx"];
/** The page's own files that are copied; the manifest of a web app is no models' manifest. */
const STATIC = ["index.html", "style.css", "manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"];

/** @param {string} path */
async function facts(path) {
  const content = await readFile(path);
  return { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

/** @type {import("esbuild").Plugin} */
export const runtimeApart = {
  name: "the runtime stays a file of its own",
  setup(bundling) {
    bundling.onResolve({ filter: /^onnxruntime-web\/wasm$/ }, () => ({ path: `./${RUNTIME[0]}`, external: true }));
  },
};

/** Build everything anew. */
export async function buildPage() {
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist);
  await Promise.all([
    ...STATIC.map((file) => copyFile(`${here}src/${file}`, dist + file)),
    ...RUNTIME.map((file) => copyFile(runtime + file, dist + file)),
    ...MODELS.map((file) => copyFile(`${here}../onnx_models/${file}`, dist + file)),
  ]);
  /** @type {Record<string, Awaited<ReturnType<typeof facts>>>} */
  const files = {};
  for (const file of [RUNTIME[1], ...MODELS]) files[file] = await facts(dist + file);
  /** @type {(entry: string, define: Record<string, unknown>) => Promise<unknown>} */
  const bundle = (entry, define) =>
    build({
      entryPoints: [`${here}src/${entry}`],
      outdir: dist,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      plugins: [runtimeApart],
      define: Object.fromEntries(
        Object.entries(define).map(([name, value]) => [`globalThis.${name}`, JSON.stringify(value)]),
      ),
      logLevel: "warning",
    });
  await bundle("page.js", { DIGITPAD_FILES: files });
  const shell = [...STATIC, RUNTIME[0], "page.js"];
  const version = createHash("sha256");
  for (const file of shell) version.update(await readFile(dist + file));
  const DIGITPAD_VERSION = version.digest("hex").slice(0, 12);
  await bundle("service-worker.js", { DIGITPAD_SHELL: ["./", ...shell], DIGITPAD_VERSION });
  await writeFile(`${dist}licences.txt`, await licences());
  return (await readdir(dist)).sort();
}

/** What must go with the runtime, and our own. */
async function licences() {
  const ours = await readFile(`${here}../LICENSE`, "utf8");
  const theirs = `onnxruntime-web (${RUNTIME.join(", ")}): Copyright (c) Microsoft Corporation, MIT License, as above`;
  return `${ours}\n${theirs}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = await buildPage();
  console.log(`web/dist: ${files.join(", ")}`);
}
