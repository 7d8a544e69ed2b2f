import assert from "node:assert/strict";
import { test } from "node:test";

import { price } from "../dist/price.js";

test("the first quarter of an hour is free", () => {
  assert.equal(price(0).cents, 0);
  assert.equal(price(15).cents, 0);
});

test("every half hour begun is paid", () => {
  assert.equal(price(16).cents, 120);
  assert.equal(price(30).cents, 120);
  assert.equal(price(31).cents, 240);
});

test("a day never costs more than the day's price", () => {
  assert.equal(price(23 * 60).cents, 1800);
  assert.equal(price(25 * 60).cents, 1800 + 240);
});

test("time does not run backwards", () => {
  assert.throws(() => price(-1), RangeError);
});
