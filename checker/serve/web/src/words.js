// The words that the terminal uses, too: `checker/core/src/report/words.rs` and `units.rs`.

/** A verdict's sign and word. */
export const STATUS = {
    passed: ["✓", "passed"],
    failed: ["✗", "failed"],
    skipped: ["–", "skipped"],
    error: ["!", "could not look"],
    waiting: ["·", "waiting"],
    new: ["·", "not checked"],
};

/** A size as Docker prints it. */
export function bytes(n) {
    if (n < 1_000) {
        return `${n} B`;
    }
    const [scale, unit] = n < 1e6 ? [1e3, "kB"] : n < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
    const value = n / scale;
    return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/** A time. */
export function millis(n) {
    if (n < 1_000) {
        return `${n} ms`;
    }
    return n < 60_000 ? `${(n / 1e3).toFixed(1)} s` : `${Math.floor(n / 60_000)} min ${Math.floor((n % 60_000) / 1e3)} s`;
}

/** How the reason begins where a check was left out because only the text was looked at: `judge::ON_PURPOSE`. */
const ON_PURPOSE = "not looked at: ";

/** Whether a check was left out on purpose. */
export const leftOut = (check) => check.status === "skipped" && check.message.startsWith(ON_PURPOSE);

/** How far a check's hints are open: 1 the nudge, 2 the place, 3 the diff. */
export const hintLevel = (check) => check.hint?.level ?? 3;

/** A check's line: what was seen, or, while its hints are closed, what it asks. */
export function headline(check) {
    if (check.status === "failed" && (hintLevel(check) < 2 || check.message === "")) {
        return `not yet: ${check.title}`;
    }
    return (leftOut(check) ? check.message.slice(ON_PURPOSE.length) : check.message) || check.title;
}

/** How a fix was tried. */
export const TRIED = {
    text: "tried on a copy: it parses, and the check holds; not built",
    build: "tried on a copy: built and checked",
};

/** A place in a few words. */
export function where(place) {
    if (place.file !== undefined) {
        return `${place.file}:${place.line}:${place.column}`;
    }
    const layer = place.layer === null ? "" : `layer ${place.layer + 1} of `;
    return place.path === null ? `${layer}the image` : `${place.path} in ${layer}the image`;
}

/** Why a check was stopped. */
export const STOPPED = {
    asked: "Stopped.",
    "newer-check": "Stopped: a newer check took its place.",
    edited: "Stopped: the files were changed.",
    "server-ends": "Stopped: the server ends.",
};
