import assert from "node:assert/strict";
import { test } from "node:test";

import request from "supertest";

import { app } from "../src/app.ts";

test("the menu is on the front page", async () => {
  const answer = await request(app).get("/").expect(200);
  assert.equal(answer.body.room, "The Quiet Kettle");
  assert.equal(answer.body.teas.length, 4);
});

test("a pot for two can be asked for", async () => {
  const answer = await request(app).get("/teas/oolong?cups=2").expect(200);
  assert.equal(answer.body.seconds, 195);
});

test("what is not a number of cups is refused", async () => {
  await request(app).get("/teas/oolong?cups=many").expect(400);
});

test("coffee is not found", async () => {
  await request(app).get("/teas/coffee").expect(404);
});
