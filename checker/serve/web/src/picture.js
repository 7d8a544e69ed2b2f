// Pictures of the learner's own work: the stages of the file, and the size of the image.
import { el, fill, fresh } from "./dom.js";
import { bytes } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const styled = new Set();

/** The stage graphs, `{ file, svg }`; each is drawn anew only when it is another one. */
export class Graphs {
    constructor() {
        this.element = el("div", { class: "mslab-graphs" });
        this.drawn = "";
    }

    show(graphs) {
        const print = JSON.stringify(graphs);
        if (print !== this.drawn) {
            this.drawn = print;
            fill(this.element, graphs.map(({ file, svg }) => {
                const picture = drawing(svg);
                return picture && el("figure", { class: "mslab-picture" },
                    el("div", { class: "mslab-scroll", tabindex: 0, role: "group", "aria-label": `Stages of your ${file}, a picture` }, picture),
                    el("figcaption", {}, "the stages of your ", el("span", { class: "mslab-name" }, file)));
            }));
        }
    }
}

/** A drawing of the server's as an element: with ids of its own, its rules as a constructed sheet, and nothing that acts. */
function drawing(svg) {
    const own = /aria-labelledby="(\S+)-title/.exec(svg)?.[1];
    const named = own ? svg.replaceAll(own, fresh("graph")) : svg;
    // Taken out before it is parsed: the page's policy is asked about a <style> even where none is shown.
    const bare = named.replace(/<style>([^<]*)<\/style>/g, (_, rules) => {
        style(rules);
        return "";
    });
    const root = new DOMParser().parseFromString(bare, "image/svg+xml").documentElement;
    if (root.namespaceURI !== SVG || root.localName !== "svg") {
        return null;
    }
    root.querySelectorAll("script, foreignObject, a, image").forEach((other) => other.remove());
    // No narrower than what can be read, as in the book.
    root.style.minWidth = `min(36rem, ${Number(root.getAttribute("width")) || 0}px)`;
    return document.importNode(root, true);
}

function style(rules) {
    if (!styled.has(rules)) {
        styled.add(rules);
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(rules);
        document.adoptedStyleSheets.push(sheet);
    }
}

/** A bar as long as `part` of the whole. */
export function bar(part, kind = "") {
    const own = el("span", { class: "mslab-bar" });
    own.style.width = `${(Math.max(0, Math.min(1, part)) * 100).toFixed(1)}%`;
    return el("span", { class: `mslab-track ${kind}`, "aria-hidden": "true" }, own);
}

const row = (name, size, most, kind, note = "") => el("li", { class: "mslab-bar-row" },
    el("span", { class: "mslab-bar-name" }, name), bar(size / most, kind), el("span", { class: "mslab-bar-size" }, bytes(size), note));

/** The sizes of the images that a report tells of, beside what they should come to; and what costs most in each. */
export function sizes(report, images, goals) {
    return report.builds.filter((build) => build.size).map((build) => {
        const goal = goals.find((g) => g.build === build.key) ?? {};
        const own = build.size.unpacked_bytes;
        const most = Math.max(own, goal.limit_bytes ?? 0, goal.example_bytes ?? 0, 1);
        const over = goal.limit_bytes !== null && goal.limit_bytes !== undefined && own > goal.limit_bytes;
        const comparable = goal.example_bytes && report.stand_ins.length > 0;
        const inspection = images[build.key];
        return el("figure", { class: "mslab-sizes" },
            el("figcaption", {}, "the size of your image, ", el("span", { class: "mslab-name" }, build.target ?? build.key),
                build.platform ? ` (${build.platform})` : "", ", unpacked"),
            el("ul", { class: "mslab-bars" },
                row("yours", own, most, over ? "mslab-over" : "mslab-within", over ? " ✗" : goal.limit_bytes ? " ✓" : ""),
                goal.limit_bytes ? row("at most", goal.limit_bytes, most, "mslab-limit-bar") : null,
                comparable ? row("a good answer", goal.example_bytes, most, "mslab-goal") : null),
            inspection && inspection.instructions.length > 0 ? costs(inspection) : null);
    });
}

function costs(inspection) {
    const list = inspection.instructions.filter((i) => i.unpacked_bytes > 0).slice(0, 5);
    return el("details", { class: "mslab-numbers" }, el("summary", {}, "Where the bytes are"),
        el("ul", { class: "mslab-bars mslab-costs" }, list.map((item) => row(
            [el("code", { class: "nohighlight" }, short(item.source.text)), item.source.line ? ` line ${item.source.line}` : item.source.base ? " the base" : ""],
            item.unpacked_bytes, Math.max(inspection.unpacked_bytes, 1), "mslab-cost"))));
}

const short = (text) => (text.length > 48 ? `${text.slice(0, 47)}…` : text);
