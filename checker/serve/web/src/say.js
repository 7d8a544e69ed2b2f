// Says things to those who do not see the page: one after the other, what comes close together in one breath.
import { el } from "./dom.js";

const BREATH = 250;

/** A live region, invisible, with `say(text)`. */
export function voice() {
    const element = el("div", { class: "mslab-unseen", role: "status", "aria-live": "polite" });
    let waiting = [];
    return {
        element,
        say(text) {
            if (waiting.length === 0) {
                setTimeout(() => {
                    element.textContent = waiting.join(" ");
                    waiting = [];
                }, BREATH);
            }
            waiting.push(text);
        },
    };
}
