//! `{{#steps A B C}}`: a walk from one file to the next, each step a diff.

use mslab_core::diagnostic::{self, Files};
use mslab_core::source::Source;
use mslab_core::text::escape;

use super::{Args, Directive, diff};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const STEPS: Directive = Directive {
    name: "steps",
    usage: "`{{#steps PATH PATH [PATH …]}}`",
    options: &[],
    words: (2, usize::MAX),
    show,
};

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let mut out = String::new();
    for pair in args.words.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        let files = |path: &str| -> Result<Files> {
            let source = Source::new("Dockerfile", page.site.source(path)?.bytes());
            Ok(Files::from([("Dockerfile".to_owned(), source)]))
        };
        let unified = diagnostic::diff(&files(from)?, &files(to)?);
        if unified.is_empty() {
            return Err(Fault::new(
                format!("`{from}` and `{to}` say the same"),
                "A step changes something.",
            ));
        }
        let [short_from, short_to] = names(from, to);
        if page.is_html() {
            let caption = format!(
                "<span class=\"mslab-part\">from</span> <span class=\"mslab-name\">{}</span> \
                 <span class=\"mslab-part\">to</span> <span class=\"mslab-name\">{}</span>",
                html::text(short_from),
                html::text(short_to)
            );
            let label = format!("What changes from {short_from} to {short_to}");
            out.push_str(&diff::figure(&unified, &caption, &label));
        } else {
            let body = unified.split_once("@@").map_or("", |(_, rest)| rest);
            out.push_str(&format!(
                "From `{from}` to `{to}`:\n\n{}",
                escape::markdown_fence("diff", &format!("@@{body}"))
            ));
        }
        out.push('\n');
    }
    Ok(out)
}

/// Of two paths what tells them apart: without the folders that they share.
fn names<'a>(from: &'a str, to: &'a str) -> [&'a str; 2] {
    let shared = from
        .split_inclusive('/')
        .zip(to.split_inclusive('/'))
        .take_while(|(a, b)| a == b && a.ends_with('/'))
        .map(|(a, _)| a.len())
        .sum::<usize>();
    [&from[shared..], &to[shared..]]
}
