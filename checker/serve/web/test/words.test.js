// Sizes and times read as the terminal's do: the cases are those of `checker/core/src/units.rs`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, millis } from "../src/words.js";

test("sizes read as Docker prints them", () => {
    assert.deepEqual([0, 999, 4_983_397, 15_000_000, 258_000_000, 1_200_000_000, 999_999].map(bytes),
        ["0 B", "999 B", "4.98 MB", "15.0 MB", "258 MB", "1.20 GB", "1000 kB"]);
});

test("times are as long as they need be", () => {
    assert.deepEqual([0, 34, 12_430, 75_000].map(millis), ["0 ms", "34 ms", "12.4 s", "1 min 15 s"]);
});
