// A file of the page and the same file on the disk: whatever comes first, nothing is lost and nothing is overwritten unseen.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Document } from "../src/document.js";

/** The server's disk, with one file. */
const disk = { text: "", revision: "", deaf: false };
globalThis.localStorage = { getItem: () => "token" };
globalThis.fetch = async (_path, { method, body }) => {
    if (disk.deaf) {
        throw new TypeError("nobody answers");
    }
    const file = () => ({ name: "Dockerfile", text: disk.text, revision: disk.revision, problem: null });
    if (method === "PUT") {
        const save = JSON.parse(body);
        if (save.base_revision !== disk.revision && save.text !== disk.text) {
            return Response.json({ error: { code: "conflict", message: "m", help: "h" }, file: file() }, { status: 409 });
        }
        write(save.text);
    }
    return Response.json(file());
};

function write(text) {
    Object.assign(disk, { text, revision: `r:${text}` });
}

function page() {
    const shown = { text: disk.text };
    const document = new Document("exercise-5", { name: "Dockerfile", ...disk }, { changed() {}, took: (text) => { shown.text = text; } });
    return { document, shown };
}

beforeEach(() => {
    disk.deaf = false;
    write("a");
});

test("what is typed is saved", async () => {
    const { document } = page();
    document.edit("b");
    assert.equal(document.state, "unsaved");
    await document.save();
    assert.deepEqual([disk.text, document.state], ["b", "saved"]);
});

test("what is typed during a save is saved, too", async () => {
    const { document } = page();
    document.edit("b");
    const saved = document.save();
    document.edit("c");
    await saved;
    assert.equal(disk.text, "c");
});

test("a change elsewhere appears", async () => {
    const { document, shown } = page();
    write("z");
    await document.disk(disk.revision);
    assert.deepEqual([document.text, shown.text, document.state], ["z", "z", "saved"]);
});

test("a change on both sides is saved by neither, until one is chosen", async () => {
    for (const choose of ["keepMine", "takeDisk"]) {
        write("a");
        const { document, shown } = page();
        document.edit("mine");
        write("theirs");
        await assert.rejects(document.save(), { code: "conflict" });
        assert.deepEqual([disk.text, document.text, document.state], ["theirs", "mine", "conflict"]);
        document.edit("mine, too");
        await assert.rejects(document.save());
        assert.equal(disk.text, "theirs");
        await document[choose]();
        const left = choose === "keepMine" ? "mine, too" : "theirs";
        assert.deepEqual([disk.text, document.text, document.state], [left, left, "saved"]);
        assert.equal(shown.text, choose === "keepMine" ? "a" : "theirs");
    }
});

test("an event tells of a conflict before a save does", async () => {
    const { document } = page();
    document.edit("mine");
    write("theirs");
    await document.disk(disk.revision);
    assert.equal(document.state, "conflict");
    write("a");
    await document.disk(disk.revision);
    assert.equal(document.state, "unsaved", "the disk went back to what the page began with");
    clearTimeout(document.timer);
});

test("the same text on both sides is no conflict", async () => {
    const { document } = page();
    document.edit("same");
    write("same");
    await document.disk(disk.revision);
    assert.equal(document.state, "saved");
    clearTimeout(document.timer);
});

test("a server that comes back gets what it missed, and tells what was missed", async () => {
    const { document, shown } = page();
    disk.deaf = true;
    document.edit("b");
    await assert.rejects(document.save());
    assert.equal(document.state, "failed");
    disk.deaf = false;
    await document.catchUp();
    assert.deepEqual([disk.text, document.state], ["b", "saved"]);

    disk.deaf = true;
    write("c");
    await assert.rejects(document.disk(disk.revision));
    disk.deaf = false;
    await document.catchUp();
    assert.equal(shown.text, "c");
});
