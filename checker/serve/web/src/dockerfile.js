// A Dockerfile's words, coloured as the book colours them.
import { StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tagHighlighter, tags } from "@lezer/highlight";

const KEYWORD = /^[A-Za-z]+(?=\s|$)/;
const HEREDOC = /^<<-?(["']?)([A-Za-z_]\w*)\1/;
const JSON_FORM = new Set(["CMD", "ENTRYPOINT", "RUN", "SHELL", "VOLUME", "HEALTHCHECK"]);

const language = StreamLanguage.define({
    name: "dockerfile",
    startState: () => ({ keyword: "", inside: false, goesOn: false, flags: false, json: false, named: false, ends: [], waits: [], escape: "\\" }),
    copyState: (state) => ({ ...state, ends: [...state.ends], waits: [...state.waits] }),
    languageData: { commentTokens: { line: "#" } },
    tokenTable: {
        keyword: tags.keyword,
        flag: tags.attributeName,
        name: tags.labelName,
        text: tags.string,
        variable: tags.variableName,
        note: tags.comment,
        quiet: tags.punctuation,
    },
    token(stream, state) {
        if (stream.sol()) {
            state.ends.push(...state.waits.splice(0));
            if (state.ends.length > 0) {
                if (stream.string.replace(/^\t+/, "") === state.ends[0]) {
                    state.ends.shift();
                    state.inside = state.ends.length > 0;
                }
                stream.skipToEnd();
                return "text";
            }
            state.inside = state.inside && state.goesOn;
            state.goesOn = false;
            const escape = stream.match(/^#\s*escape\s*=\s*([\\`])\s*$/i, false);
            if (escape) {
                state.escape = escape[1];
            }
            if (stream.match(/^\s*#.*/)) {
                state.goesOn = state.inside;
                return "note";
            }
        }
        if (stream.eatSpace()) {
            return null;
        }
        if (!state.inside) {
            const keyword = stream.match(KEYWORD);
            if (!keyword) {
                stream.skipToEnd();
                return null;
            }
            const word = keyword[0].toUpperCase();
            Object.assign(state, { keyword: word, inside: word !== "ONBUILD", flags: true, json: false, named: false });
            return "keyword";
        }
        return words(stream, state);
    },
    blankLine(state) {
        state.ends.push(...state.waits.splice(0));
    },
});

function words(stream, state) {
    const rest = stream.string.slice(stream.pos);
    if (rest.startsWith(state.escape) && rest.slice(1).trim() === "") {
        stream.skipToEnd();
        state.goesOn = true;
        return "quiet";
    }
    if (state.named) {
        state.named = false;
        stream.match(/^[^\s\\]+/);
        return "name";
    }
    if (state.flags && stream.match(/^--from=/)) {
        state.named = !/^\s|^$/.test(stream.string.slice(stream.pos));
        return "flag";
    }
    if (state.flags && stream.match(/^--[a-z][\w-]*(=(?:"[^"]*"|\S)*)?/i)) {
        return "flag";
    }
    if (state.flags) {
        state.flags = false;
        state.json = JSON_FORM.has(state.keyword) && rest.startsWith("[");
    }
    if (state.json && stream.match(/^"(?:[^"\\]|\\.)*"?/)) {
        return "text";
    }
    const heredoc = ["RUN", "COPY", "ADD"].includes(state.keyword) && stream.match(HEREDOC);
    if (heredoc) {
        state.waits.push(heredoc[2]);
        return null;
    }
    if (stream.match(/^\$(?:\{[^}]*\}?|\w+)/)) {
        return "variable";
    }
    if (state.keyword === "FROM" && stream.match(/^AS(?=\s)/i)) {
        state.named = true;
        stream.eatSpace();
        return null;
    }
    stream.next();
    stream.match(/^[^\s$\\`<"]+/);
    return null;
}

const colours = tagHighlighter([
    { tag: tags.keyword, class: "d-key" },
    { tag: tags.attributeName, class: "d-flag" },
    { tag: tags.labelName, class: "d-name" },
    { tag: tags.string, class: "d-text" },
    { tag: tags.variableName, class: "d-var" },
    { tag: tags.comment, class: "d-note" },
    { tag: tags.punctuation, class: "d-quiet" },
]);

/** Whether a file of this name is a Dockerfile. */
export function isDockerfile(path) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return name === "Dockerfile" || name.startsWith("Dockerfile.") || name.endsWith(".Dockerfile");
}

/** The highlighting of a Dockerfile. */
export const dockerfile = [language, syntaxHighlighting(colours)];
