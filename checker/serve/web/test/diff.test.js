// Diffs as lines.
import assert from "node:assert/strict";
import { test } from "node:test";

import { between, unified } from "../src/diff.js";

const told = (lines) => lines.map(({ kind, text }) => `${kind} ${text}`);

test("a text leads to another by the lines that differ", () => {
    assert.deepEqual(told(between("a\nb\nc\n", "a\nx\nc\n")), ["same a", "del b", "add x", "same c", "same "]);
    assert.deepEqual(told(between("", "a")), ["del ", "add a"]);
});

test("a unified diff of one Dockerfile needs no names, and of two files it does", () => {
    const hunk = "@@ -3,2 +3,2 @@\n a\n-b\n+-- c\n\\ No newline at end of file\n";
    assert.deepEqual(told(unified(`--- Dockerfile\n+++ Dockerfile\n${hunk}`)), ["gap ⋮ line 3", "same a", "del b", "add -- c"]);
    const two = unified(`--- Dockerfile\n+++ Dockerfile\n${hunk}--- .dockerignore\n+++ .dockerignore\n@@ -0,0 +1 @@\n+.git\n`);
    assert.deepEqual(told(two).filter((l) => l.startsWith("file")), ["file Dockerfile", "file .dockerignore"]);
    assert.deepEqual(told(two).at(-1), "add .git");
});
