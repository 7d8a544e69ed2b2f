// The card's list of checks, come alive: each line has its verdict, and opens to the whole finding.
import { el, fill, prose, visible } from "./dom.js";
import { finding } from "./finding.js";
import { headline, leftOut, STATUS } from "./words.js";

/** The rows of the list, by the checks' keys. What opens and closes them stays the book's. */
export class Verdicts {
    constructor(list) {
        this.rows = new Map();
        for (const item of list.querySelectorAll("[data-mslab-check]")) {
            const summary = item.querySelector("summary");
            const row = {
                details: item.querySelector("details"),
                limit: summary.querySelector(".mslab-limit"),
                points: summary.querySelector(".mslab-points"),
                sign: el("span", { class: "mslab-mark", "aria-hidden": "true" }),
                word: el("span", { class: "mslab-word" }),
                seen: el("span", { class: "mslab-seen" }),
                told: el("div", { class: "mslab-finding-told" }),
                asked: summary.querySelector(".mslab-limit").cloneNode(true),
            };
            summary.prepend(row.sign);
            row.points.before(row.word);
            row.limit.after(row.seen);
            summary.after(el("p", { class: "mslab-must" }, "wanted: ", row.asked));
            // The question that makes one think stands before the answer.
            row.details.querySelector(":scope > .mslab-more").before(row.told);
            row.worth = row.points.textContent;
            row.max = parseInt(row.worth, 10);
            this.rows.set(item.dataset.mslabCheck, row);
        }
        list.classList.add("mslab-verdicts");
    }

    /**
     * Shows a verdict: `check` is a report's, or that of a running check, or `null` before the first. `note` says from when it is.
     * `actions` are those of a finding.
     */
    show(key, check, { waiting = false, note = "", actions = {} } = {}) {
        const row = this.rows.get(key);
        if (!row) {
            return;
        }
        const status = waiting ? "waiting" : check && !leftOut(check) ? check.status : "new";
        const [sign, word] = STATUS[status];
        row.details.dataset.status = status;
        row.details.classList.toggle("mslab-stale", note !== "");
        row.sign.textContent = sign;
        row.word.textContent = note ? `${word}, ${note}` : word;
        const judged = status === "passed" || status === "failed";
        row.limit.hidden = judged;
        fill(row.seen, judged || status === "error" || (status === "skipped" && check) ? prose(visible(headline(check))) : []);
        row.points.textContent = judged ? `${check.points} / ${row.max}` : row.worth;
        // Where nothing has changed, what is open and has the focus stays.
        const print = JSON.stringify([status, check, note, Boolean(actions.apply)]);
        if (row.print !== print) {
            row.print = print;
            fill(row.told, status === "failed" && check.related ? finding(check, actions) : []);
        }
    }

    /** What had the focus in a check's finding is about to go: its line takes it. */
    stay(key) {
        const row = this.rows.get(key);
        if (row?.told.contains(document.activeElement)) {
            row.details.querySelector("summary").focus({ preventScroll: true });
        }
    }

    /** Opens a check's line, and brings it into view. */
    open(key) {
        const row = this.rows.get(key);
        if (row) {
            row.details.open = true;
            row.details.querySelector("summary").focus();
            row.details.scrollIntoView({ block: "nearest" });
        }
    }
}
