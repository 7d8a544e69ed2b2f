//! `{{#quiz NAME}}`: questions with an explanation for each answer.

use serde::Deserialize;

use super::{Args, Directive};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const QUIZ: Directive = Directive {
    name: "quiz",
    usage: "`{{#quiz NAME}}`, where `book/quizzes/NAME.toml` is the file",
    options: &[],
    words: (1, 1),
    show,
};

const FOLDER: &str = "book/quizzes";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Quiz {
    title: String,
    #[serde(default)]
    question: Vec<Question>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Question {
    ask: String,
    #[serde(default)]
    answer: Vec<Answer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Answer {
    text: String,
    #[serde(default)]
    right: bool,
    why: String,
}

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let name = args.words[0];
    let quiz: Quiz = super::toml_file(page, FOLDER, "quiz", name)?;
    look(&format!("{FOLDER}/{name}.toml"), &quiz)?;
    if page.is_html() {
        Ok(as_html(page, name, &quiz))
    } else {
        Ok(as_markdown(page, &quiz))
    }
}

/// What a quiz must have.
fn look(path: &str, quiz: &Quiz) -> Result<()> {
    if quiz.question.is_empty() {
        return Err(Fault::new(
            format!("`{path}` has no question"),
            "Each is a table `[[question]]`.",
        ));
    }
    for (n, question) in quiz.question.iter().enumerate() {
        let right = question.answer.iter().filter(|a| a.right).count();
        if right != 1 {
            return Err(Fault::new(
                format!("`{path}`: question {} has {right} right answers", n + 1),
                "Exactly one answer has `right = true`.",
            ));
        }
        if question.answer.len() < 2 {
            return Err(Fault::new(
                format!("`{path}`: question {} has one answer only", n + 1),
                "With one there is nothing to choose.",
            ));
        }
    }
    Ok(())
}

fn as_html(page: &mut Page<'_>, name: &str, quiz: &Quiz) -> String {
    let level = page.next_heading();
    let id = page.id("quiz");
    let mut out = format!(
        "<section class=\"mslab-quiz\" aria-labelledby=\"{id}\" data-mslab-quiz=\"{}\">\n\
         <h{level} class=\"mslab-title\" id=\"{id}\">{}</h{level}>\n",
        html::text(name),
        html::inline(&quiz.title)
    );
    for (q, question) in quiz.question.iter().enumerate() {
        let group = format!("{id}-{}", q + 1);
        out.push_str(&format!(
            "<fieldset class=\"mslab-question\">\n<legend>{}</legend>\n",
            html::inline(&question.ask)
        ));
        for (a, answer) in question.answer.iter().enumerate() {
            let input = format!("{group}-{}", a + 1);
            let (class, verdict) = verdict(answer.right);
            out.push_str(&format!(
                "<div class=\"mslab-answer\"><input type=\"radio\" name=\"{group}\" id=\"{input}\" value=\"{}\">\
                 <label for=\"{input}\">{}</label>\
                 <details class=\"mslab-why\"><summary>Is it this one?</summary>\
                 <p class=\"{class}\">{verdict} {}</p></details></div>\n",
                a + 1,
                html::inline(&answer.text),
                html::inline(&answer.why)
            ));
        }
        out.push_str("<div class=\"mslab-feedback\" aria-live=\"polite\"></div>\n</fieldset>\n");
    }
    out.push_str("</section>\n");
    html::whole(&out)
}

fn verdict(right: bool) -> (&'static str, &'static str) {
    if right {
        ("mslab-right", "<strong>✓ Yes.</strong>")
    } else {
        ("mslab-wrong", "<strong>✗ No.</strong>")
    }
}

fn as_markdown(page: &Page<'_>, quiz: &Quiz) -> String {
    let marks = "#".repeat(page.next_heading());
    let mut out = format!("{marks} {}\n", quiz.title);
    let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
    for (q, question) in quiz.question.iter().enumerate() {
        out.push_str(&format!("\n{}. {}\n\n", q + 1, question.ask.trim()));
        for (a, answer) in question.answer.iter().enumerate() {
            out.push_str(&format!("   - {}) {}\n", letter(a), answer.text.trim()));
        }
    }
    out.push_str("\nAnswers:\n\n");
    for (q, question) in quiz.question.iter().enumerate() {
        for (a, answer) in question.answer.iter().enumerate() {
            let sign = if answer.right { '✓' } else { '✗' };
            out.push_str(&format!(
                "- {}{} {sign} {}\n",
                q + 1,
                letter(a),
                answer.why.trim()
            ));
        }
    }
    out
}
