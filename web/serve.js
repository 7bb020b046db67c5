/** `make serve-web`: shows web/dist/ on this machine, as the simplest of static servers would. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain",
};

/**
 * Serve a folder under /pad/, so that nothing can rely on being at the root. What the page may do it says itself.
 * @param {string} folder
 * @param {number} port 0: any that is free
 * @returns {Promise<{ address: string, close: () => void }>}
 */
export async function serve(folder, port = 0) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    if (path === "/") return void response.writeHead(302, { Location: "/pad/" }).end();
    const file = join(folder, normalize(path.replace(/^\/pad\//, "/")).replace(/\/$/, "/index.html"));
    const found = path.startsWith("/pad/") && (await stat(file).catch(() => null));
    if (!found || !found.isFile()) return void response.writeHead(404).end();
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, "Content-Length": found.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", () => done(undefined)));
  const bound = /** @type {import("node:net").AddressInfo} */ (server.address());
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `http://localhost:${bound.port}/pad/`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { address } = await serve(fileURLToPath(new URL("dist/", import.meta.url)), Number(process.env.PORT ?? 8000));
  console.log(`digitpad is at ${address} until you press Ctrl+C`);
}
