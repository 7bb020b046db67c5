/** The page in Chromium, with real pointers and keys: what somebody who opens it can rely on. */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, before, test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPage, dist } from "../build.js";
import { serve } from "../serve.js";
import { DRAWN, draw, inWindow, launch, loaded, predict } from "./browser.js";

/** @typedef {import("playwright-core").Page} Page */

/** @type {(name: string, run: () => Promise<void>) => void} */
const test = (name, run) => void nodeTest(name, { timeout: 60_000 }, run);
const shots = fileURLToPath(new URL("../../artifacts/web/", import.meta.url)); // to be looked at
const axe = await readFile(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ address: string, close: () => void }} */
let server;

before(async () => {
  await buildPage();
  await mkdir(shots, { recursive: true });
  server = await serve(dist);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/**
 * A browser that has never seen the page, on the page. Errors in it fail the test, and so does what it asks of others.
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(page: Page) => Promise<void>} prepare
 */
async function opened(options = {}, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  page.on(
    "console",
    (message) => message.type() === "error" && /Content Security/.test(message.text()) && assert.fail(message.text()),
  );
  page.on("request", (request) => assert.ok(/^(blob:)?http:\/\/localhost:/.test(request.url()), request.url()));
  await prepare(page);
  await page.goto(server.address);
  return page;
}

/** @param {Page} page */
const digit = (page) => page.textContent(".card .digit");
/** @param {Page} page @param {string} name */
const press = (page, name) => page.click(`[data-action="${name}"]`);
/** Whether there is ink. @param {Page} page */
const inked = (page) =>
  page.evaluate(async () => {
    for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame); // until it is painted
    const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("ink"));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    return context.getImageData(0, 0, canvas.width, canvas.height).data.filter((value, n) => n % 4 === 3 && value)
      .length;
  });
/** Wait for a remark. @param {Page} page @param {RegExp} words */
const remark = (page, words) =>
  page.waitForFunction(
    (source) => new RegExp(source).test(document.getElementById("notice")?.textContent ?? ""),
    words.source,
  );
/** Close it. @param {Page} page */
const close = (page) => page.context().close();

test("a 7 that is drawn is read as a 7, and the button says what it does", async () => {
  const page = await opened();
  await loaded(page);
  await draw(page, DRAWN[7]);
  await page.getByRole("button", { name: "Predict the Digit" }).click();
  await page.waitForSelector(".card[data-shows=digit]");
  assert.equal(await digit(page), "7");
  assert.match((await page.textContent("#said")) ?? "", /^CNN: 7, \d\d\.\d\s% sure/);
  assert.equal(await page.textContent(".bars .best .name"), "7");
  await close(page);
});

test("a press before the models have arrived is answered when they have, with progress until then", async () => {
  let release = () => {};
  const held = new Promise((done) => (release = () => done(undefined)));
  const page = await opened({ serviceWorkers: "block" }, async (page) => {
    await page.route(/threaded\.wasm/, async (route) => {
      await held;
      await route.continue();
    });
  });
  await draw(page, DRAWN[7]);
  await press(page, "predict");
  await page.waitForFunction(() => /loading, \d+ %/.test(document.querySelector(".message")?.textContent ?? ""));
  assert.equal(await page.isVisible("progress"), true);
  release();
  await page.waitForSelector(".card[data-shows=digit]");
  assert.equal(await digit(page), "7");
  await close(page);
});

test("both models read a 42, and each of its digits can be looked at", async () => {
  const page = await opened();
  await press(page, "choice 2");
  await loaded(page);
  await draw(page, DRAWN[42]);
  assert.match((await predict(page)) ?? "", /CNN: 42, .* MLP \(int8\): 42, /);
  await page.hover(".digit button >> nth=1");
  assert.equal(await page.textContent(".bars .best .name"), "2");
  await page.hover(".digit button >> nth=0");
  await page.waitForFunction(() => document.querySelector(".bars .best .name")?.textContent === "4");
  await close(page);
});

test("a letter is no digit, and blank paper is blank", async () => {
  const page = await opened();
  await loaded(page);
  assert.match((await predict(page)) ?? "", /Blank paper/);
  await draw(page, DRAWN.A);
  assert.match((await predict(page)) ?? "", /Not a digit/);
  assert.equal(await digit(page), "–");
  await close(page);
});

test("live mode answers without a press, and the history brings drawings back", async () => {
  const page = await opened();
  await loaded(page);
  await press(page, "live");
  await draw(page, DRAWN[7]);
  await page.waitForSelector(".card[data-shows=digit]");
  assert.equal(await digit(page), "7");
  await press(page, "clear");
  assert.equal(await inked(page), 0);
  await page.click("#history button");
  await page.waitForFunction(() => document.querySelector(".digit")?.textContent === "7");
  assert.ok(await inked(page));
  await close(page);
});

test("a tap leaves a dot; undo, redo, eraser and brush do what they say", async () => {
  const page = await opened();
  await page.mouse.click(...(await inWindow(page, [0.1, 0.1])));
  assert.ok(await inked(page), "a dot");
  await press(page, "undo");
  await draw(page, DRAWN[7]);
  const whole = await inked(page);
  await press(page, "undo");
  assert.equal(await inked(page), 0);
  await press(page, "redo");
  assert.equal(await inked(page), whole);
  await press(page, "eraser");
  await draw(page, [
    [
      [0.3, 0.5],
      [0.8, 0.5],
    ],
  ]);
  const erased = await inked(page);
  assert.ok(erased < whole && erased > whole / 2);
  await press(page, "undo");
  await press(page, "eraser");
  await press(page, "clear");
  await page.locator("#brush").fill("0.12");
  await draw(page, DRAWN[7]);
  assert.ok((await inked(page)) > 1.8 * whole);
  await close(page);
});

test("fingers draw; beside a pen they do not, and a palm that came first is taken back", async () => {
  const page = await opened({ hasTouch: true });
  const client = await page.context().newCDPSession(page);
  /** @type {(type: "touchStart" | "touchMove" | "touchEnd", place?: [number, number]) => Promise<unknown>} */
  const touch = async (type, place) => {
    const [x, y] = place ? await inWindow(page, place) : [0, 0];
    return client.send("Input.dispatchTouchEvent", { type, touchPoints: place ? [{ x, y }] : [] });
  };
  let down = false;
  /** @type {(type: "mousePressed" | "mouseMoved" | "mouseReleased", place: [number, number]) => Promise<unknown>} */
  const pen = async (type, place) => {
    const [x, y] = await inWindow(page, place), button = type === "mouseMoved" ? "none" : "left";
    if (type !== "mouseMoved") down = type === "mousePressed";
    const buttons = down ? 1 : 0;
    return client.send("Input.dispatchMouseEvent", {
      type,
      x,
      y,
      button,
      buttons,
      clickCount: 1,
      pointerType: "pen",
      force: 0.7,
    });
  };
  await touch("touchStart", [0.2, 0.2]);
  await touch("touchMove", [0.2, 0.8]);
  await touch("touchEnd");
  const finger = await inked(page);
  assert.ok(finger);
  await touch("touchStart", [0.9, 0.9]); // the palm
  await touch("touchMove", [0.9, 0.8]);
  assert.ok((await inked(page)) > finger);
  await pen("mousePressed", [0.5, 0.2]);
  await pen("mouseMoved", [0.5, 0.8]);
  await pen("mouseReleased", [0.5, 0.8]);
  await touch("touchEnd");
  const both = await inked(page);
  assert.ok(both > 1.5 * finger && both < 2.2 * finger, `${finger} ${both}`);
  await pen("mouseMoved", [0.6, 0.6]); // hovers
  await touch("touchStart", [0.1, 0.9]); // a resting hand
  await touch("touchEnd");
  assert.equal(await inked(page), both);
  await close(page);
});

test("what is saved can be opened again, and a file of several drawings paged through", async () => {
  const page = await opened();
  await loaded(page);
  await draw(page, DRAWN[7]);
  await predict(page);
  /** @type {import("playwright-core").Download[]} */
  const files = [];
  page.on("download", (file) => files.push(file));
  await press(page, "save");
  await remark(page, /Saved: drawing-0001.png and .json/);
  while (files.length < 2) await page.waitForTimeout(20);
  assert.deepEqual(files.map((file) => file.suggestedFilename()).sort(), ["drawing-0001.json", "drawing-0001.png"]);
  const saved = files.find((file) => file.suggestedFilename().endsWith("json"));
  const content = JSON.parse(await readFile((await saved?.path()) ?? "", "utf8"));
  assert.equal(content.meta.answers.cnn.digit, 7);
  await press(page, "clear");
  const several = { samples: [content.samples[0], { label: "4", strokes: DRAWN.A }, { strokes: "x" }] };
  await page.setInputFiles("#file", {
    name: "two.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(several)),
  });
  await remark(page, /two.json: sample 3: .*left out/);
  await page.waitForSelector(".card[data-shows=digit]");
  assert.equal(await digit(page), "7");
  await press(page, "next");
  await remark(page, /Drawing 2 of 2 in two.json, a 4/);
  await page.keyboard.press("PageUp");
  await remark(page, /Drawing 1 of 2/);
  await close(page);
});

test("with the keyboard alone a digit is drawn, read and cleared, and the help opened and closed", async () => {
  const page = await opened();
  await loaded(page);
  const on = () =>
    page.evaluate(() => document.activeElement?.getAttribute("data-action") ?? document.activeElement?.id);
  const visited = [];
  do {
    await page.keyboard.press("Tab");
    visited.push(await on());
  } while (visited[visited.length - 1] !== "ink");
  assert.deepEqual(visited, ["eraser", "undo", "redo", "clear", "open", "save", "help", "ink"]);
  for (let n = 0; n < 9; n++) await page.keyboard.press("ArrowUp");
  for (let n = 0; n < 7; n++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  for (let n = 0; n < 12; n++) await page.keyboard.press("ArrowRight");
  await page.keyboard.down("ArrowLeft");
  for (let n = 0; n < 8; n++) await page.keyboard.press("ArrowDown");
  await page.keyboard.up("ArrowLeft");
  for (let n = 0; n < 10; n++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".card[data-shows=digit]");
  assert.equal(await digit(page), "7");
  await page.keyboard.press("h");
  assert.equal(await page.isVisible("dialog"), true);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space"); // letters are no shortcuts any more
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("dialog"), false);
  await page.keyboard.press("c");
  assert.ok(await inked(page));
  while ((await on()) !== "clear") await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await inked(page), 0);
  await close(page);
});

test("after the first visit it works without a network, both models included", async () => {
  const own = await serve(dist);
  const page = await (await browser.newContext()).newPage();
  await page.goto(own.address);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const files = await caches.open("digitpad-files");
    while ((await files.keys()).length < 3) await new Promise((done) => setTimeout(done, 20));
  });
  own.close();
  await page.reload();
  await press(page, "choice 2");
  await loaded(page);
  await draw(page, DRAWN[7]);
  assert.match((await predict(page)) ?? "", /CNN: 7, .*MLP \(int8\): 7, /);
  assert.deepEqual(await page.context().cookies(), []);
  await close(page);
});

for (const [width, height] of [
  [320, 568],
  [768, 1024],
  [1280, 800],
]) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    const withAxe = (colorScheme === "dark") === (width === 768); // takes its time, and sizes differ little to it
    const finds = withAxe ? ", and axe finds nothing serious" : "";
    test(`at ${width}x${height}, ${colorScheme}, everything is there and large enough${finds}`, async () => {
      const page = await opened({ viewport: { width, height }, colorScheme });
      await loaded(page);
      /** @param {string} state */
      const look = async (state) => {
        await page.screenshot({ path: `${shots}${width}x${height}-${colorScheme}-${state}.png` });
        if (withAxe) {
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
          const serious = violations.filter((/** @type {any} */ one) => ["serious", "critical"].includes(one.impact));
          assert.deepEqual(
            serious.map((/** @type {any} */ one) => `${state}: ${one.id}: ${one.nodes[0].html}`),
            [],
          );
        }
        const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(scrolls, false, state);
        const wrong = await page.evaluate(() => {
          const controls = [...document.querySelectorAll("main button, #ink, #brush")].filter((one) =>
            one.checkVisibility(),
          );
          return controls.flatMap((one) => {
            const { left, top, right, bottom } = one.getBoundingClientRect();
            const inside = left >= 0 && top >= 0 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
            return inside && right - left >= 24 && bottom - top >= 24 ? [] : [one.textContent];
          });
        });
        assert.deepEqual(wrong, [], state);
      };
      await look("blank");
      await draw(page, DRAWN[7]);
      await predict(page);
      await look("7");
      const ink = await page.evaluate(() => {
        const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("ink"));
        const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        const solid = data.findIndex((value, n) => n % 4 === 3 && value === 255);
        return data[solid - 3]; // its red
      });
      assert.equal(ink, colorScheme === "dark" ? 0xf0 : 0x16);
      await press(page, "clear");
      await press(page, "choice 2");
      await loaded(page);
      await draw(page, DRAWN[42]);
      await predict(page);
      await look("42");
      await press(page, "clear");
      await draw(page, DRAWN.A);
      await predict(page);
      await look("letter");
      await press(page, "help");
      await look("help");
      await close(page);
    });
  }
}

test("the window may be resized or turned while a line is drawn: the drawing stays, and it says so", async () => {
  const page = await opened();
  await loaded(page);
  await draw(page, DRAWN[7]);
  await page.mouse.move(...(await inWindow(page, [0.35, 0.5])));
  await page.mouse.down();
  await page.mouse.move(...(await inWindow(page, [0.5, 0.5])), { steps: 5 });
  await page.setViewportSize({ width: 400, height: 800 });
  await remark(page, /The window changed/);
  await page.mouse.up();
  await press(page, "undo");
  assert.match((await predict(page)) ?? "", /CNN: 7/);
  await close(page);
});

test("a picture, and a file that is no drawing, are refused in one line, and the drawing stays", async () => {
  const page = await opened();
  await draw(page, DRAWN[7]);
  const before = await inked(page);
  /** @type {[string, string, string, RegExp][]} */
  const files = [
    ["seven.png", "image/png", "x", /seven.png: a picture; the Python package reads those/],
    ["notes.json", "application/json", "{", /notes.json: not a stroke file: it is not valid JSON/],
    ["list.json", "application/json", "[]", /list.json: not a stroke file: it has no list "samples"/],
    ["none.json", "application/json", '{"samples": []}', /none.json: holds no drawing/],
    ["bad.json", "application/json", '{"samples": [{"strokes": [[[1]]]}]}', /bad.json: sample 1: stroke 1 is not/],
    ["cut.json.gz", "application/gzip", "\x1f\x8b\x08", /cut.json.gz: the gzip data is cut off or damaged/],
  ];
  for (const [name, mimeType, content, words] of files) {
    await page.setInputFiles("#file", { name, mimeType, buffer: Buffer.from(content, "latin1") });
    await remark(page, words);
  }
  assert.equal(await inked(page), before);
  await close(page);
});

test("a model that is cut short, damaged or does not arrive is said to be, and is fetched again", async () => {
  let broken = 0;
  // Without the service worker, whose requests cannot be answered here.
  const page = await opened({ serviceWorkers: "block" }, async (page) => {
    const whole = await readFile(`${dist}cnn.onnx`);
    await page.route(/cnn\.onnx/, (route) => {
      broken++;
      if (broken === 1) return route.fulfill({ body: whole.subarray(0, 1000) });
      if (broken === 2) return route.fulfill({ body: Buffer.alloc(whole.length) });
      if (broken === 3) return route.abort();
      return route.continue();
    });
  });
  await draw(page, DRAWN[7]);
  const expected = [/cut short \(1000 of \d+ bytes\)/, /not the file that belongs/, /no network/, /CNN: 7/];
  for (const [n, words] of expected.entries()) {
    if (n) await press(page, "predict");
    await page.waitForFunction((source) => {
      const said = `${document.getElementById("said")?.textContent} ${document.querySelector(".message")?.textContent}`;
      return new RegExp(source).test(said);
    }, words.source);
  }
  await close(page);
});

test("a browser that keeps no files is told so, and reads all the same", async () => {
  const page = await opened({ serviceWorkers: "block" }, async (page) => {
    await page.addInitScript(() => {
      caches.open = () => Promise.reject(new DOMException("refused", "SecurityError"));
    });
  });
  await remark(page, /keeps no files for this page/);
  await draw(page, DRAWN[7]);
  assert.match((await predict(page)) ?? "", /CNN: 7/);
  await close(page);
});

test("a browser without WebAssembly is told so, and draws and saves all the same", async () => {
  const page = await opened({}, async (page) => {
    await page.addInitScript(() => delete (/** @type {any} */ (globalThis).WebAssembly));
  });
  await draw(page, DRAWN[7]);
  await press(page, "predict");
  await page.waitForFunction(() => /no WebAssembly/.test(document.querySelector(".message")?.textContent ?? ""));
  await press(page, "save");
  await remark(page, /Saved/);
  await close(page);
});
