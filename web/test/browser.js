/** What the tests of the page share: Chromium, and hands to draw with. */

import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {[number, number][]} Line points on a square from (0, 0) to (1, 1) */

/** @type {Record<string, Line[]>} */
export const DRAWN = {
  7: [
    [
      [0.28, 0.2],
      [0.5, 0.18],
      [0.7, 0.18],
      [0.6, 0.45],
      [0.45, 0.85],
    ],
  ],
  42: [
    [
      [0.15, 0.25],
      [0.05, 0.55],
      [0.38, 0.55],
    ],
    [
      [0.3, 0.35],
      [0.27, 0.82],
    ],
    [
      [0.6, 0.35],
      [0.68, 0.22],
      [0.8, 0.22],
      [0.85, 0.35],
      [0.75, 0.55],
      [0.6, 0.8],
      [0.75, 0.79],
      [0.92, 0.8],
    ],
  ],
  A: [
    [
      [0.25, 0.85],
      [0.5, 0.15],
      [0.75, 0.85],
    ],
    [
      [0.33, 0.6],
      [0.67, 0.6],
    ],
  ],
};

/** Where Chromium is: $CHROMIUM, or the first of its names on the PATH. */
export async function chromiumPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
      const path = join(folder, name);
      if (
        await access(path).then(
          () => true,
          () => false,
        )
      )
        return path;
    }
  }
  throw new Error("there is no Chromium on the PATH: install it, or say where it is: make test-web CHROMIUM=PATH");
}

/** @param {string[]} flags */
export async function launch(...flags) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // root has none
  return chromium.launch({ executablePath: await chromiumPath(), args: [...sandbox, ...flags] });
}

/**
 * Where a place on a square in the middle of the paper is in the window.
 * @param {Page} page
 * @param {[number, number]} place
 * @returns {Promise<[number, number]>}
 */
export async function inWindow(page, [x, y]) {
  const paper = await page.locator("#ink").boundingBox();
  if (!paper) throw new Error("there is no paper");
  const side = Math.min(paper.width, paper.height);
  return [paper.x + paper.width / 2 + (x - 0.5) * side, paper.y + paper.height / 2 + (y - 0.5) * side];
}

/**
 * Draw with the mouse.
 * @param {Page} page
 * @param {Line[]} lines
 */
export async function draw(page, lines) {
  for (const line of lines) {
    await page.mouse.move(...(await inWindow(page, line[0])));
    await page.mouse.down();
    for (const place of line.slice(1)) await page.mouse.move(...(await inWindow(page, place)), { steps: 6 });
    await page.mouse.up();
  }
}

/** Wait until the models that are chosen are loaded. @param {Page} page */
export async function loaded(page) {
  await page.waitForFunction(
    () => document.querySelector("progress") && !document.querySelector("progress:not([hidden])"),
  );
}

/** Press the button and wait for what it says. @param {Page} page */
export async function predict(page) {
  await page.evaluate(() => document.getElementById("said")?.replaceChildren());
  await page.click("[data-action=predict]");
  await page.waitForFunction(() => document.getElementById("said")?.textContent);
  return page.textContent("#said");
}

// Run by itself, it says whether there is a browser to test with.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await chromiumPath().catch((error) => {
    console.error(`web: ${error.message}`);
    process.exit(1);
  });
}
