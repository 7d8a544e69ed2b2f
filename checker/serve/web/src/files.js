// The learner's files as tabs, each with an editor; and what to do when the disk has another text than the page.
import { Problem } from "./client.js";
import * as diff from "./diff.js";
import { Document } from "./document.js";
import { el, fill, fresh, plural } from "./dom.js";
import { Editor } from "./editor.js";

const STATES = { saved: "saved", unsaved: "saving…", conflict: "changed elsewhere, too", failed: "not saved" };

/**
 * The files of one exercise. Tells `edited()` when a text changes, `kept()` when a file was saved or could not be, `here(findings)`
 * where the cursor is, `say(text)` aloud.
 */
export class Files {
    constructor(exercise, { edited, kept, here, say }) {
        Object.assign(this, { exercise, edited, kept, here, say });
        this.documents = new Map();
        this.tabs = new Map();
        this.help = fresh("help");
        this.list = el("div", { class: "mslab-tabs", role: "tablist", "aria-label": "Your files", onkeydown: (event) => this.arrow(event) });
        this.status = el("span", { class: "mslab-saved" });
        this.panels = el("div", { class: "mslab-panels" });
        this.element = el("div", { class: "mslab-files" },
            el("div", { class: "mslab-files-head" }, this.list, this.status),
            this.panels,
            el("p", { class: "mslab-keys", id: this.help }, "Tab indents. To leave the editor, press ", el("kbd", {}, "Escape"), ", then ",
                el("kbd", {}, "Tab"), ". ", el("kbd", {}, "Ctrl"), "+", el("kbd", {}, "Enter"), " checks."));
    }

    /** Shows these files of the disk. Texts that are not saved yet are kept, and may conflict. */
    load(files, folder) {
        this.folder = folder;
        for (const file of files) {
            const known = this.documents.get(file.name);
            if (known) {
                known.meet(file);
            } else {
                this.add(file);
            }
        }
        if (!this.active) {
            this.open(files[0]?.name);
        }
    }

    add(file) {
        const document = new Document(this.exercise, file, {
            changed: () => {
                this.refresh(file.name);
                this.kept();
            },
            took: (text) => {
                const { editor } = this.tabs.get(file.name);
                if (editor) {
                    editor.take(text);
                } else {
                    this.edited();
                }
            },
        });
        this.documents.set(file.name, document);
        const [id, panel] = [fresh("tab"), fresh("panel")];
        const parts = {
            tab: el("button", { type: "button", role: "tab", id, "aria-controls": panel, class: "mslab-tab", onclick: () => this.open(file.name) }),
            panel: el("div", { role: "tabpanel", id: panel, "aria-labelledby": id, hidden: true }),
            notice: el("div", { class: "mslab-conflict-place" }),
            place: el("div", { class: "mslab-editor" }),
            editor: null,
        };
        parts.panel.append(parts.notice, parts.place);
        this.tabs.set(file.name, parts);
        this.list.append(parts.tab);
        this.panels.append(parts.panel);
        this.refresh(file.name);
        return document;
    }

    /** Shows one file. */
    open(name) {
        this.active = name;
        for (const [other, { tab, panel }] of this.tabs) {
            const chosen = other === name;
            tab.setAttribute("aria-selected", chosen);
            tab.tabIndex = chosen ? 0 : -1;
            panel.hidden = !chosen;
        }
        const editor = this.editor(name);
        editor?.view.requestMeasure();
        this.refresh(name);
        this.here(editor?.here() ?? []);
    }

    /** The file's editor, made when it is first wanted; `null` for a file that cannot be edited here. */
    editor(name) {
        const parts = this.tabs.get(name);
        const document = this.documents.get(name);
        if (!parts || document.problem) {
            return null;
        }
        parts.editor ??= new Editor({
            parent: parts.place,
            path: name,
            text: document.text,
            describedBy: this.help,
            changed: (text, typed) => {
                if (typed) {
                    document.edit(text);
                }
                this.edited();
            },
            moved: (findings) => {
                if (this.active === name) {
                    this.here(findings);
                }
            },
        });
        return parts.editor;
    }

    arrow(event) {
        const names = [...this.tabs.keys()];
        const at = names.indexOf(this.active);
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
        if (to !== undefined) {
            event.preventDefault();
            const name = names[(to + names.length) % names.length];
            this.open(name);
            this.tabs.get(name).tab.focus();
        }
    }

    /** All texts as the page has them; `null` for a file that is not there. */
    texts() {
        const shown = [...this.documents.values()].filter((d) => !d.problem);
        return Object.fromEntries(shown.map((d) => [d.name, d.base.text === null && d.text === "" ? null : d.text]));
    }

    get unsaved() {
        return [...this.documents.values()].some((d) => d.state !== "saved");
    }

    /** Saves all, or throws what keeps a file from being saved. */
    async save() {
        for (const document of this.documents.values()) {
            await document.save();
        }
    }

    /** An event says that a file is another one on the disk. */
    async disk(name, revision) {
        await this.documents.get(name)?.disk(revision);
    }

    /** The server is back. */
    async catchUp() {
        for (const document of this.documents.values()) {
            await document.catchUp();
        }
    }

    /** Makes a fix's edits, where the files that they are for are here. */
    apply(edits) {
        const files = Map.groupBy(edits, (edit) => edit.file);
        for (const [name, own] of files) {
            if (!this.documents.has(name)) {
                this.add({ name, text: null, revision: null, problem: null });
            }
            this.open(name);
            this.editor(name)?.apply(own);
        }
    }

    /** Puts the cursor to a place of a report. */
    go(place) {
        if (this.documents.has(place.file)) {
            this.open(place.file);
            this.editor(place.file)?.go(place);
        }
    }

    /** Underlines findings, each with a place in a file. */
    show(findings) {
        for (const name of this.documents.keys()) {
            const own = findings.filter((f) => f.place.file === name);
            this.tabs.get(name).count = own.length;
            this.label(name);
            this.editor(name)?.show(own);
        }
    }

    label(name) {
        const { tab, count } = this.tabs.get(name);
        const { base, state } = this.documents.get(name);
        const notes = [];
        if (base.revision === null && state === "saved") {
            notes.push([" not there yet"]);
        }
        if (count) {
            notes.push([el("span", { "aria-hidden": "true" }, ` ✗ ${count}`), el("span", { class: "mslab-unseen" }, `, ${plural(count, "finding")}`)]);
        }
        if (state === "conflict" || state === "failed") {
            notes.push([` ! ${STATES[state]}`]);
        }
        fill(tab, name, notes.map((note) => el("span", { class: "mslab-tab-note" }, note)));
    }

    refresh(name) {
        const parts = this.tabs.get(name);
        const document = this.documents.get(name);
        if (!parts) {
            return;
        }
        this.label(name);
        if (document.problem) {
            fill(parts.place, el("p", { class: "mslab-note" }, `${name} cannot be changed here: ${document.problem}.`));
        }
        this.conflict(parts, document);
        if (this.active === name) {
            const why = document.failed instanceof Problem ? `: ${document.failed.message}` : "";
            fill(this.status, el("span", { class: `mslab-saved-${document.state}` }, STATES[document.state], why), ` · ${this.folder}/${name}`);
        }
    }

    /** Both texts, and the choice between them. */
    conflict({ notice, editor }, document) {
        const { conflict, name } = document;
        const shown = conflict ? `${conflict.revision} ${document.text}` : "";
        if (notice.dataset.shown === shown) {
            return;
        }
        notice.dataset.shown = shown;
        if (!conflict) {
            notice.replaceChildren();
            return;
        }
        if (!notice.firstChild) {
            this.say(`${name} was changed elsewhere, too. Keep yours, or take the disk's.`);
        }
        const choose = (act) => () => {
            Promise.resolve(act()).catch(() => {});
            editor?.view.focus();
        };
        fill(notice, el("section", { class: "mslab-conflict", "aria-label": `Two versions of ${name}` },
            el("p", {}, el("strong", {}, "! Two versions. "), `While you typed here, ${name} was changed on the disk, too. Nothing is saved until you choose.`),
            diff.show(diff.between(conflict.text ?? "", document.text), `From the disk's ${name} to yours`),
            el("p", { class: "mslab-legend" }, el("span", { class: "d-del" }, "− on the disk"), " ", el("span", { class: "d-add" }, "+ here")),
            el("p", { class: "mslab-buttons" },
                el("button", { type: "button", class: "mslab-button", onclick: choose(() => document.keepMine()) }, "Keep mine"),
                el("button", { type: "button", class: "mslab-button", onclick: choose(() => document.takeDisk()) }, "Take the disk's"))));
    }
}
