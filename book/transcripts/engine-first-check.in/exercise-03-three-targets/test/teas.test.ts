import assert from "node:assert/strict";
import { test } from "node:test";

import { menu, pot } from "../src/teas.ts";

test("a pot of assam for one takes four minutes", () => {
  assert.deepEqual(pot("assam", 1), { tea: "Assam", degrees: 98, seconds: 240 });
});

test("every further cup takes fifteen seconds more", () => {
  assert.equal(pot("sencha", 4)?.seconds, 90 + 3 * 15);
});

test("a tea that is not on the shelf makes no pot", () => {
  assert.equal(pot("coffee", 1), undefined);
});

test("half a cup is refused", () => {
  assert.throws(() => pot("mint", 0.5), RangeError);
});

test("no tea needs water hotter than boiling", () => {
  for (const tea of menu()) assert.ok(tea.degrees <= 100, tea.name);
});
