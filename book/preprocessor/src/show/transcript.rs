//! `{{#transcript NAME}}`: commands and what they print, from a transcript that the tests run.

use mslab_core::text::escape;

use super::{Args, Directive};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const TRANSCRIPT: Directive = Directive {
    name: "transcript",
    usage: "`{{#transcript NAME}}`, where `book/transcripts/NAME.trycmd` is the file",
    options: &[],
    words: (1, 1),
    show,
};

const FOLDER: &str = "book/transcripts";

/// A command with what comes of it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    /// What it ends with, where that is not 0.
    code: Option<String>,
    output: Vec<String>,
}

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let name = args.words[0];
    let names = page.site.names(FOLDER, ".trycmd");
    if !names.iter().any(|n| n == name) {
        return Err(Fault::unknown(
            "no transcript",
            name,
            names.iter().map(String::as_str),
        ));
    }
    let path = format!("{FOLDER}/{name}.trycmd");
    let steps = steps(&page.site.text(&path)?);
    if steps.is_empty() {
        return Err(Fault::new(
            format!("`{path}` has no command"),
            "A command begins with `$ `.",
        ));
    }
    if page.is_html() {
        return Ok(figure(&steps));
    }
    let mut text = String::new();
    for step in &steps {
        text.push_str(&format!("$ {}\n", step.command));
        for line in &step.output {
            text.push_str(&format!("{line}\n"));
        }
        if let Some(code) = &step.code {
            text.push_str(&format!("(exit code {code})\n"));
        }
    }
    Ok(escape::markdown_fence("console", &text))
}

/// The commands of a transcript: of its fenced blocks, or of the whole where it has none.
fn steps(text: &str) -> Vec<Step> {
    let fenced = text.lines().any(|l| l.starts_with("```"));
    let mut inside = !fenced;
    let mut steps: Vec<Step> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
            open = false;
        } else if !inside {
            continue;
        } else if let Some(command) = line.strip_prefix("$ ") {
            open = true;
            steps.push(Step {
                command: command.to_owned(),
                code: None,
                output: Vec::new(),
            });
        } else if let Some(step) = steps.last_mut().filter(|_| open) {
            match line.strip_prefix("? ") {
                Some(code) if step.output.is_empty() => step.code = Some(code.to_owned()),
                _ => match line.strip_prefix("> ") {
                    Some(more) if step.output.is_empty() => {
                        step.command.push_str(&format!("\n{more}"));
                    }
                    _ => step.output.push(elided(line)),
                },
            }
        }
    }
    for step in &mut steps {
        while step.output.last().is_some_and(|l| l.trim().is_empty()) {
            step.output.pop();
        }
        step.code.take_if(|c| c == "0" || c == "success");
    }
    steps
}

/// What the test passes over is not shown either.
fn elided(line: &str) -> String {
    if line.trim() == "..." {
        return line.replace("...", "…");
    }
    line.replace("[..]", "…").replace("[EXE]", "")
}

fn figure(steps: &[Step]) -> String {
    let mut out = String::from(
        "<figure class=\"mslab-terminal\">\n\
         <pre class=\"mslab-code\" tabindex=\"0\" aria-label=\"A terminal\"><samp>",
    );
    for step in steps {
        for (n, line) in step.command.lines().enumerate() {
            let sign = if n == 0 { "$" } else { "&gt;" };
            out.push_str(&format!(
                "<span class=\"mslab-line t-command\"><span class=\"t-quiet\">{sign} </span>{}</span>\n",
                html::text(line)
            ));
        }
        for line in &step.output {
            out.push_str(&format!(
                "<span class=\"mslab-line{}\">{}</span>\n",
                tone(line),
                html::text(line)
            ));
        }
        if let Some(code) = &step.code {
            out.push_str(&format!(
                "<span class=\"mslab-line t-code\">exit code {}</span>\n",
                html::text(code)
            ));
        }
    }
    out.push_str("</samp></pre>\n</figure>\n");
    html::whole(&out)
}

/// The colour of a line, from the sign at its beginning.
fn tone(line: &str) -> &'static str {
    let line = line.trim_start();
    if line.starts_with('✓') {
        " t-green"
    } else if line.starts_with('✗') || line.starts_with("error:") {
        " t-red"
    } else if line.starts_with("! ") {
        " t-yellow"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_bare_commands_read_alike() {
        let fenced = "# Title\n\n```\n$ mslab list\n? 2\na[..]b\n...\n\n```\n\nwords\n";
        let bare = "$ mslab list\n? 2\na[..]b\n...\n\n";
        let step = Step {
            command: "mslab list".into(),
            code: Some("2".into()),
            output: vec!["a…b".into(), "…".into()],
        };
        assert_eq!(steps(fenced), [step]);
        assert_eq!(steps(fenced), steps(bare));
    }
}
