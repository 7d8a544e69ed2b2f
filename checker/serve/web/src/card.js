// A lab card, come alive: the files, the buttons, and what the last look at them gave.
import { api, Gone, Problem } from "./client.js";
import { beside, Build } from "./build.js";
import * as diff from "./diff.js";
import { el, fill, plural, prose } from "./dom.js";
import { Files } from "./files.js";
import { finding } from "./finding.js";
import { Graphs, sizes } from "./picture.js";
import { Run } from "./run.js";
import { voice } from "./say.js";
import { Verdicts } from "./verdicts.js";
import { leftOut, STATUS, STOPPED } from "./words.js";

/** The card of one exercise. */
export class Card {
    constructor(section) {
        this.section = section;
        this.exercise = section.dataset.mslabExercise;
        /** The newest report, with the texts that it judges. */
        this.report = null;
        this.judged = null;
        /** What the text alone shows, with the texts that were looked at. */
        this.examined = null;
        this.looked = null;
        this.run = null;
        /** Why nobody answers: `undefined` before the first answer, `null` while all is well. */
        this.lost = undefined;
        this.build();
    }

    /** Puts the parts into the card. The static starter is what the editor has; the solution waits. */
    build() {
        this.voice = voice();
        this.files = new Files(this.exercise, {
            edited: () => this.edited(),
            kept: () => this.showGone(),
            here: (findings) => this.here(findings),
            say: (text) => this.voice.say(text),
        });
        const button = (text, act, look = "") => el("button", { type: "button", class: `mslab-button ${look}`, onclick: () => this.do(act) }, text);
        const able = (name, act) => () => this.able(name) && act();
        this.buttons = {
            check: button("Check", able("check", () => this.check()), "mslab-primary"),
            stop: button("Stop", able("stop", () => api.stop())),
            hint: button("Hint", able("hint", () => this.hint())),
            reset: button("Reset", able("reset", () => this.reset())),
            solution: button("Solution", () => this.solution()),
        };
        this.gone = el("div", { class: "mslab-gone", hidden: true });
        this.outcome = el("div", { class: "mslab-outcome" });
        this.cursor = el("div", { class: "mslab-here" });
        this.answer = el("div", { class: "mslab-answer-place" });
        this.steps = new Build();
        this.graphs = new Graphs();
        this.bars = el("div", { class: "mslab-image" });
        this.live = this.section.querySelector(".mslab-live");
        fill(this.live, this.gone, this.files.element, this.cursor,
            el("div", { class: "mslab-toolbar", role: "group", "aria-label": `Exercise ${this.exercise.replace("exercise-", "")}` }, Object.values(this.buttons)),
            this.outcome, this.answer, this.steps.element, this.voice.element);
        this.list = this.section.querySelector(".mslab-checks");
        this.verdicts = new Verdicts(this.list);
        this.list.after(el("div", { class: "mslab-pictures" }, this.graphs.element, this.bars));
        this.section.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                event.stopPropagation();
                this.do(() => this.check());
            }
        }, true);
        this.section.classList.add("mslab-is-live");
        this.live.hidden = false;
    }

    /** Fetches all that the card shows. */
    async load() {
        const exercise = await api.exercise(this.exercise);
        this.known = exercise;
        this.run = null;
        this.files.load(exercise.files, exercise.folder);
        const { report } = exercise;
        const current = report && !exercise.changed_since_report && !this.files.unsaved;
        this.take(report, exercise.images, current ? this.files.texts() : null);
        this.examine();
    }

    /** A report is the newest; `texts` are those that it judges, `null` where they are not known any more. */
    take(shown, images, texts) {
        this.report = shown?.report ?? null;
        this.judged = texts;
        fill(this.bars, this.report ? sizes(this.report, images ?? {}, this.known.goals) : []);
        this.refresh();
    }

    /** Whether the texts are those that the report judges. */
    get current() {
        return this.report !== null && this.judged !== null && same(this.judged, this.files.texts());
    }

    edited() {
        this.examine();
        this.refresh();
    }

    // ---- What the text shows ----

    /** Asks what the texts show; one question at a time, and the last text always gets its answer. */
    async examine() {
        if (this.asking) {
            this.askAgain = true;
            return;
        }
        this.asking = true;
        try {
            do {
                this.askAgain = false;
                const texts = this.files.texts();
                const examined = await api.examine(this.exercise, texts);
                if (same(texts, this.files.texts())) {
                    [this.examined, this.looked] = [examined.report, texts];
                    this.graphs.show(examined.graphs);
                    this.refresh();
                } else {
                    this.askAgain = true;
                }
            } while (this.askAgain);
        } catch (error) {
            // That nobody answers is told by those who follow the events.
            if (!(error instanceof Gone)) {
                this.tell(error);
            }
        } finally {
            this.asking = false;
        }
    }

    // ---- What there is to see ----

    /** Shows every check's verdict, and the findings' words. */
    refresh() {
        const { current } = this;
        const running = this.run?.running ?? false;
        const fresh = this.looked !== null && same(this.looked, this.files.texts());
        // For those who style the card, or test it: whether what is shown is of the texts as they are, and the newest check.
        Object.assign(this.section.dataset, { mslabFresh: fresh, mslabRun: this.run?.number ?? 0 });
        const byKey = (report) => new Map((report?.checks ?? []).map((check) => [check.key, check]));
        const [reported, seen] = [byKey(this.report), byKey(this.examined)];
        const go = (place) => this.files.go(place);
        const apply = (check) => this.apply(check);
        const underlined = [];
        for (const key of this.verdicts.rows.keys()) {
            const [whole, text, news] = [reported.get(key), seen.get(key), this.run?.verdicts.get(key)];
            if (running) {
                this.verdicts.show(key, news ?? null, { waiting: !news });
            } else if (whole && current) {
                this.verdicts.show(key, whole, { actions: { go, apply } });
                underlined.push(whole);
            } else if (text && !leftOut(text) && text.status !== "skipped") {
                this.verdicts.show(key, text, { actions: { go, apply: fresh && apply } });
                underlined.push(text);
            } else {
                this.verdicts.show(key, whole ?? null, { note: whole && whole.status !== "skipped" ? "before your edits" : "", actions: { go } });
            }
            if (running && text && fresh) {
                underlined.push(text);
            }
        }
        if (fresh || current) {
            const failed = underlined.filter((check) => check.status === "failed" && check.place?.file !== undefined);
            this.files.show(failed.map((check) => ({ ...check, check })));
        }
        this.showRun();
        this.showButtons();
    }

    /** What came of it, in one line; while it runs, how far it is. */
    showRun() {
        const { run, report } = this;
        this.steps.show(run);
        for (const name of this.files.documents.keys()) {
            this.files.editor(name)?.showSteps(run && (run.running || this.current) ? beside(run.beside(name)) : []);
        }
        if (run?.running) {
            const [done, all] = run.progress;
            fill(this.outcome, el("p", { class: "mslab-running" }, el("span", { class: "mslab-spin", "aria-hidden": "true" }), el("strong", {}, "Checking"), ` ${run.doing || ""}`,
                run.doing.startsWith("building") && all > 0 ? ` · ${done} of ${plural(all, "step")}` : ""));
        } else if (run?.end === "failed") {
            fill(this.outcome, el("div", { class: "mslab-fault" }, el("p", {}, el("strong", {}, "! Not judged: "), ...prose(run.error.message), "."),
                run.error.help ? el("p", {}, ...prose(run.error.help)) : null));
        } else if (run?.end === "stopped") {
            fill(this.outcome, el("p", { class: "mslab-note" }, STOPPED[run.why] ?? "Stopped."));
        } else if (report) {
            fill(this.outcome, this.verdict(report));
        } else {
            fill(this.outcome, el("p", { class: "mslab-note" }, "Not checked yet. What the file alone shows is below; Check builds it and looks at the image."));
        }
    }

    verdict(report) {
        const [sign, word] = { passed: STATUS.passed, failed: STATUS.failed, error: ["!", "not graded"] }[report.outcome];
        const count = (status) => report.checks.filter((check) => check.status === status).length;
        const tally = ["passed", "failed", "skipped"].map((s) => [count(s), s]).filter(([n]) => n > 0).map(([n, s]) => `${n} ${s}`).join(", ");
        const points = report.outcome === "error" ? "" : ` ${report.score} / ${report.max_score} points`;
        const { engine } = report;
        return el("div", { class: `mslab-verdict mslab-is-${report.outcome}` },
            el("p", {}, el("strong", {}, `${sign} ${word}`), `${points} · ${tally}`, this.current ? "" : el("span", { class: "mslab-more" }, " · before your edits")),
            engine ? el("p", { class: "mslab-more" }, `${engine.name} ${engine.version}, ${engine.platform}`,
                report.stand_ins.length > 0 ? ". Built on stand-ins: sizes differ from those on the real images." : "") : null);
    }

    able(name) {
        return this.buttons[name].ariaDisabled !== "true";
    }

    showButtons() {
        const running = this.run?.running ?? false;
        const set = (name, on, title = "") => {
            // A button that has the focus keeps it: what it cannot do now it says, instead of going away.
            this.buttons[name].setAttribute("aria-disabled", String(!on));
            this.buttons[name].title = title;
        };
        this.buttons.check.textContent = running ? "Check again" : "Check";
        set("check", this.connected);
        set("stop", this.connected && running);
        set("hint", this.connected && !running);
        set("reset", this.connected);
        set("solution", this.connected && Boolean(this.known?.solution_open), this.known?.solution_open ? "" : "It opens when the exercise has passed");
    }

    /** What is said about the words under the cursor. */
    here(findings) {
        fill(this.cursor, findings.map(({ check }) => el("p", {},
            el("span", { class: "mslab-sign", "aria-hidden": "true" }, "✗ "), el("strong", {}, check.key), " ", ...prose(check.message), " ",
            el("button", { type: "button", class: "mslab-small", onclick: () => this.verdicts.open(check.key) }, "Show", el("span", { class: "mslab-unseen" }, ` ${check.key}`)))));
    }

    // ---- What can be done ----

    /** Does something that a button asks for, and tells what keeps it from being done. */
    async do(act) {
        try {
            await act();
        } catch (error) {
            this.tell(error);
        }
    }

    tell(error) {
        const [message, help] = error instanceof Problem ? [error.message, error.help]
            : error instanceof Gone ? ["mslab serve does not answer", ""] : [error.message, ""];
        fill(this.answer, el("div", { class: "mslab-fault", role: "alert" }, el("p", {}, el("strong", {}, "! "), ...prose(message), "."), help ? el("p", {}, ...prose(help)) : null));
        if (!(error instanceof Problem) && !(error instanceof Gone)) {
            console.error(error);
        }
    }

    async check() {
        if (!this.connected) {
            return;
        }
        this.answer.replaceChildren();
        await this.files.save();
        await api.check(this.exercise);
    }

    /** Makes a fix's edits, if they are for the texts that are here. */
    apply(check) {
        this.verdicts.stay(check.key);
        this.files.apply(check.fix.edits);
        this.voice.say(`Applied the fix for ${check.key}.`);
    }

    async hint() {
        await this.files.save();
        const { check, last } = await api.hint(this.exercise);
        const parts = finding(check, { go: (place) => this.files.go(place), apply: this.current && ((c) => this.apply(c)) });
        fill(this.answer, el("section", { class: "mslab-hint", "aria-label": "Hint", tabindex: -1 },
            el("p", {}, el("strong", {}, `Hint for ${check.key}: `), ...prose(check.title)), parts,
            el("p", { class: "mslab-more" }, last ? "That is all there is to say." : "Hint again shows more.")));
        this.answer.firstChild.focus();
        // Where hints open a report step by step, its line opens with them.
        if (this.report && this.known.hints === "progressive") {
            this.report.checks = this.report.checks.map((c) => (c.key === check.key ? check : c));
            this.refresh();
        }
    }

    reset() {
        const number = this.exercise.replace("exercise-", "");
        const answer = (text, value, more = {}) => el("button", { type: "button", class: "mslab-button", value, onclick: () => dialog.close(value), ...more }, text);
        const dialog = el("dialog", { class: "mslab-dialog", "aria-labelledby": `${this.exercise}-reset` },
            el("h2", { id: `${this.exercise}-reset` }, `Reset exercise ${number}?`),
            el("p", {}, "Its files become what they were at the beginning. Yours are kept as a backup in the workspace."),
            el("p", { class: "mslab-buttons" }, answer("Keep my work", "no", { autofocus: true }), answer("Reset", "yes")));
        dialog.addEventListener("close", () => {
            dialog.remove();
            this.buttons.reset.focus();
            if (dialog.returnValue === "yes") {
                this.do(() => this.resetNow());
            }
        });
        this.section.append(dialog);
        dialog.showModal();
    }

    async resetNow() {
        // The backup is of what is on the disk.
        await this.files.save();
        const { backup } = await api.reset(this.exercise);
        await this.load();
        const text = backup ? ["The files are as they began. Your work is kept in ", el("code", { class: "nohighlight" }, backup), "."] : ["The files are as they began."];
        fill(this.answer, el("p", { class: "mslab-note", role: "status" }, text));
    }

    async solution() {
        if (!this.able("solution")) {
            fill(this.answer, el("p", { class: "mslab-note", role: "status" }, "Our solution opens when the exercise has passed. Before that, ",
                el("code", { class: "nohighlight" }, `mslab solution ${this.exercise} --spoil`), " shows it all the same."));
            return;
        }
        const solution = await api.solution(this.exercise);
        fill(this.answer, el("section", { class: "mslab-solution-shown", "aria-label": "Our solution", tabindex: -1 },
            solution.diff ? [el("p", {}, el("strong", {}, "From yours to ours."), " Yours may be as good: it passed the same checks."),
                diff.show(diff.unified(solution.diff), "From your files to our solution")] : el("p", {}, el("strong", {}, "Yours is ours."), " There is no difference.")));
        this.section.classList.add("mslab-solution-open");
        this.answer.firstChild.focus();
    }

    // ---- What the server tells ----

    hear(event) {
        switch (event.event) {
            case "run-started":
                this.run = new Run(event.run);
                this.runTexts = null;
                this.answer.replaceChildren();
                this.voice.say(`Checking ${this.exercise.replace("-", " ")}.`);
                this.refresh();
                break;
            case "run":
                this.news(event);
                break;
            case "run-ended":
                this.ended(event);
                break;
            case "file":
                this.do(() => this.files.disk(event.name, event.revision));
                break;
            case "exercise":
                this.do(() => this.load());
                break;
        }
    }

    news(event) {
        this.run.take(event);
        if (event.news === "verdict") {
            this.voice.say(`${event.key}: ${STATUS[event.status][1]}.`);
            this.refresh();
        } else {
            this.soon();
        }
    }

    /** Logs come fast; the page is drawn once for many lines. */
    soon() {
        this.drawing ??= requestAnimationFrame(() => {
            this.drawing = null;
            this.showRun();
        });
    }

    ended(event) {
        this.run.take(event);
        if (event.end === "report") {
            const { report } = event;
            this.take(event, event.images, this.files.unsaved ? null : this.files.texts());
            const [, word] = { passed: STATUS.passed, failed: STATUS.failed, error: ["", "not graded"] }[report.outcome];
            this.voice.say(`${this.exercise.replace("-", " ")} ${word}, ${report.score} of ${report.max_score} points.`);
        } else {
            this.voice.say(event.end === "failed" ? `Not judged: ${event.error.message}.` : (STOPPED[event.why] ?? "Stopped."));
            this.refresh();
        }
    }

    /** The course has news: that the exercise has passed opens the solution. */
    progress(summary) {
        if (this.known && summary) {
            this.known.solution_open ||= summary.ever_passed;
            this.showButtons();
        }
    }

    /** Nobody answers, or nobody who knows this page; `null` when all is well again. */
    connection(error) {
        this.lost = error;
        if (this.connected) {
            this.do(() => this.files.catchUp());
        }
        this.showGone();
        this.showButtons();
    }

    get connected() {
        return this.lost === null;
    }

    showGone() {
        this.gone.hidden = this.connected || this.lost === undefined;
        if (this.gone.hidden) {
            return;
        }
        const anew = this.lost instanceof Problem && this.lost.code === "no-token";
        const code = (text) => el("code", { class: "nohighlight" }, text);
        fill(this.gone,
            el("p", {}, el("strong", {}, anew ? "! mslab serve does not know this page. " : "! mslab serve is gone. "),
                anew ? "Open the address that it printed when it was started." : this.files.unsaved ? "What you typed last is not saved: it is on this page only." : "Your files are saved."),
            el("p", {}, "In a terminal, ", code(`mslab check ${this.exercise}`), " checks the same files", anew ? "." : ["; ", code("mslab serve"), " starts the page's server again. Open the address that it prints, and this page goes on, too."]));
    }
}

/** Whether two sets of texts are the same. */
function same(a, b) {
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
