// Differences of texts as lines, in the look that the book gives to diffs.
import { el, visible } from "./dom.js";

const SIGNS = { add: "+", del: "-", same: " " };

/** What a unified diff says, line by line: `{ kind, text }`. Files are named where it is not of one Dockerfile alone. */
export function unified(diff) {
    const source = diff.replace(/\n$/, "").split("\n");
    const heads = (n) => source[n].startsWith("--- ") && source[n + 1]?.startsWith("+++ ");
    const names = source.filter((_, n) => heads(n)).map((_, n) => n);
    const lines = [];
    let first = true;
    for (let n = 0; n < source.length; n++) {
        const line = source[n];
        const gap = /^@@ -\S+ \+(\d+)/.exec(line);
        if (heads(n)) {
            const name = source[++n].slice(4);
            if (names.length > 1 || name !== "Dockerfile") {
                lines.push({ kind: "file", text: name });
            }
            first = true;
        } else if (gap) {
            if (!first || gap[1] !== "1") {
                lines.push({ kind: "gap", text: `⋮ line ${gap[1]}` });
            }
            first = false;
        } else if (!line.startsWith("\\")) {
            lines.push({ kind: { "+": "add", "-": "del" }[line[0]] ?? "same", text: line.slice(1) });
        }
    }
    return lines;
}

/** Lines times lines that are compared; beyond, all goes and all comes. */
const MOST = 4_000_000;

/** What leads from one text to another, line by line, whole. */
export function between(from, to) {
    const [a, b] = [from.split("\n"), to.split("\n")];
    if (a.length * b.length > MOST) {
        return [...a.map((text) => ({ kind: "del", text })), ...b.map((text) => ({ kind: "add", text }))];
    }
    const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) {
        for (let j = b.length - 1; j >= 0; j--) {
            lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
        }
    }
    const lines = [];
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) {
            lines.push({ kind: "same", text: a[i] });
            [i, j] = [i + 1, j + 1];
        } else if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
            lines.push({ kind: "del", text: a[i++] });
        } else {
            lines.push({ kind: "add", text: b[j++] });
        }
    }
    return lines;
}

/** The lines as the book shows them. */
export function show(lines, label) {
    const code = el("code", { class: "nohighlight" });
    for (const { kind, text } of lines) {
        const sign = SIGNS[kind] === undefined ? null : el("span", { class: "d-sign" }, SIGNS[kind]);
        code.append(el("span", { class: `mslab-line d-${kind}` }, sign, visible(text)), "\n");
    }
    return el("figure", { class: "mslab-file mslab-diff" }, el("pre", { class: "mslab-code", tabindex: 0, "aria-label": label }, code));
}
