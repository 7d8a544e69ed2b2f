// How far the learner is in the whole course: a bar and points above the sidebar's chapters, and a tick beside each.
import { el, fill } from "./dom.js";
import { bar } from "./picture.js";
import { STATUS } from "./words.js";

/** Shows these exercises in the sidebar, which mdBook fills by itself. */
export class Course {
    constructor() {
        this.element = el("section", { class: "mslab-course", "aria-label": "Your progress" });
        this.sidebar = document.querySelector(".sidebar-scrollbox, mdbook-sidebar-scrollbox");
        this.sidebar?.prepend(this.element);
    }

    show(exercises) {
        const sum = (of) => exercises.reduce((all, exercise) => all + of(exercise), 0);
        const passed = exercises.filter((e) => e.progress === "passed").length;
        const [points, max] = [sum((e) => e.points), sum((e) => e.max_points)];
        const next = exercises.find((e) => e.progress !== "passed");
        fill(this.element,
            el("p", { class: "mslab-course-sum" }, el("strong", {}, `${passed} of ${exercises.length}`), ` passed · ${points} of ${max} points`),
            bar(max ? points / max : 0, "mslab-course-bar"),
            next?.page ? el("p", {}, "Next: ", el("a", { href: link(next) }, `exercise ${next.exercise.replace("exercise-", "")}`)) : null);
        this.ticks(exercises);
    }

    /** Says where all can see it that nobody answers; `null` when all is well again. */
    connection(error) {
        this.element.classList.toggle("mslab-course-gone", error !== null);
    }

    /** A chapter may have several exercises; it has passed when all of them have. */
    ticks(exercises) {
        const pages = Map.groupBy(exercises.filter((e) => e.page), (e) => e.page);
        for (const [page, own] of pages) {
            const wanted = new URL(page, location.origin).pathname;
            const anchor = [...(this.sidebar?.querySelectorAll("a[href]") ?? [])].find((a) => !a.hash && new URL(a.href).pathname === wanted);
            if (!anchor) {
                continue;
            }
            const status = own.every((e) => e.progress === "passed") ? "passed" : own.some((e) => e.progress !== "new") ? "failed" : "new";
            const [sign, word] = status === "failed" ? ["◐", "begun"] : status === "new" ? ["○", "not begun"] : STATUS.passed;
            const tick = anchor.querySelector(".mslab-tick") ?? anchor.appendChild(el("span", {}));
            tick.className = `mslab-tick mslab-tick-${status}`;
            fill(tick, el("span", { "aria-hidden": "true" }, ` ${sign}`), el("span", { class: "mslab-unseen" }, `, exercise ${word}`));
        }
    }
}

/** The address of an exercise's card: the book lies at the server's root. */
export const link = (exercise) => `/${exercise.page}#${exercise.exercise}`;
