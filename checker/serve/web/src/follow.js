// Follows the server's events: comes back where it was, begins anew where it must, and says when nobody answers.
import { api, Gone, Problem } from "./client.js";

/** The server sends a line each ten seconds at least. */
const SILENCE = 25_000;
const PAUSES = [300, 600, 1_200, 2_500, 5_000];

/**
 * Follows until the page is left. `start()` gives `{ instance, after }` from a fresh state and shows that state; `event(e)` is
 * told each event once and in order; `gone(error)` and `back()` tell of the connection.
 */
export function follow({ start, event, gone, back }) {
    let at = null;
    let tries = 0;
    let reader = new AbortController();
    let wake = () => {};

    const sleep = (ms) => new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, ms);
    });
    const visible = () => !document.hidden;

    async function read() {
        reader = new AbortController();
        const { signal } = reader;
        let timer;
        const alive = () => {
            clearTimeout(timer);
            timer = setTimeout(() => reader.abort(), SILENCE);
        };
        alive();
        try {
            const answer = await api.events(at.after, at.instance, signal);
            const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            let rest = "";
            for (;;) {
                const { value, done } = await lines.read();
                if (done) {
                    throw new Gone("the stream has ended");
                }
                alive();
                const parts = (rest + value).split("\n");
                rest = parts.pop();
                for (const part of parts) {
                    if (!take(JSON.parse(part))) {
                        at = null;
                        reader.abort();
                        return;
                    }
                }
            }
        } finally {
            clearTimeout(timer);
        }
    }

    /** Whether to read on; if not, all begins anew. */
    function take(line) {
        if (line.start_over || (line.hello !== undefined && line.hello !== at.instance)) {
            return false;
        }
        if (line.hello !== undefined) {
            tries = 0;
            back();
        }
        if (line.seq !== undefined && line.seq > at.after) {
            at.after = line.seq;
            event(line);
        }
        return true;
    }

    async function run() {
        for (;;) {
            if (!visible()) {
                await sleep(600_000);
                continue;
            }
            try {
                at ??= await start();
                await read();
            } catch (error) {
                if (!visible()) {
                    continue;
                }
                if (error instanceof Problem && error.code === "no-token") {
                    // Only a newer token helps, and `again` is called when there is one.
                    gone(error);
                    at = null;
                    await sleep(600_000);
                    continue;
                }
                // A moment's silence is nothing to speak of.
                if (tries > 0 || error instanceof Gone) {
                    gone(error);
                }
                await sleep(PAUSES[Math.min(tries++, PAUSES.length - 1)]);
            }
        }
    }

    document.addEventListener("visibilitychange", () => {
        if (visible()) {
            wake();
        } else {
            reader.abort();
        }
    });
    run();
    return {
        /** Tries at once. */
        again() {
            tries = 0;
            wake();
        },
    };
}
