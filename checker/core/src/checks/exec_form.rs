//! `exec-form`: the image's program is started directly, and not through a shell.

use schemars::JsonSchema;
use serde::Deserialize;

use super::mend::json;
use super::params::listed;
use super::shell::{self, Joint};
use super::{Check, Doc, Example, Judged, Verdict, View, walk};
use crate::diagnostic::{Finding, Fix};
use crate::dockerfile::{Command, CommandForm, Instruction};
use crate::edits::Edits;
use crate::evidence::{SourceEvidence, Unseen};
use crate::stages::Base;

/// See [`Check::DOC`].
pub(super) struct ExecForm;

/// `exec-form` takes no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Params {}

impl Check for ExecForm {
    type Params = Params;
    const ID: &'static str = "exec-form";
    const TITLE: &'static str = "CMD and ENTRYPOINT are JSON arrays";
    const DOC: Doc = Doc {
        what: "The `CMD` and `ENTRYPOINT` that the image ends up with are JSON arrays: \
               `CMD [\"node\", \"server.js\"]`. The ones of stages that do not ship are not looked at.",
        why: "Written as plain text, the command is started by `/bin/sh -c`. There is no shell on scratch, and where \
              there is one, it takes the SIGTERM that your program should get.",
        bad: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY server.js .\n\
             CMD node server.js\n",
        ),
        good: Example::text(
            "FROM node:24-alpine AS production\n\
             WORKDIR /app\n\
             COPY server.js .\n\
             CMD [\"node\", \"server.js\"]\n",
        ),
    };

    fn summary(_: &Params) -> String {
        "CMD and ENTRYPOINT in exec form".into()
    }

    fn judge(_: &Params, view: &View<'_>) -> Judged {
        let source = view.source()?;
        let (cmd, entrypoint) = in_force(source, view)?;
        let found: Vec<&Instruction> = entrypoint.into_iter().chain(cmd).collect();
        let in_shell = |i: &&Instruction| matches!(i.start_form(), Some(CommandForm::Shell(_)));
        let wrong: Vec<&Instruction> = found.iter().copied().filter(in_shell).collect();
        let Some(first) = wrong.first() else {
            if let Some(nothing) = nothing_on_scratch(view, source, &found)? {
                return Ok(nothing.into());
            }
            let names: Vec<&str> = found.iter().map(|i| name(i)).collect();
            return Ok(Verdict::passed(if names.is_empty() {
                "the base image's own command is started".to_owned()
            } else {
                let verb = if names.len() == 1 {
                    "is a JSON array"
                } else {
                    "are JSON arrays"
                };
                format!("{} {verb}", listed(names, "and"))
            }));
        };
        let text = &first.rest.text;
        let mut finding = view
            .finding(
                format!("{} is started by a shell", name(first)),
                first.rest.span,
            )
            .expected("a JSON array", format!("text for a shell: `{text}`"));
        finding = if text.trim_start().starts_with('[') {
            finding.help("It looks like an array and is none: JSON takes double quotes and no comma at the end.")
        } else {
            finding.help(format!(
                "Write each word as a string: `{} [\"program\", \"argument\"]`.",
                name(first)
            ))
        };
        for other in &wrong[1..] {
            let note = format!("{} too", name(other));
            finding = finding.related(view.place(other.rest.span), note);
        }
        if let Some(fix) = fix(source, &wrong) {
            finding = finding.fix(fix);
        }
        Ok(finding.into())
    }
}

/// The finding for an image on `scratch`, which has no command of its own, that is given none.
fn nothing_on_scratch(
    view: &View<'_>,
    source: &SourceEvidence,
    found: &[&Instruction],
) -> Result<Option<Finding>, Unseen> {
    let line = walk::lineage(&source.graph, view.target()?.index);
    let scratch = line.first().filter(|root| root.base == Base::Scratch);
    let place = scratch.and_then(|_| walk::stage_span(source, view.target().ok()?));
    Ok(place.filter(|_| found.is_empty()).map(|span| {
        view.finding("nothing says what a container of this image starts", span)
            .expected(
                "an ENTRYPOINT or a CMD",
                "neither, and `scratch` has none of its own",
            )
            .help("Name the program at the end of the last stage: `ENTRYPOINT [\"/program\"]`.")
    }))
}

type InForce<'a> = (Option<&'a Instruction>, Option<&'a Instruction>);

/// The `CMD` and the `ENTRYPOINT` of the image: the last of each. A stage that sets an `ENTRYPOINT` and no `CMD` of its
/// own drops the `CMD` that it inherited.
fn in_force<'a>(source: &'a SourceEvidence, view: &View<'_>) -> Result<InForce<'a>, Unseen> {
    let mut last: InForce<'a> = (None, None);
    for stage in walk::lineage(&source.graph, view.target()?.index) {
        let mut own_cmd = false;
        for (_, instruction) in walk::own_instructions(source, stage) {
            match instruction.command {
                Command::Cmd(_) => {
                    own_cmd = true;
                    last.0 = Some(instruction);
                }
                Command::Entrypoint(_) => {
                    last.1 = Some(instruction);
                    if !own_cmd {
                        last.0 = None;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(last)
}

fn name(instruction: &Instruction) -> &'static str {
    match instruction.command {
        Command::Entrypoint(_) => "ENTRYPOINT",
        _ => "CMD",
    }
}

/// Rewrites the commands as arrays, if a shell would do no more for each than split it into words.
pub(super) fn fix(source: &SourceEvidence, wrong: &[&Instruction]) -> Option<Fix> {
    let title = "start the program without a shell";
    let mut edits = Edits::new(title, &source.path, &source.dockerfile.source);
    for instruction in wrong {
        edits = edits.replace(instruction.rest.span, json(&words(source, instruction)?));
    }
    Some(edits.done())
}

/// The words that a shell would make of the command, and nothing else; `None` where it would do more.
pub(super) fn words(source: &SourceEvidence, instruction: &Instruction) -> Option<Vec<String>> {
    if instruction.rest.text.trim_start().starts_with('[') {
        almost_json(&instruction.rest.text)
    } else {
        plain_words(source, instruction)
    }
}

fn plain_words(source: &SourceEvidence, instruction: &Instruction) -> Option<Vec<String>> {
    let commands = shell::commands(&source.dockerfile, instruction);
    let [command] = &commands[..] else {
        return None;
    };
    let whole = command.before == Joint::Edge && command.after == Joint::Edge;
    let literal = command.words.iter().all(|w| !w.expands);
    if !whole || !literal || !command.plain || command.redirected || !command.assignments.is_empty()
    {
        return None;
    }
    let words = match command.words.split_first() {
        Some((first, rest)) if first.text == "exec" => rest,
        _ => &command.words[..],
    };
    let first = words.first()?;
    let builtin = [
        ".", ":", "[", "alias", "cd", "eval", "exec", "exit", "export", "read", "set", "shift",
        "source", "test", "trap", "ulimit", "umask", "unset", "wait",
    ];
    (!builtin.contains(&first.text.as_str()))
        .then(|| words.iter().map(|w| w.text.clone()).collect())
}

/// The strings of an array written with single quotes, or with a comma at its end.
fn almost_json(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut words = Vec::new();
    for part in inner.trim().trim_end_matches(',').split(',') {
        let part = part.trim();
        let quoted = |q: char| part.strip_prefix(q)?.strip_suffix(q);
        let word = quoted('\'')
            .or_else(|| quoted('"'))
            .or_else(|| quoted('“'))?;
        if word.is_empty() || word.contains(['\'', '"', '\\', '$']) {
            return None;
        }
        words.push(word.to_owned());
    }
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    fn last_line(case: &Case) -> String {
        case.text("Dockerfile")
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn plain_words_become_an_array() {
        for (shell, array) in [
            ("CMD node server.js", r#"CMD ["node", "server.js"]"#),
            ("CMD exec node 'a b'.js", r#"CMD ["node", "a b.js"]"#),
            ("cmd node \\\n  server.js", r#"cmd ["node", "server.js"]"#),
            (
                "ENTRYPOINT /app --flag=\"x\"",
                r#"ENTRYPOINT ["/app", "--flag=x"]"#,
            ),
            ("CMD ['node', 'server.js']", r#"CMD ["node", "server.js"]"#),
            (
                "CMD [\"node\", \"server.js\",]",
                r#"CMD ["node", "server.js"]"#,
            ),
        ] {
            let after = Case::new(&format!("FROM a\n{shell}")).mended::<ExecForm>();
            assert_eq!(last_line(&after), array);
        }
    }

    #[test]
    fn what_needs_a_shell_is_not_rewritten() {
        for command in [
            "CMD node $FILE",
            "CMD cd /app && node x",
            "CMD A=b node x",
            "CMD node *.js",
            "CMD node x > log",
            "CMD node `cat x`",
            "CMD . /venv/bin/activate",
        ] {
            let case = Case::new(&format!("FROM a\n{command}\n"));
            assert_eq!(case.fails::<ExecForm>().fixes, [], "{command}");
        }
    }

    #[test]
    fn only_the_last_of_the_final_image_counts() {
        Case::new("FROM a AS b\nCMD x y\nFROM c\nCOPY --from=b /x /x\nCMD [\"y\"]\n")
            .passes::<ExecForm>();
        Case::new("FROM a\nCMD x\nCMD [\"y\"]\n").passes::<ExecForm>();
        Case::new("FROM a AS b\nCMD x y\nFROM b AS production\n").fails::<ExecForm>();
        Case::new("FROM a\n").passes::<ExecForm>();
        Case::new("FROM a AS b\nCMD x\nFROM b\nENTRYPOINT [\"y\"]\n").passes::<ExecForm>();
    }

    #[test]
    fn both_are_mended_together() {
        let after = Case::new("FROM a\nENTRYPOINT /x\nCMD y z\n").mended::<ExecForm>();
        assert_eq!(
            after.text("Dockerfile"),
            "FROM a\nENTRYPOINT [\"/x\"]\nCMD [\"y\", \"z\"]\n"
        );
    }
}
