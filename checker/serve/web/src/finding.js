// One failed check, told as the terminal tells it, with its places as links into the editor and its fix to be applied.
import * as diff from "./diff.js";
import { el, prose, visible } from "./dom.js";
import { hintLevel, TRIED, where } from "./words.js";

/** Of long evidence this many lines are shown unfolded. */
const LINES = 8;

/** The finding's parts. `go(place)` leads to words of a file; `apply(fix)`, where it is there, changes the files. */
export function finding(check, { go, apply }) {
    const level = hintLevel(check);
    const parts = [];
    if (level >= 2) {
        const places = [...(check.place ? [["at", check.place, ""]] : []), ...check.related.map((r) => ["see", r.place, r.note])];
        parts.push(pairs([
            ...places.map(([label, place, note]) => [label, [link(place, go), note && `: ${visible(note)}`]]),
            ["expected", check.expected],
            ["found", check.actual],
            ["why", check.why],
            ["help", check.help],
        ]));
        parts.push(evidence(check.details));
    }
    if (check.hint?.nudge && level < 3) {
        parts.push(pairs([["hint", check.hint.nudge]]));
    }
    if (check.fix && level >= 3) {
        parts.push(fix(check, apply));
    }
    return parts;
}

function pairs(list) {
    const told = list.filter(([, text]) => text);
    const text = (value) => (typeof value === "string" ? prose(visible(value)) : value.filter(Boolean));
    return told.length > 0 && el("dl", { class: "mslab-told" }, told.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, text(value))]));
}

function link(place, go) {
    const text = visible(where(place));
    return place.file === undefined ? el("code", { class: "nohighlight" }, text)
        : el("button", { type: "button", class: "mslab-place", onclick: () => go(place) }, text);
}

function evidence(details) {
    const lines = details.flatMap((detail) => detail.split("\n"));
    if (lines.length === 0) {
        return null;
    }
    const log = el("pre", { class: "mslab-code mslab-log", tabindex: 0, "aria-label": "Details" },
        el("samp", {}, lines.map((line) => [el("span", { class: "mslab-line" }, visible(line)), "\n"])));
    return lines.length <= LINES ? log : el("details", { class: "mslab-fold" }, el("summary", {}, `Details, ${lines.length} lines`), log);
}

function fix(check, apply) {
    const { title, verified } = check.fix;
    return el("div", { class: "mslab-fix" },
        el("p", {}, el("strong", {}, "Fix: "), ...prose(title), el("span", { class: "mslab-more" }, ` (${TRIED[verified]})`)),
        diff.show(diff.unified(check.fix.diff), `What the fix for ${check.key} changes`),
        apply && el("button", { type: "button", class: "mslab-button mslab-apply", onclick: () => apply(check) }, "Apply",
            el("span", { class: "mslab-unseen" }, ` the fix for ${check.key}`)));
}
