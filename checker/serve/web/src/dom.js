// Elements without HTML text: nothing from a file, a log or a report is ever parsed as markup.

/** An element with attributes, listeners (`onclick`) and children: elements, or texts. Empty ones are left out. */
export function el(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) {
            made.addEventListener(key.slice(2), value);
        } else if (value === true) {
            made.setAttribute(key, "");
        } else if (value !== false && value !== null && value !== undefined) {
            made.setAttribute(key, value);
        }
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

/** A text in which words between backticks are code. */
export function prose(text) {
    const parts = text.split("`");
    if (parts.length % 2 === 0) {
        return [text];
    }
    return parts.map((part, n) => (n % 2 === 1 ? el("code", { class: "nohighlight" }, part) : part)).filter((p) => p !== "");
}

/** What cannot be seen is shown: a log or a file's name must not turn or hide what stands around it. */
export function visible(text) {
    return text
        .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
        .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "�");
}

/** Puts children in place of what is there. */
export function fill(parent, ...children) {
    parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

let used = 0;
/** An id that nothing else on the page has. */
export const fresh = (word) => `mslab-${word}-${++used}`;

/** `1 step`, `2 steps` */
export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
