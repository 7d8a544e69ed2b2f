import assert from "node:assert/strict";
import { test } from "node:test";

test("this test fails on purpose", () => {
  assert.fail("mslab-sabotage: a failing test must stop the build");
});
