// Asks the server. What it does not want, and that it is gone, are errors with words for people.

const KEY = "mslab.token";

/** What the server answers when it does not do something: `code`, `message`, `help`, and with a conflict `file`. */
export class Problem extends Error {
    constructor(status, { code = "failed", message, help = "" }, file) {
        super(message);
        Object.assign(this, { status, code, help, file });
    }
}

/** Nobody answers. */
export class Gone extends Error {}

/** The token from the address, which then no longer shows it; else the one that another page of the book has kept. */
export function takeToken() {
    const found = /(?:^#|&)token=([^&]+)/.exec(location.hash);
    if (found) {
        localStorage.setItem(KEY, decodeURIComponent(found[1]));
        const rest = location.hash.replace(found[0], "").replace(/^#?&?/, "#");
        history.replaceState(history.state, "", location.pathname + location.search + (rest === "#" ? "" : rest));
    }
}

/** Calls back when another page was given a newer token. */
export function whenToken(changed) {
    addEventListener("storage", (event) => {
        if (event.key === KEY && event.newValue) {
            changed();
        }
    });
}

async function ask(method, path, body, signal) {
    const headers = { Authorization: `Bearer ${localStorage.getItem(KEY) ?? ""}` };
    if (method !== "GET") {
        headers["X-Mslab"] = "1";
    }
    if (body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    let answer;
    try {
        answer = await fetch(`/api/${path}`, { method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
        throw error.name === "AbortError" ? error : new Gone(error.message);
    }
    if (answer.ok) {
        return answer;
    }
    const said = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, said.error ?? { message: `the server answers ${answer.status}` }, said.file);
}

async function json(method, path, body) {
    const answer = await ask(method, path, body);
    try {
        return await answer.json();
    } catch (error) {
        // It went in the middle of its answer.
        throw new Gone(error.message);
    }
}

const file = (exercise, name) => `exercises/${exercise}/files/${name.split("/").map(encodeURIComponent).join("/")}`;

/** The requests of `API.md`, each with the body that it answers with. */
export const api = {
    state: () => json("GET", "state"),
    exercise: (exercise) => json("GET", `exercises/${exercise}`),
    file: (exercise, name) => json("GET", file(exercise, name)),
    save: (exercise, name, text, base) => json("PUT", file(exercise, name), { text, base_revision: base }),
    examine: (exercise, files) => json("POST", `exercises/${exercise}/examine`, { files }),
    check: (exercise) => json("POST", `exercises/${exercise}/check`),
    stop: () => json("POST", "stop"),
    hint: (exercise, key) => json("POST", `exercises/${exercise}/hint`, key ? { key } : {}),
    reset: (exercise) => json("POST", `exercises/${exercise}/reset`),
    solution: (exercise) => json("GET", `exercises/${exercise}/solution`),
    events: (after, instance, signal) => ask("GET", `events?after=${after}&instance=${encodeURIComponent(instance)}`, undefined, signal),
};
