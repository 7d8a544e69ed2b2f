// An editor for one file: CodeMirror with the findings under its words and the build's steps beside its lines.
import "./sheet.js";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { indentUnit } from "@codemirror/language";
import { Annotation, EditorState, RangeSet, StateEffect, StateField, Transaction } from "@codemirror/state";
import {
    Decoration, drawSelection, EditorView, gutter, GutterMarker, highlightActiveLine, highlightActiveLineGutter, hoverTooltip,
    keymap, lineNumbers,
} from "@codemirror/view";

import { dockerfile, isDockerfile } from "./dockerfile.js";
import { el, prose } from "./dom.js";
import { range } from "./place.js";

/** Marks a change that came from the disk and need not go back there. */
const fromDisk = Annotation.define();

const setFindings = StateEffect.define();

/** The findings' words: they move with what is typed until the next findings come. */
const findings = StateField.define({
    create: () => Decoration.none,
    update(marks, transaction) {
        for (const effect of transaction.effects) {
            if (effect.is(setFindings)) {
                const { doc } = transaction.state;
                const made = effect.value.map((finding) => underline(doc, finding));
                return Decoration.set(made, true);
            }
        }
        return marks.map(transaction.changes);
    },
    provide: (field) => EditorView.decorations.from(field),
});

function underline(doc, finding) {
    let { from, to } = range(doc, finding.place);
    if (from === to) {
        // A place without words is shown at the character beside it.
        const line = doc.lineAt(from);
        [from, to] = to < line.to ? [from, to + 1] : [Math.max(line.from, from - 1), to];
    }
    if (from === to) {
        return Decoration.line({ class: "mslab-finding-line", finding }).range(doc.lineAt(from).from);
    }
    return Decoration.mark({ class: "mslab-finding", finding }).range(from, to);
}

const setSteps = StateEffect.define();

class Step extends GutterMarker {
    constructor(step) {
        super();
        Object.assign(this, step);
    }

    eq(other) {
        return this.text === other.text && this.state === other.state;
    }

    toDOM() {
        return el("span", { class: `mslab-step mslab-step-${this.state}` }, this.text);
    }
}

/** The build's steps by their lines; a step goes when its line is edited. */
const steps = StateField.define({
    create: () => RangeSet.empty,
    update(marks, transaction) {
        for (const effect of transaction.effects) {
            if (effect.is(setSteps)) {
                const { doc } = transaction.state;
                const known = effect.value.filter(({ line }) => line <= doc.lines);
                return RangeSet.of(known.map((step) => new Step(step).range(doc.line(step.line).from)), true);
            }
        }
        return marks.map(transaction.changes);
    },
});

const stepGutter = gutter({
    class: "mslab-steps",
    side: "after",
    markers: (view) => view.state.field(steps),
});

/** What stands under the pointer, in a few words; the whole is in the list of checks. */
const hover = hoverTooltip((view, at, side) => {
    let found = null;
    view.state.field(findings).between(at, at, (from, to, { spec }) => {
        if (!(from === at && side < 0) && !(to === at && side > 0)) {
            found = { pos: from, end: to, above: true, create: () => ({ dom: tip(spec.finding) }) };
        }
    });
    return found;
}, { hoverTime: 200 });

const tip = (finding) => el("div", { class: "mslab-tip" },
    el("p", {}, el("span", { class: "mslab-sign", "aria-hidden": "true" }, "✗ "), el("strong", {}, finding.key), " ", ...prose(finding.message)),
    finding.help ? el("p", {}, ...prose(finding.help)) : null);

/** Tab indents; Escape makes it leave until the next key is typed here. */
const wayOut = EditorView.domEventHandlers({
    keydown(event, view) {
        if (event.key === "Escape") {
            view.setTabFocusMode(true);
        }
    },
    blur(_event, view) {
        view.setTabFocusMode(false);
    },
});

/** An editor of the file at `path` in `parent`. */
export class Editor {
    constructor({ parent, path, text, describedBy, changed, moved }) {
        this.view = new EditorView({
            parent,
            state: EditorState.create({
                doc: text,
                extensions: [
                    history(),
                    lineNumbers(),
                    highlightActiveLine(),
                    highlightActiveLineGutter(),
                    drawSelection(),
                    EditorState.lineSeparator.of("\n"),
                    EditorState.tabSize.of(4),
                    indentUnit.of("    "),
                    isDockerfile(path) ? dockerfile : [],
                    findings,
                    steps,
                    stepGutter,
                    hover,
                    wayOut,
                    keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
                    EditorView.contentAttributes.of({
                        tabindex: "0", "aria-label": path, "aria-describedby": describedBy, spellcheck: "false", autocapitalize: "off", autocorrect: "off",
                    }),
                    EditorView.updateListener.of((update) => {
                        if (update.docChanged) {
                            const typed = !update.transactions.some((t) => t.annotation(fromDisk));
                            if (typed) {
                                update.view.setTabFocusMode(false);
                            }
                            changed(this.text, typed);
                        }
                        if (update.docChanged || update.selectionSet) {
                            moved(this.here());
                        }
                    }),
                ],
            }),
        });
    }

    get text() {
        return this.view.state.doc.toString();
    }

    /** Takes over what the disk has: only what differs changes, so that the cursor stays. */
    take(text) {
        const old = this.text;
        if (text === old) {
            return;
        }
        let from = 0;
        const most = Math.min(old.length, text.length);
        while (from < most && old[from] === text[from]) {
            from++;
        }
        let back = 0;
        while (back < most - from && old[old.length - 1 - back] === text[text.length - 1 - back]) {
            back++;
        }
        const changes = { from, to: old.length - back, insert: text.slice(from, text.length - back) };
        this.view.dispatch({ changes, annotations: [fromDisk.of(true), Transaction.addToHistory.of(true)] });
    }

    /** Makes the edits of a fix, as one step to undo. */
    apply(edits) {
        const { doc } = this.view.state;
        const changes = edits.map((edit) => ({ ...range(doc, edit), insert: edit.text }));
        this.view.dispatch({ changes, scrollIntoView: true, userEvent: "input.fix" });
        const [first] = changes;
        this.view.dispatch({ selection: { anchor: Math.min(first.from, this.view.state.doc.length) }, scrollIntoView: true });
    }

    /** Underlines the findings that have words in this file. */
    show(list) {
        this.view.dispatch({ effects: setFindings.of(list) });
    }

    /** Puts the steps, `{ line, text, state }`, beside their lines. */
    showSteps(list) {
        const print = JSON.stringify(list);
        if (print !== this.shownSteps) {
            this.shownSteps = print;
            this.view.dispatch({ effects: setSteps.of(list) });
        }
    }

    /** The findings under the cursor. */
    here() {
        const at = this.view.state.selection.main.head;
        const found = [];
        this.view.state.field(findings).between(at, at, (_from, _to, { spec }) => {
            found.push(spec.finding);
        });
        return found;
    }

    /** Puts the cursor to a place of a report. */
    go(place) {
        const { from, to } = range(this.view.state.doc, place);
        this.view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
        this.view.focus();
    }
}
