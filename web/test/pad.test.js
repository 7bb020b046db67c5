/** The paper, the words and the files, without a page. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { StrokeError } from "../src/mnist-form.js";
import { ACTIONS, actionOf } from "../src/pad/actions.js";
import { verdict } from "../src/pad/asking.js";
import { Drawing } from "../src/pad/drawing.js";
import { clipToPaper, cut, Stroke } from "../src/pad/stroke.js";
import { parseEntries, strokeFile } from "../src/stroke-files.js";

/** @param {Drawing} drawing @param {[number, number][]} places */
function line(drawing, places, erase = false) {
  drawing.press(places[0], 1, erase);
  places.slice(1).forEach((place) => drawing.move(place));
  drawing.lift();
}

test("each line, erasure, clearing and opened file is one step, forth and back", () => {
  const drawing = new Drawing();
  line(drawing, [
    [0.1, 0.1],
    [0.9, 0.1],
  ]);
  line(drawing, [
    [0.1, 0.5],
    [0.9, 0.5],
  ]);
  line(
    drawing,
    [
      [0.5, 0.0],
      [0.5, 0.3],
    ],
    true,
  );
  assert.equal(drawing.strokes.length, 3);
  line(
    drawing,
    [
      [0.5, 0.8],
      [0.5, 0.9],
    ],
    true,
  ); // touches nothing: no step
  drawing.clear();
  drawing.open({
    strokes: [
      [
        [-7, 3],
        [1e6, 2e6],
      ],
    ],
    image: null,
    label: "1",
  });
  const kinds = [];
  while (drawing.canUndo) {
    drawing.undo();
    kinds.push(drawing.strokes.length);
  }
  assert.deepEqual(kinds, [0, 3, 2, 1, 0]);
  while (drawing.canRedo) drawing.redo();
  assert.equal(drawing.label, "1");
  assert.ok(drawing.strokes[0].bounds.every((value) => value >= 0.1 && value <= 0.9));
});

test("a line ends where it leaves the paper, and begins anew where it comes back", () => {
  const drawing = new Drawing();
  line(drawing, [
    [0.5, 0.5],
    [1.5, 0.5],
    [1.5, 0.7],
    [0.5, 0.7],
  ]);
  assert.deepEqual(
    drawing.strokes.map((stroke) => stroke.points),
    [
      [
        [0.5, 0.5],
        [1, 0.5],
      ],
      [
        [1, 0.7],
        [0.5, 0.7],
      ],
    ],
  );
  assert.equal(clipToPaper([2, 2], [3, 3], [1, 1]), null);
});

test("an eraser cuts out what it touches, at its edge and that of the ink", () => {
  const pieces = cut(
    new Stroke(
      [
        [0, 0],
        [1, 0],
      ],
      [0.1, 0.1],
    ),
    [0.5, -1],
    [0.5, 1],
    0.05,
  );
  const ends = pieces?.map(({ points }) => points.map(([x]) => Number(x.toFixed(6))));
  assert.deepEqual(ends, [
    [0, 0.4],
    [0.6, 1],
  ]);
  assert.equal(
    cut(
      new Stroke(
        [
          [0, 0],
          [1, 0],
        ],
        [0.1, 0.1],
      ),
      [0.5, 0.2],
      [0.5, 1],
      0.05,
    ),
    null,
  );
});

test("the words are the pad's, and no answer is certain", () => {
  const answer = { confidence: 1, oodScore: -9, image: new Uint8Array(784), box: null };
  const sure = Float32Array.from({ length: 10 }, (_, n) => Number(n === 7));
  assert.deepEqual(verdict({ ...answer, status: "digit", digit: 7, probabilities: sure }), [
    "7",
    ["99.9\u00a0% sure", "99.9\u00a0%", "99%"],
  ]);
  const torn = Float32Array.from({ length: 10 }, (_, n) => (n === 4 ? 0.52 : n === 9 ? 0.48 : 0));
  const [large, words] = verdict({ ...answer, confidence: 0.52, status: "unsure", digit: 4, probabilities: torn });
  assert.deepEqual([large, words[0]], ["4?", "Unsure: 4 or 9? (52.0\u00a0%)"]);
  const number = { text: "12\n3", status: /** @type {const} */ ("unsure"), confidence: 0.5, digits: [], reason: "" };
  assert.equal(verdict(number)[1][0], "Unsure: perhaps 12 / 3 (50.0\u00a0%)");
});

test("no two actions share a key", () => {
  const keys = Object.values(ACTIONS).flatMap((action) => action.keys);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(actionOf(["Shift Z", "Z"]), "redo");
  assert.equal(actionOf(["Shift C", "C"]), "clear");
});

test("stroke files are read plain or gzipped; a bad sample costs itself, with what is wrong", async () => {
  const image = Buffer.alloc(784, 7).toString("base64");
  const samples = [
    {
      label: "1984",
      strokes: [
        [
          [0, 1],
          [2, 3],
        ],
        [],
      ],
    },
    { image },
    { label: "x", strokes: [] },
    { image: "AAAA" },
    7,
  ];
  const content = JSON.stringify({ samples });
  for (const data of [content, gzipSync(content)]) {
    const entries = await parseEntries(new Blob([data]), "my.json");
    assert.deepEqual(entries[0], {
      strokes: [
        [
          [0, 1],
          [2, 3],
        ],
      ],
      label: "1984",
      image: null,
    });
    const second = /** @type {import("../src/stroke-files.js").Sample} */ (entries[1]);
    assert.equal(second.image?.length, 784);
    const errors = entries.slice(2).map((entry) => (entry instanceof StrokeError ? entry.message : ""));
    assert.match(errors[0], /^my.json: sample 3: label "x" is neither digits, nor "", nor null$/);
    assert.match(errors[1], /sample 4: "image" is not 784 bytes in base64/);
    assert.match(errors[2], /sample 5: it has neither/);
  }
  await assert.rejects(parseEntries(new Blob([gzipSync(content).subarray(0, 40)]), "a"), /cut off or damaged/);
  const [again] = await parseEntries(new Blob([strokeFile([[[1, 2]]], "3", {})]), "b");
  assert.deepEqual(again, { strokes: [[[1, 2]]], label: "3", image: null });
});
