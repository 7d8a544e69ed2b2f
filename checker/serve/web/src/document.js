// One of the learner's files as this page has it, and how it stays the same as on the disk. Knows no editor.
import { api, Problem } from "./client.js";

/** Typing pauses this long before it is saved, in milliseconds. */
const PAUSE = 350;

/**
 * `text` is what the page shows, `base` what is known to be on the disk. Where both changed, `conflict` is the disk's file, and
 * nothing is saved until one of the two is chosen.
 */
export class Document {
    /** `changed()` is called when anything but the text by typing has changed; `took(text)` when the disk's text is to be shown. */
    constructor(exercise, file, { changed, took }) {
        Object.assign(this, { exercise, name: file.name, problem: file.problem, changed, took });
        this.base = { text: file.text, revision: file.revision };
        this.text = file.text ?? "";
        this.conflict = null;
        this.failed = null;
        this.saving = null;
    }

    get dirty() {
        return this.text !== (this.base.text ?? "");
    }

    /** In a word: `saved`, `unsaved`, `conflict`, or `failed`. */
    get state() {
        if (this.conflict) {
            return "conflict";
        }
        if (this.failed) {
            return "failed";
        }
        return this.dirty || this.saving ? "unsaved" : "saved";
    }

    /** The learner typed. */
    edit(text) {
        this.text = text;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.save().catch(() => {}), PAUSE);
        this.changed();
    }

    /** Saves what is not saved yet, and resolves when the disk has it. Throws what keeps it from being saved. */
    save() {
        clearTimeout(this.timer);
        this.saving ??= this.write().finally(() => {
            this.saving = null;
            this.changed();
        });
        return this.saving;
    }

    async write() {
        while (this.dirty && !this.conflict) {
            const { text } = this;
            try {
                const file = await api.save(this.exercise, this.name, text, this.base.revision);
                this.base = { text, revision: file.revision };
                this.failed = null;
            } catch (error) {
                if (error instanceof Problem && error.code === "conflict" && error.file) {
                    this.meet(error.file);
                    continue;
                }
                this.failed = error;
                throw error;
            }
        }
        if (this.conflict) {
            throw new Problem(409, { code: "conflict", message: `${this.name} was changed elsewhere, too`, help: "Keep yours, or take the disk's." });
        }
    }

    /** An event says that the disk has this revision now. */
    async disk(revision) {
        this.told = revision;
        await this.saving?.catch(() => {});
        const known = this.conflict ?? this.base;
        if (this.told !== undefined && this.told !== known.revision) {
            this.meet(await api.file(this.exercise, this.name));
        }
        this.told = undefined;
    }

    /** The server is back: what could not be fetched or saved is, now. */
    async catchUp() {
        if (this.told !== undefined) {
            await this.disk(this.told);
        }
        if (!this.conflict) {
            await this.save();
        }
    }

    /** The disk has this file now. */
    meet(file) {
        this.problem = file.problem;
        const ours = this.text;
        const theirs = file.text ?? "";
        const touched = this.dirty || this.conflict;
        if (touched && theirs !== ours && theirs !== (this.base.text ?? "")) {
            this.conflict = file;
        } else {
            this.conflict = null;
            this.base = { text: file.text, revision: file.revision };
            if (!touched && theirs !== ours) {
                this.text = theirs;
                this.took(theirs);
            }
        }
        this.changed();
    }

    /** Ends a conflict with this page's text. */
    keepMine() {
        this.base = { text: this.conflict.text, revision: this.conflict.revision };
        this.conflict = null;
        this.changed();
        return this.save();
    }

    /** Ends a conflict with the disk's text. */
    takeDisk() {
        const { text, revision } = this.conflict;
        this.base = { text, revision };
        this.conflict = null;
        this.text = text ?? "";
        this.took(this.text);
        this.changed();
    }
}
