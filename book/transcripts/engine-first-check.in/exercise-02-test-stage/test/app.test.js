import assert from "node:assert/strict";
import { test } from "node:test";

import { buildApp } from "../dist/app.js";

test("a driver asks for the price", async (t) => {
  const app = buildApp();
  t.after(() => app.close());

  const response = await app.inject({ url: "/price?minutes=45" });

  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), { minutes: 45, cents: 240 });
});

test("nonsense is refused", async (t) => {
  const app = buildApp();
  t.after(() => app.close());

  const response = await app.inject({ url: "/price?minutes=soon" });

  assert.equal(response.statusCode, 400);
});
