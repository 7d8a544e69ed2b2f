// The build as a list: each step with its line, its time and, folded, its log. What stands beside the lines is made from it, too.
import { el, fill, plural, visible } from "./dom.js";
import { millis } from "./words.js";

const STATES = { running: "running", cached: "CACHED", failed: "FAILED", stopped: "stopped" };
const SIGNS = { running: "▸", cached: "✓", done: "✓", failed: "✗", stopped: "–" };

/** `CACHED`, `1.2 s`, `running` */
export const time = (step) => STATES[step.state] ?? millis(step.duration ?? 0);

/** The steps of `Run.beside` for the editor. */
export const beside = (lines) => [...lines].map(([line, step]) => ({ line, state: step.state, text: time(step) }));

/** The list of a run's steps. */
export class Build {
    constructor() {
        this.summary = el("summary", {}, "The build");
        this.list = el("div", { class: "mslab-builds" });
        this.element = el("details", { class: "mslab-fold mslab-build", hidden: true }, this.summary, this.list);
        this.run = null;
        this.parts = new Map();
    }

    /** Shows a run as it is now; called often, it changes only what is new. */
    show(run) {
        if (this.run !== run) {
            this.run = run;
            this.parts.clear();
            this.list.replaceChildren();
        }
        this.element.hidden = !run || run.builds.length === 0;
        if (this.element.hidden) {
            return;
        }
        const steps = run.builds.flatMap((build) => [...build.steps.values()].filter(shown));
        const cached = steps.filter((step) => step.state === "cached").length;
        this.summary.textContent = `The build: ${plural(steps.length, "step")}${cached ? `, ${cached} from the cache` : ""}${run.cut ? "; its log is cut" : ""}`;
        for (const build of run.builds) {
            const list = this.part(build, () => {
                const made = el("ol", { class: "mslab-step-list" });
                this.list.append(el("p", { class: "mslab-build-name" }, build.what), made);
                return { list: made };
            }).list;
            for (const step of [...build.steps.values()].filter(shown)) {
                this.step(list, step);
            }
        }
    }

    part(key, make) {
        if (!this.parts.has(key)) {
            this.parts.set(key, make());
        }
        return this.parts.get(key);
    }

    step(list, step) {
        const part = this.part(step, () => {
            const head = el("span", { class: "mslab-step-head" });
            const item = el("li", {}, head);
            list.append(item);
            return { item, head, log: null, written: "" };
        });
        const print = `${step.state} ${step.duration}`;
        if (part.print !== print) {
            part.print = print;
            part.item.className = `mslab-step-${step.state}`;
            fill(part.head,
                el("span", { class: "mslab-mark", "aria-hidden": "true" }, SIGNS[step.state]),
                el("span", { class: "mslab-step-line" }, step.lines ? `line ${step.lines.first}` : ""),
                el("code", { class: "nohighlight" }, visible(step.name)),
                el("span", { class: "mslab-step-time" }, time(step)));
            if (step.error) {
                part.item.append(el("p", { class: "mslab-step-error" }, visible(step.error)));
            }
        }
        this.log(part, step);
    }

    /** The log grows at its end, so that what a reader has marked stays marked. */
    log(part, step) {
        if (step.log === part.written) {
            return;
        }
        if (!part.log) {
            part.log = el("samp", {});
            const whole = el("pre", { class: "mslab-code mslab-log", tabindex: 0, "aria-label": `Log of ${step.name}` }, part.log);
            part.item.append(el("details", { class: "mslab-log-fold" }, el("summary", {}, "log"), whole));
        }
        if (step.log.startsWith(part.written)) {
            part.log.append(visible(step.log.slice(part.written.length)));
        } else {
            part.log.textContent = visible(step.log);
        }
        part.written = step.log;
    }
}

const shown = (step) => !step.internal || step.state === "failed";
