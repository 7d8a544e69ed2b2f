import { test } from "node:test";

test("this test fails on purpose", () => {
  const failure = new Error("mslab-sabotage: a failing test must stop the build");
  // Without its stack the message is the last line that the build prints.
  failure.stack = failure.message;
  throw failure;
});
