// The book as mslab serves it: makes its lab cards live, shows progress, and follows what the server tells.
import { api, takeToken, whenToken } from "./client.js";
import { Card } from "./card.js";
import { Course } from "./course.js";
import { follow } from "./follow.js";
import "./styles/lab.css";

takeToken();
document.documentElement.dataset.mslabServer = "";

const course = new Course();
const cards = new Map();
let runs = new Map();
let lost;

// The page with all chapters on it is for paper.
const living = location.pathname.endsWith("/print.html") ? [] : document.querySelectorAll(".mslab-lab[data-mslab-exercise]");
for (const section of living) {
    const card = new Card(section);
    cards.set(card.exercise, card);
}

/** Shows the state as it is, and says from which event on it is to be followed. */
async function start() {
    const state = await api.state();
    progress(state.exercises);
    runs = new Map();
    await Promise.all([...cards.values()].map((card) => card.load()));
    const { run } = state;
    const after = run && cards.has(run.exercise) ? run.first_event - 1 : state.last_event;
    return { instance: state.instance, after };
}

function progress(exercises) {
    course.show(exercises);
    for (const exercise of exercises) {
        cards.get(exercise.exercise)?.progress(exercise);
    }
}

function event(told) {
    if (told.event === "progress") {
        progress(told.exercises);
        return;
    }
    if (told.event === "run-started") {
        runs.set(told.run, told.exercise);
    }
    // News of a check carries its number only.
    cards.get(told.exercise ?? runs.get(told.run))?.hear(told);
}

function connection(error) {
    if (lost !== error) {
        lost = error;
        course.connection(error);
        for (const card of cards.values()) {
            card.connection(error);
        }
    }
}

const following = follow({ start, event, gone: connection, back: () => connection(null) });
whenToken(() => following.again());

addEventListener("beforeunload", (leaving) => {
    if ([...cards.values()].some((card) => card.files.unsaved)) {
        leaving.preventDefault();
    }
});
