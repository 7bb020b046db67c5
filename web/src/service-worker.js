/**
 * Makes the page open without a network: its own small files are kept when it is first visited. A new version of the
 * page is fetched in the background and shown when all windows with the old one are closed. (files.js keeps the rest.)
 */

const worker = /** @type {any} */ (globalThis); // a ServiceWorkerGlobalScope, whose types exclude those of pages
const SHELL = `digitpad-page-${globalThis.DIGITPAD_VERSION}`;

worker.addEventListener("install", (/** @type {any} */ event) => {
  const requests = globalThis.DIGITPAD_SHELL.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(requests)));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("digitpad-page-") && name !== SHELL) await caches.delete(name);
    }
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const kept = async () => (await caches.open(SHELL)).match(event.request, { ignoreSearch: true });
  if (event.request.method === "GET") event.respondWith(kept().then((response) => response ?? fetch(event.request)));
});
