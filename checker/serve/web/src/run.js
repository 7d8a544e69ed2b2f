// A check while it runs: events go in, and what there is to see comes out. Knows no page.

/** Characters of a step's log that are kept; of more, the end. */
const LOG = 100_000;

/** How telling a step is where several belong to one line. */
const WEIGHT = { cached: 0, stopped: 1, done: 2, running: 3, failed: 4 };

/** A step at its beginning; one that a cancelled build took part in may begin again. */
const BEGUN = { log: "", state: "running", duration: null, error: null };

/** A check that runs, or has run. */
export class Run {
    constructor(number) {
        this.number = number;
        /** Each with `what` it is for, its Dockerfile's name, how many steps are planned, and its `steps` by number. */
        this.builds = [];
        /** By the checks' keys. */
        this.verdicts = new Map();
        /** What is being done now. */
        this.doing = "";
        /** `null` while it runs; then `report`, `stopped` or `failed`. */
        this.end = null;
        /** Why it was stopped. */
        this.why = null;
        /** What failed, where it was not the work. */
        this.error = null;
        /** Whether the log was too long to be passed on whole. */
        this.cut = false;
    }

    /** Takes an event of this run. */
    take(event) {
        if (event.event === "run-ended") {
            const { end, why = null, error = null } = event;
            Object.assign(this, { end, why, error });
            this.close();
        } else if (Object.hasOwn(NEWS, event.news)) {
            NEWS[event.news](this, event);
        }
    }

    get running() {
        return this.end === null;
    }

    get build() {
        return this.builds.at(-1);
    }

    /** How far the build is: `[done, all]`. */
    get progress() {
        const steps = [...(this.build?.steps.values() ?? [])].filter((step) => !step.internal);
        const done = steps.filter((step) => step.state !== "running").length;
        return [done, Math.max(this.build?.planned ?? 0, steps.length)];
    }

    /** By line, the step that tells most, of the builds of the Dockerfile `name`. */
    beside(name) {
        const lines = new Map();
        const steps = this.builds.filter((build) => build.file === name).flatMap((build) => [...build.steps.values()]);
        for (const step of steps.filter((s) => !s.internal && s.lines)) {
            const known = lines.get(step.lines.first);
            const more = known && (WEIGHT[step.state] - WEIGHT[known.state] || (step.duration ?? 0) - (known.duration ?? 0));
            if (!known || more > 0) {
                lines.set(step.lines.first, step);
            }
        }
        return lines;
    }

    /** A step of the build that goes on, known from here on. */
    step({ step, name, lines, internal }) {
        const { steps } = this.build;
        if (!steps.has(step)) {
            steps.set(step, { number: step, ...BEGUN });
        }
        return Object.assign(steps.get(step), { name, lines, internal });
    }

    /** Steps that never ended were cut off. */
    close() {
        for (const step of this.build?.steps.values() ?? []) {
            if (step.state === "running") {
                step.state = "stopped";
            }
        }
    }
}

const NEWS = {
    building(run, { what, file = null }) {
        run.close();
        run.builds.push({ what, file, planned: 0, steps: new Map() });
        run.doing = `building ${what}`;
    },
    planned(run, { steps }) {
        run.build.planned = steps;
    },
    "step-started"(run, event) {
        Object.assign(run.step(event), BEGUN);
    },
    "step-done"(run, event) {
        const { cached, duration_ms: duration, error } = event;
        Object.assign(run.step(event), { state: error ? "failed" : cached ? "cached" : "done", duration, error });
    },
    log(run, { step, text }) {
        const known = run.build.steps.get(step);
        if (known) {
            known.log += text;
            if (known.log.length > 2 * LOG) {
                known.log = `…\n${known.log.slice(-LOG)}`;
            }
        }
    },
    "log-cut"(run) {
        run.cut = true;
    },
    doing(run, { what }) {
        run.doing = what;
    },
    verdict(run, verdict) {
        run.verdicts.set(verdict.key, verdict);
    },
};
