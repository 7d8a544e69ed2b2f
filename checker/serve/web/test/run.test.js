// A check's events, as they come.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Run } from "../src/run.js";

function run(...events) {
    const made = new Run(1);
    for (const event of events) {
        made.take({ event: "run", run: 1, ...event });
    }
    return made;
}

const building = { news: "building", what: "prod", file: "Dockerfile" };
const step = (n, line, more) => ({ news: "step-done", step: n, name: `step ${n}`, lines: { first: line, last: line }, internal: false, cached: false, duration_ms: 0, error: null, ...more });

test("of several steps of a line the one that tells most stands beside it", () => {
    const made = run(building, step(1, 1, { cached: true }), step(2, 2, { duration_ms: 900 }), building, step(1, 1, { cached: true }), step(2, 2, { cached: true }),
        step(3, 3, { duration_ms: 5 }), step(4, 3, { error: "exit code: 1" }));
    const lines = [...made.beside("Dockerfile")].map(([line, s]) => [line, s.state, s.duration]);
    assert.deepEqual(lines, [[1, "cached", 0], [2, "done", 900], [3, "failed", 0]]);
});

test("steps of another file, and the engine's own, stand beside no line", () => {
    const made = run(building, step(1, 1, { internal: true }), { ...building, file: null }, step(1, 2));
    assert.equal(made.beside("Dockerfile").size, 0);
});

test("a step that never ends is cut off with its build", () => {
    const made = run(building, { news: "step-started", step: 1, name: "RUN sleep", lines: { first: 2, last: 2 }, internal: false });
    assert.deepEqual(made.progress, [0, 1]);
    made.take({ event: "run-ended", run: 1, end: "stopped", why: "edited" });
    assert.equal(made.running, false);
    assert.equal(made.beside("Dockerfile").get(2).state, "stopped");
});

test("a step that begins again runs, and has written nothing yet", () => {
    const begun = { news: "step-started", step: 1, name: "RUN sleep", lines: { first: 2, last: 2 }, internal: false };
    const made = run(building, begun, { news: "log", step: 1, text: "begun\n" }, step(1, 2, { error: "context canceled" }), begun);
    const { state, log, error } = made.beside("Dockerfile").get(2);
    assert.deepEqual([state, log, error], ["running", "", null]);
});

test("a log keeps its end, and news that nobody knows are left alone", () => {
    const begun = { news: "step-started", step: 1, name: "RUN yes", lines: null, internal: false };
    const made = run(building, begun, { news: "log", step: 1, text: "y\n".repeat(150_000) }, { news: "log", step: 9, text: "?" }, { news: "toString" });
    const { log } = made.build.steps.get(1);
    assert.ok(log.length < 250_000 && log.startsWith("…\n") && log.endsWith("y\n"));
});
