/** The page answers as the Python package does: every vector that Python wrote into reference.json holds here too. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { renderStrokes } from "../src/mnist-form.js";
import { recognizer, shipped } from "./models.js";

const reference = JSON.parse((await shipped("reference.json")).toString());
const models = ["cnn", "mlp"];

/** @type {(one: ArrayLike<number>, other: ArrayLike<number>) => number} */
const difference = (one, other) => Math.max(...Array.from(one, (value, n) => Math.abs(value - other[n])));

test("there are at least 200 vectors", () => {
  assert.ok(reference.samples.length + reference.numbers.length >= 200);
});

test("strokes become the bytes they become in Python, give or take a grey level", () => {
  for (const { what, strokes, image } of reference.samples) {
    const expected = Uint8Array.from(Buffer.from(image, "base64"));
    assert.ok(difference(renderStrokes(strokes), expected) <= 1, what);
  }
});

for (const name of models) {
  test(`${name}: drawings get the same probabilities and status`, async () => {
    const reader = await recognizer(name);
    for (const { what, strokes, answers } of reference.samples) {
      const answer = await reader.predictStrokes(strokes),
        expected = answers[name];
      assert.equal(answer.status, expected.status, what);
      if (expected.status === "blank") continue;
      assert.ok(difference(answer.probabilities, expected.probabilities) <= 1e-3, what);
      assert.ok(Math.abs(answer.oodScore - expected.ood_score) <= 1e-2, what);
    }
  });

  test(`${name}: numbers get the same text, status, confidence and boxes`, async () => {
    const reader = await recognizer(name);
    for (const { what, strokes, answers } of reference.numbers) {
      const { text, status, confidence, digits } = await reader.readStrokes(strokes),
        expected = answers[name];
      assert.deepEqual({ text, status }, { text: expected.text, status: expected.status }, what);
      assert.ok(Math.abs(confidence - expected.confidence) <= 1e-3, what);
      assert.equal(digits.length, expected.boxes.length, what);
      digits.forEach(({ box, confidence }, n) => {
        const size = Math.max(...expected.boxes[n].map(Math.abs));
        assert.ok(Math.abs(confidence - expected.digits[n]) <= 1e-3, what);
        assert.ok(box && difference(box, expected.boxes[n]) <= 1e-6 * size, what);
      });
    }
  });
}
