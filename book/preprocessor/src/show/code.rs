//! A Dockerfile's lines as HTML: numbered as in the file, and coloured by what the parser says each word is.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use mslab_core::dockerfile::{self, Command, CommandForm, Dockerfile, TokenKind, Word};
use mslab_core::source::{Source, Span};

use crate::html;

/// A stretch of the file, and what it is.
type Piece = (Span, &'static str);

/// The lines in `lines` (from 1) of a Dockerfile, those of `marked` marked.
pub(crate) fn dockerfile(
    file: &Dockerfile,
    lines: RangeInclusive<usize>,
    marked: &BTreeSet<usize>,
) -> String {
    let pieces = pieces(file);
    let mut out = String::new();
    for n in lines {
        let span = file.source.line_span(n);
        let line = file.source.snippet(span);
        let end = span.start + line.trim_end_matches(['\n', '\r']).len();
        let mut at = span.start;
        begin(&mut out, n, marked.contains(&n));
        let first = pieces.partition_point(|(p, _)| p.end <= span.start);
        for (piece, class) in pieces[first..].iter().take_while(|(p, _)| p.start < end) {
            let (from, to) = (piece.start.max(at), piece.end.min(end));
            if from >= to {
                continue;
            }
            out.push_str(&html::text(&file.source.snippet(Span::new(at, from))));
            let shown = html::text(&file.source.snippet(Span::new(from, to)));
            out.push_str(&format!("<span class=\"{class}\">{shown}</span>"));
            at = to;
        }
        out.push_str(&html::text(&file.source.snippet(Span::new(at, end))));
        out.push_str("</span>\n");
    }
    out
}

/// Lines of any other file.
pub(crate) fn plain(source: &Source) -> String {
    let mut out = String::new();
    for n in 1..=source.line_count() {
        begin(&mut out, n, false);
        out.push_str(&html::text(&source.line(n)));
        out.push_str("</span>\n");
    }
    out
}

/// A file of whatever kind its name says.
pub(crate) fn file(source: &Source) -> String {
    if is_dockerfile(source.name()) {
        let parsed = dockerfile::parse(source.clone());
        let lines = 1..=source.line_count();
        return dockerfile(&parsed, lines, &BTreeSet::new());
    }
    plain(source)
}

/// Whether a file of this name is a Dockerfile.
pub(crate) fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Dockerfile" || name.starts_with("Dockerfile.") || name.ends_with(".Dockerfile")
}

fn begin(out: &mut String, n: usize, marked: bool) {
    let mark = if marked { " mslab-marked" } else { "" };
    out.push_str(&format!("<span class=\"mslab-line{mark}\" data-n=\"{n}\">"));
}

/// What is coloured, in the order of the file, nothing twice.
fn pieces(file: &Dockerfile) -> Vec<Piece> {
    let mut names: Vec<Span> = Vec::new();
    let mut texts: Vec<Span> = Vec::new();
    for instruction in &file.instructions {
        let word = |w: &Option<Word>| w.as_ref().map(|w| w.span);
        match &instruction.command {
            Command::From { name, .. } => names.extend(word(name)),
            Command::Copy(copy) | Command::Add(copy) => names.extend(word(&copy.from)),
            Command::Cmd(form) | Command::Entrypoint(form) => strings(form, &mut texts),
            Command::Run(run) => strings(&run.form, &mut texts),
            Command::Healthcheck(Some(form)) => strings(form, &mut texts),
            _ => {}
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for token in &file.tokens {
        let class = match token.kind {
            TokenKind::Keyword => "d-key",
            TokenKind::Directive | TokenKind::Comment => "d-note",
            TokenKind::Flag => "d-flag",
            TokenKind::HeredocBody | TokenKind::HeredocEnd => "d-text",
            TokenKind::Continuation => "d-quiet",
            TokenKind::Word => {
                words(file, token.span, &texts, &mut pieces);
                continue;
            }
            _ => continue,
        };
        pieces.push((token.span, class));
    }
    // A name inside a flag stands out of it.
    for name in names {
        let Some(n) = pieces
            .iter()
            .position(|(p, _)| p.start <= name.start && name.end <= p.end)
        else {
            pieces.push((name, "d-name"));
            continue;
        };
        let (whole, class) = pieces[n];
        pieces.splice(
            n..=n,
            [
                (Span::new(whole.start, name.start), class),
                (name, "d-name"),
                (Span::new(name.end, whole.end), class),
            ],
        );
    }
    pieces.sort_by_key(|(p, _)| (p.start, p.end));
    pieces.retain(|(p, _)| !p.is_empty());
    pieces
}

fn strings(form: &CommandForm, texts: &mut Vec<Span>) {
    if let CommandForm::Exec { args, .. } = form {
        texts.extend(args.iter().map(|a| a.span));
    }
}

/// Of other words: quoted texts, and variables.
fn words(file: &Dockerfile, span: Span, texts: &[Span], pieces: &mut Vec<Piece>) {
    if let Some(text) = texts
        .iter()
        .find(|t| t.start < span.end && span.start < t.end)
    {
        pieces.push((
            Span::new(text.start.max(span.start), text.end.min(span.end)),
            "d-text",
        ));
        return;
    }
    let bytes = file.source.slice(span);
    let mut at = 0;
    while let Some(dollar) = bytes[at..].iter().position(|b| *b == b'$').map(|i| at + i) {
        let rest = &bytes[dollar + 1..];
        let length = match rest.first() {
            Some(b'{') => rest
                .iter()
                .position(|b| *b == b'}')
                .map_or(rest.len(), |i| i + 1),
            _ => rest
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count(),
        };
        at = dollar + 1 + length;
        if length > 0 {
            let from = span.start + dollar;
            pieces.push((Span::new(from, from + 1 + length), "d-var"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let file = dockerfile::parse(Source::new("Dockerfile", text.as_bytes()));
        let lines = 1..=file.source.line_count();
        let html = dockerfile(&file, lines, &BTreeSet::from([2]));
        html.replace("<span class=\"", "<")
            .replace("</span>", "</>")
    }

    #[test]
    fn words_are_coloured_by_what_they_are() {
        assert_eq!(
            shown("FROM a:$V AS b\nCOPY --from=b --link /x \\\n  /y\nCMD [\"z\"]\n"),
            "<mslab-line\" data-n=\"1\"><d-key\">FROM</> a:<d-var\">$V</> AS <d-name\">b</></>\n\
             <mslab-line mslab-marked\" data-n=\"2\"><d-key\">COPY</> <d-flag\">--from=</><d-name\">b</> \
             <d-flag\">--link</> /x <d-quiet\">\\</></>\n\
             <mslab-line\" data-n=\"3\">  /y</>\n\
             <mslab-line\" data-n=\"4\"><d-key\">CMD</> [<d-text\">&quot;z&quot;</>]</>\n"
        );
    }

    #[test]
    fn a_heredoc_and_a_comment_keep_their_lines() {
        assert_eq!(
            shown("# é\nRUN <<E\na $b\n\nE\n"),
            "<mslab-line\" data-n=\"1\"><d-note\"># é</></>\n\
             <mslab-line mslab-marked\" data-n=\"2\"><d-key\">RUN</> &lt;&lt;E</>\n\
             <mslab-line\" data-n=\"3\"><d-text\">a $b</></>\n\
             <mslab-line\" data-n=\"4\"></>\n\
             <mslab-line\" data-n=\"5\"><d-text\">E</></>\n"
        );
    }
}
