/** `make measure-web`: measures the page in Chromium, and writes the figures into docs/web.md. */

import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { buildPage, dist, MODELS, RUNTIME, runtimeApart } from "./build.js";
import { serve } from "./serve.js";
import { DRAWN, draw, launch, loaded, predict } from "./test/browser.js";

/** @typedef {import("playwright-core").Page} Page */

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = `${root}docs/web.md`;
const [START, END] = ["<!-- figures: start (written by make measure-web) -->", "<!-- figures: end -->"];
const ROUNDS = 20; // drawings of each kind that are timed
const names = MODELS.map((file) => file.replace(".onnx", ""));

/** @type {(values: number[], part: number) => number} */
const quantile = (values, part) => values.sort((a, b) => a - b)[Math.floor(part * (values.length - 1))];
/** @type {(value: number) => string} */
const whole = (value) => value.toLocaleString("en");

async function measureBytes() {
  /** @type {(files: string[]) => Promise<number>} */
  const zipped = async (files) => {
    const sizes = await Promise.all(
      files.map(async (file) => gzipSync(await readFile(dist + file), { level: 9 }).length),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const all = (await readdir(dist)).filter((file) => file !== "licences.txt");
  const own = all.filter((file) => !RUNTIME.includes(file) && !MODELS.includes(file));
  const first = all.filter((file) => file !== MODELS[1]);
  const again = [...own, RUNTIME[0]]; // by the service worker, to keep them
  return [
    ["first visit: page, runtime and CNN, as gzip", `${whole((await zipped(first)) + (await zipped(again)))} bytes`],
    ["of that our own code, as gzip", `${whole(await zipped(own))} bytes`],
    [`fetched afterwards: ${MODELS[1]}, as gzip`, `${whole(await zipped([MODELS[1]]))} bytes`],
  ];
}

/**
 * Every vector of reference.json, in the browser.
 * @param {Page} page
 */
async function compareVectors(page) {
  const found = await page.evaluate(async () => {
    const { recogniser, renderStrokes } = await /** @type {any} */ (globalThis).measured;
    const reference = await (await fetch("measured/reference.json")).json();
    /** @type {(one: ArrayLike<number>, other: ArrayLike<number>) => number} */
    const difference = (one, other) => Math.max(...Array.from(one, (value, n) => Math.abs(value - other[n])));
    let levels = 0,
      worst = 0,
      wrong = 0;
    for (const name of ["cnn", "mlp"]) {
      const reader = await recogniser(name);
      for (const { strokes, image, answers } of reference.samples) {
        const bytes = Uint8Array.from(atob(image), (byte) => byte.charCodeAt(0));
        levels = Math.max(levels, difference(renderStrokes(strokes), bytes));
        const { status, probabilities } = await reader.predictStrokes(strokes);
        if (status !== "blank") worst = Math.max(worst, difference(probabilities, answers[name].probabilities));
        wrong += Number(status !== answers[name].status);
      }
      for (const { strokes, answers } of reference.numbers) {
        const { text, status, confidence } = await reader.readStrokes(strokes);
        worst = Math.max(worst, Math.abs(confidence - answers[name].confidence));
        wrong += Number(status !== answers[name].status || text !== answers[name].text);
      }
    }
    return { levels, worst, wrong, count: reference.samples.length + reference.numbers.length };
  });
  return [
    [
      "reference vectors, with cnn and mlp, as the networks in Python",
      `${found.count - found.wrong} of ${found.count} in status and text; largest difference ${found.levels} grey` +
        ` levels, ${found.worst.toExponential(0)} in a probability`,
    ],
  ];
}

/**
 * MNIST's test images, by the page's session and by Python's.
 * @param {Page} page
 */
async function compareMnist(page) {
  const folder = `${dist}measured/`;
  const python = process.env.PYTHON ?? `${root}.venv-test/bin/python`;
  const done = spawnSync(python, [`${root}web/measure_mnist.py`, folder, ...names], {
    cwd: root,
    env: { ...process.env, PYTHONPATH: `${root}runtime` },
    encoding: "utf8",
  });
  if (done.status)
    return [["MNIST's test images", `not compared: ${(done.stderr || String(done.error)).trim().split("\n").pop()}`]];
  const rows = [];
  for (const name of names) {
    const found = await page.evaluate(async (name) => {
      const { recogniser } = await /** @type {any} */ (globalThis).measured;
      const reader = await recogniser(name),
        bytes = new Uint8Array(await (await fetch("measured/images.bin")).arrayBuffer());
      const expected = await (await fetch(`measured/${name}.json`)).json();
      const images = expected.answers.map((/** @type {any} */ _, /** @type {number} */ n) =>
        bytes.subarray(784 * n, 784 * n + 784),
      );
      let different = 0,
        near = 0,
        worst = 0;
      const judged = await reader.run(images);
      judged.forEach((/** @type {any} */ { probabilities, oodScore }, /** @type {number} */ n) => {
        const python = expected.answers[n],
          sorted = [...python.probabilities].sort((a, b) => b - a);
        const [first, second] = sorted,
          { unsure_threshold, ood_threshold } = expected;
        const gaps = [first - second, first - unsure_threshold, python.ood_score - ood_threshold];
        near += Number(gaps.some((gap) => Math.abs(gap) < 1e-5));
        const digit = probabilities.indexOf(Math.max(...probabilities));
        const unsure = probabilities[digit] < expected.unsure_threshold ? "unsure" : "digit";
        const status = oodScore > expected.ood_threshold ? "not_a_digit" : unsure;
        different += Number(digit !== python.digit || status !== python.status);
        python.probabilities.forEach(
          (/** @type {number} */ p, /** @type {number} */ k) =>
            (worst = Math.max(worst, Math.abs(p - probabilities[k]))),
        );
      });
      const times = [];
      for (let n = 0; n < 300; n++) {
        const started = performance.now();
        await reader.run([images[n]]);
        times.push(performance.now() - started);
      }
      return { different, near, worst, count: images.length, times };
    }, name);
    const { count, different, near, worst, times } = found;
    rows.push(
      [
        `MNIST's test images, ${name}, digit and status as the network in Python`,
        `${whole(count - different)} of ${whole(count)} (${near} within 1e-5 of a threshold or a tie);` +
          ` largest difference in a probability ${worst.toExponential(0)}`,
      ],
      [`one image, ${name}, p50`, `${quantile(times, 0.5).toFixed(2)} ms`],
    );
  }
  return rows;
}

/**
 * From the pointer that comes up to the answer on the page: of the button, and live at the end of a line.
 * @param {Page} page
 */
async function measureTime(page) {
  await page.evaluate(() => {
    /** @type {number[]} */
    const times = [];
    Object.assign(globalThis, { times });
    let up = 0;
    addEventListener("pointerup", (event) => (up = event.timeStamp), { capture: true });
    new MutationObserver(() => {
      const shown = document.querySelector(".card")?.getAttribute("data-shows") === "digit";
      if (up && shown) times.push(performance.now() - up);
      if (shown) up = 0;
    }).observe(/** @type {Node} */ (document.getElementById("said")), { childList: true });
  });
  /** @type {(live: boolean) => Promise<number[]>} */
  const timed = async (live) => {
    await page.evaluate(() => Object.assign(/** @type {any} */ (globalThis).times, { length: 0 }));
    for (let n = 0; n < ROUNDS; n++) {
      await page.keyboard.press("c");
      // Each is another one: what is known from before costs nothing.
      const lines = DRAWN[7].map((line) =>
        line.map(([x, y]) => /** @type {[number, number]} */ ([x - (n * y) / 99, y])),
      );
      await draw(page, lines);
      if (!live) await page.click("[data-action=predict]");
      await page.waitForFunction((n) => /** @type {any} */ (globalThis).times.length > n, n);
    }
    return page.evaluate(() => [.../** @type {any} */ (globalThis).times]);
  };
  const pressed = await timed(false);
  await page.click("[data-action=live]");
  const live = await timed(true);
  await page.click("[data-action=live]");
  /** @type {(times: number[]) => string} */
  const said = (times) => `${quantile(times, 0.5).toFixed(1)} ms (95 %: ${quantile(times, 0.95).toFixed(1)} ms)`;
  return [
    ["one digit, from the button coming up to the answer, p50", said(pressed)],
    ["the same live, from the pen coming up, p50", said(live)],
  ];
}

/** @param {Page} page */
async function countViolations(page) {
  const axe = await readFile(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");
  await page.evaluate(axe);
  /** @type {string[]} */
  const found = [];
  let rules = 0;
  const look = async () => {
    const { violations, passes } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run());
    rules = Math.max(rules, passes.length + violations.length);
    found.push(...violations.map((/** @type {any} */ one) => `${one.id} (${one.impact})`));
  };
  for (const lines of [[], DRAWN[7], DRAWN[42], DRAWN.A]) {
    await page.keyboard.press("c");
    await draw(page, lines);
    await predict(page);
    await look();
  }
  await page.click("[data-action=help]");
  await look();
  await page.keyboard.press("Escape");
  const all = [...new Set(found)].join(", ") || "none";
  return [["findings of axe-core, in five states of the page", `${all}, of ${rules} rules that apply`]];
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {Page} page
 */
async function measureMemory(browser, page) {
  const client = await browser.newBrowserCDPSession();
  const { processInfo } = await client.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const used = await Promise.all(
    renderers.map(async ({ id }) => {
      const rollup = await readFile(`/proc/${id}/smaps_rollup`, "utf8").catch(() => "");
      const kib = [...rollup.matchAll(/^Private_\w+: +(\d+) kB/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
      return kib / 1024;
    }),
  );
  const heap = await (await page.context().newCDPSession(page)).send("Runtime.getHeapUsage");
  return [
    [
      "memory of the page's process, both models loaded",
      `${Math.max(...used).toFixed(0)} MiB, ${(heap.usedSize / 2 ** 20).toFixed(0)} MiB of that in JavaScript's heap`,
    ],
  ];
}

/** Puts what is compared beside the page, where only this program asks for it. */
async function addMeasured() {
  await build({
    stdin: {
      contents: `
        import { openModel, startRuntime } from "./src/models.js";
        import { Recognizer } from "./src/recognizer.js";
        export { renderStrokes } from "./src/mnist-form.js";
        const get = async (file) => new Uint8Array(await (await fetch(file)).arrayBuffer());
        const started = get("${RUNTIME[1]}").then(startRuntime);
        export async function recogniser(name) {
          await started;
          return new Recognizer(await openModel(await get("measured/" + name + ".onnx"), name));
        }`,
      resolveDir: `${root}web`,
    },
    bundle: true,
    format: "esm",
    outfile: `${dist}measured.js`,
    plugins: [runtimeApart],
  });
  await mkdir(`${dist}measured`);
  const files = [...MODELS, "mlp.onnx", "reference.json"];
  await Promise.all(files.map((file) => copyFile(`${root}onnx_models/${file}`, `${dist}measured/${file}`)));
}

/**
 * The picture in README and docs/web.md: a phone held across.
 * @param {import("playwright-core").Browser} browser
 * @param {string} address
 */
async function takePicture(browser, address) {
  const phone = await browser.newPage({ viewport: { width: 568, height: 320 }, deviceScaleFactor: 2 });
  await phone.goto(address);
  await phone.click('[data-action="choice 2"]');
  await loaded(phone);
  for (const lines of [DRAWN[7], DRAWN[42]]) {
    if (lines === DRAWN[42]) await phone.click("[data-action=clear]");
    await draw(phone, lines);
    await predict(phone);
  }
  await phone.evaluate(() => document.querySelectorAll(".took").forEach((time) => time.replaceChildren()));
  await phone.mouse.move(0, 0);
  await phone.screenshot({ path: `${root}images/web.png` });
  await phone.close();
}

await buildPage();
const rows = await measureBytes();
await addMeasured();
const server = await serve(dist);
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
try {
  await takePicture(browser, server.address);
  await page.goto(server.address);
  await page.click('[data-action="choice 2"]');
  await loaded(page);
  await draw(page, DRAWN[42]);
  await predict(page);
  rows.push(...(await measureMemory(browser, page)));
  await page.click('[data-action="choice 0"]');
  await page.keyboard.press("c");
  rows.push(...(await measureTime(page)), ...(await countViolations(page)));
  await page.evaluate((address) => {
    Object.assign(globalThis, { measured: import(`${address}measured.js`) });
  }, server.address);
  rows.push(...(await compareVectors(page)), ...(await compareMnist(page)));
} finally {
  await browser.close();
  server.close();
  await buildPage(); // without what was added
}
const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores`;
const made = `Measured with Chromium ${browser.version()}, headless, on ${machine}.`;
const table = ["| | |", "|---|---|", ...rows.map(([what, figure]) => `| ${what} | ${figure} |`)].join("\n");
console.log(`${table}\n${made}`);
const [before, rest] = (await readFile(PAGE, "utf8")).split(START);
if (!rest?.includes(END)) throw new Error(`${PAGE}: lacks the marks between which the figures go`);
await writeFile(PAGE, `${before}${START}\n${table}\n\n${made}\n${END}${rest.split(END)[1]}`);
