/**
 * The large files, runtime and models: fetched with progress, checked, and kept by the browser for offline use.
 *
 * Only what arrived whole is kept. The page's own small files are the service worker's business.
 */

import { ModelError } from "./models.js";

/** @type {Record<string, { bytes: number, sha256: string }>} of each file; filled in by build.js */
export const FILES = globalThis.DIGITPAD_FILES ?? {};
export const KEPT = "digitpad-files"; // the name of the browser's cache

/** @type {Set<string>} */
const failed = new Set(); // those that did not arrive whole

/** What is kept cannot be read or written; set once it is known. */
export let storageRefused = false;

/**
 * Get one of the FILES, from what the browser keeps or from the network.
 * @param {string} name
 * @param {(bytes: number) => void} tell is told how many bytes of it have arrived
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {ModelError} it did not arrive, or not whole
 */
export async function load(name, tell = () => {}) {
  const url = addressOf(name), cache = await openCache();
  const kept = await cache?.match(url);
  if (kept) {
    const content = await receive(name, kept, tell).catch(() => null);
    if (content) return content;
    await cache?.delete(url); // damaged: fetched anew
  }
  let response;
  try {
    // What has failed once is not taken from the browser's other cache either.
    response = await fetch(url, { cache: kept || failed.has(name) ? "reload" : "default" });
  } catch {
    throw new ModelError(`${name} did not arrive: there is no network. Press Predict the Digit to try again`);
  }
  if (!response.ok) throw new ModelError(`${name} did not arrive: the server says ${response.status}. Reload the page`);
  failed.add(name);
  const content = await receive(name, response, tell);
  failed.delete(name);
  try {
    await cache?.put(url, new Response(content));
  } catch {
    storageRefused = true; // no room
  }
  return content;
}

/** Forget what an earlier version of the page kept. */
export async function tidy() {
  const cache = await openCache();
  const wanted = new Set(Object.keys(FILES).map((name) => new URL(addressOf(name), location.href).href));
  for (const { url } of (await cache?.keys()) ?? []) if (!wanted.has(url)) await cache?.delete(url);
}

/** @param {string} name */
function addressOf(name) {
  return `${name}?${FILES[name].sha256.slice(0, 12)}`; // another version is another address
}

async function openCache() {
  try {
    return await caches.open(KEPT);
  } catch {
    storageRefused = true;
    return null;
  }
}

/**
 * The content of a response, if it is what it should be.
 * @param {string} name
 * @param {Response} response
 * @param {(bytes: number) => void} tell
 */
async function receive(name, response, tell) {
  const { bytes, sha256 } = FILES[name], content = new Uint8Array(bytes);
  let arrived = 0;
  try {
    for (const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      if (arrived + value.length <= bytes) content.set(value, arrived);
      arrived += value.length;
      tell(Math.min(arrived, bytes));
    }
  } catch {
    // cut off: too few bytes
  }
  if (arrived !== bytes) {
    const short = `${name} arrived cut short (${arrived} of ${bytes} bytes)`;
    throw new ModelError(`${short}. Press Predict the Digit to try again`);
  }
  // Without https there is no way to compute it.
  const digest = globalThis.crypto?.subtle ? await crypto.subtle.digest("SHA-256", content) : null;
  const hex = digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex && hex !== sha256) {
    throw new ModelError(`${name} is not the file that belongs to this page: close all its windows and open it again`);
  }
  return content;
}
