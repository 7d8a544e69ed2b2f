// What a page can do beyond being read: copy a command, answer a quiz, keep ticks. Without it all text is there too.
(() => {
    "use strict";

    // A browser may refuse to remember; then nothing is remembered.
    const memory = {
        get(key) {
            try {
                return JSON.parse(localStorage.getItem(`mslab.${key}`) ?? "{}") ?? {};
            } catch {
                return {};
            }
        },
        set(key, value) {
            try {
                localStorage.setItem(`mslab.${key}`, JSON.stringify(value));
            } catch {
                // Nothing is lost but the memory.
            }
        },
    };

    // Commands.
    for (const button of document.querySelectorAll(".mslab-copy")) {
        if (!navigator.clipboard) {
            continue;
        }
        const said = button.parentElement.querySelector(".mslab-said");
        button.hidden = false;
        button.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(button.dataset.mslabCopy);
                said.textContent = "Copied";
            } catch {
                said.textContent = "Copying is not allowed here";
            }
            setTimeout(() => { said.textContent = ""; }, 2500);
        });
    }

    // Quizzes: the chosen answer's explanation is shown below the question.
    for (const quiz of document.querySelectorAll(".mslab-quiz")) {
        const key = `quiz.${quiz.dataset.mslabQuiz}`;
        const chosen = memory.get(key);
        quiz.classList.add("mslab-js");
        quiz.querySelectorAll(".mslab-question").forEach((question, number) => {
            const feedback = question.querySelector(".mslab-feedback");
            const tell = (input) => {
                const why = input.parentElement.querySelector(".mslab-why > p");
                feedback.replaceChildren(why.cloneNode(true));
            };
            for (const input of question.querySelectorAll("input")) {
                if (chosen[number] === input.value) {
                    input.checked = true;
                    tell(input);
                }
                input.addEventListener("change", () => {
                    tell(input);
                    chosen[number] = input.value;
                    memory.set(key, chosen);
                });
            }
        });
    }

    // Checklists: ticks are kept by the line's words.
    for (const list of document.querySelectorAll(".mslab-checklist")) {
        const key = `checklist.${list.dataset.mslabChecklist}`;
        const ticks = memory.get(key);
        const boxes = [...list.querySelectorAll("input[data-mslab-line]")];
        const progress = list.querySelector(".mslab-progress");
        const status = progress.querySelector("[role=status]");
        const tell = () => {
            const done = boxes.filter((box) => box.checked).length;
            status.textContent = `${done} of ${boxes.length} done`;
        };
        const keep = () => {
            memory.set(key, ticks);
            tell();
        };
        for (const box of boxes) {
            box.checked = ticks[box.dataset.mslabLine] === true;
            box.addEventListener("change", () => {
                ticks[box.dataset.mslabLine] = box.checked;
                keep();
            });
        }
        list.querySelector(".mslab-clear").addEventListener("click", () => {
            for (const box of boxes) {
                box.checked = false;
                delete ticks[box.dataset.mslabLine];
            }
            keep();
        });
        progress.hidden = false;
        tell();
    }

    // mdBook's bar is no landmark, and its first button a label: readers of screens are told what they are.
    document.getElementById("mdbook-menu-bar")?.setAttribute("role", "banner");
    const label = document.getElementById("mdbook-sidebar-toggle");
    const box = document.getElementById("mdbook-sidebar-toggle-anchor");
    if (label?.tagName === "LABEL" && box) {
        const button = document.createElement("button");
        for (const { name, value } of label.attributes) {
            if (name !== "for") {
                button.setAttribute(name, value);
            }
        }
        button.type = "button";
        button.append(...label.childNodes);
        label.replaceWith(button);
        const tell = () => button.setAttribute("aria-expanded", String(box.checked));
        button.addEventListener("click", () => {
            // What mdBook does when its label is clicked, and then what a label does.
            label.dispatchEvent(new Event("click"));
            box.click();
        });
        box.addEventListener("change", tell);
        tell();
    }

    // What is wider than its place can be moved by keyboard too.
    const reach = () => {
        for (const wide of document.querySelectorAll(".content pre > code, .table-wrapper")) {
            if (!wide.closest(".mslab-code") && wide.scrollWidth > wide.clientWidth) {
                wide.tabIndex = 0;
            }
        }
    };
    reach();
    addEventListener("resize", reach);
})();
