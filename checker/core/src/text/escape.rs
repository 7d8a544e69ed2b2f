//! Untrusted text made harmless and visible, for each place where it is shown.
//!
//! Logs, file names and Dockerfiles of a submission reach terminals, pull requests, XML readers and CI systems.
//! Characters that steer any of these are replaced by something to read, never dropped, so that nothing can hide.

use std::fmt::Write as _;

/// Whether `c` is neither seen nor harmless: controls, marks that turn the direction of text, and characters that
/// take no room.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// `c` as people can see it: itself, or `\n`, `\u{1b}` and the like.
#[must_use]
pub fn visible(c: char) -> String {
    match c {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        c if is_hidden(c) => format!("\\u{{{:x}}}", u32::from(c)),
        c => c.into(),
    }
}

/// One line: every hidden character is shown.
#[must_use]
pub fn line(text: &str) -> String {
    map(text, |_| false)
}

/// Several lines: newlines and tabs stay, a carriage return before a newline goes, all else hidden is shown.
#[must_use]
pub fn block(text: &str) -> String {
    map(&text.replace("\r\n", "\n"), |c| matches!(c, '\n' | '\t'))
}

fn map(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if keep(c) {
            out.push(c);
        } else if is_hidden(c) {
            out.push_str(&visible(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Text for a terminal that knows ASCII only: common signs become their plain likeness, others `\u{e9}`.
#[must_use]
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\u{7f}' => out.push(c),
            '…' => out.push_str("..."),
            '–' | '—' | '‑' | '−' => out.push('-'),
            '·' | '•' => out.push('|'),
            '‘' | '’' => out.push('\''),
            '“' | '”' | '„' => out.push('"'),
            '×' => out.push('x'),
            '→' => out.push_str("->"),
            '\u{a0}' => out.push(' '),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    out
}

/// Whole output for a log that a CI system reads: no line of it can be taken for a command.
///
/// GitHub Actions obeys a line that begins with `::` after blanks, and `##[…]` wherever it stands; Azure and TeamCity
/// obey `##name[…]`. A backslash in between takes the meaning away and leaves the text readable.
#[must_use]
pub fn ci_log(text: &str) -> String {
    without_commands(text, "\\:", "\\[")
}

/// The same with something else than a backslash: what stands for the first colon of a line that begins with `::`, and
/// for the bracket of `##word[`.
fn without_commands(text: &str, colon: &str, bracket: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        let (blank, mut rest) = line.split_at(line.len() - rest.len());
        out.push_str(blank);
        if rest.starts_with("::") {
            out.push_str(colon);
            rest = &rest[1..];
        }
        ci_words(&mut out, rest, bracket);
    }
    out
}

/// `##word[` anywhere, with something else for its bracket.
fn ci_words(out: &mut String, line: &str, bracket: &str) {
    let mut rest = line;
    while let Some(at) = rest.find("##") {
        // Of more hashes the last two count.
        let name = at + rest[at..].len() - rest[at..].trim_start_matches('#').len();
        let word = rest[name..]
            .find(|c: char| !c.is_ascii_alphanumeric())
            .map_or(rest.len(), |n| name + n);
        out.push_str(&rest[..word]);
        rest = &rest[word..];
        if let Some(after) = rest.strip_prefix('[') {
            out.push_str(bracket);
            rest = after;
        }
    }
    out.push_str(rest);
}

/// Prose for Markdown: no HTML, no table cell, link, picture, formula or list can begin in it, and nobody is called by
/// `@name`, `#12` or `GH-12`. Words between backticks become code. The result is one line.
///
/// GitHub looks for names in the rendered text, where a backslash is gone already; a word joiner (U+2060, no width)
/// after the `@` keeps it from finding one, on every host.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = line(&text.replace("\r\n", " ").replace(['\n', '\t'], " "));
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.as_str();
    while let Some(open) = rest.find('`') {
        let Some(len) = rest[open + 1..].find('`') else {
            break;
        };
        markdown_words(&mut out, &rest[..open]);
        out.push_str(&markdown_code(&rest[open + 1..open + 1 + len]));
        rest = &rest[open + len + 2..];
    }
    markdown_words(&mut out, rest);
    out
}

fn markdown_words(out: &mut String, text: &str) {
    let mut chars = text.chars().peekable();
    let mut before = [' '; 3];
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@\u{2060}"),
            '#' if next.is_alphanumeric() => out.push_str("\\#\u{2060}"),
            '-' if next.is_ascii_digit() && before[1..].eq_ignore_ascii_case(&['G', 'H']) => {
                out.push_str("-\u{2060}");
            }
            ':' if next.is_whitespace() => out.push(':'),
            '.' if before.eq_ignore_ascii_case(&['w', 'w', 'w']) => out.push_str("\\."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' | ':' | '{' | '}' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = [before[1], before[2], c];
    }
}

trait EqIgnoreCase {
    fn eq_ignore_ascii_case(&self, other: &[char]) -> bool;
}

impl EqIgnoreCase for [char] {
    fn eq_ignore_ascii_case(&self, other: &[char]) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}

/// A word or a line as Markdown code, safe in a table cell: one line, with as many backticks around it as it needs, and a
/// word joiner where a CI system's log would read a command.
///
/// In a table a pipe ends the cell even in code, so that text with a pipe becomes prose instead.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = line(&text.replace("\r\n", " ").replace(['\n', '\t'], " "));
    if text.trim().is_empty() {
        return String::new();
    }
    let text = without_commands(&text, "\u{2060}:", "\u{2060}[");
    if text.contains('|') {
        let mut out = String::new();
        markdown_words(&mut out, &text);
        return out;
    }
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    // A blank inside keeps a backtick at the edge apart from the fence; Markdown takes one on each side away.
    let edge = text.starts_with('`') || text.ends_with('`');
    let pad = if edge { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A fenced block that its content cannot end, with a word joiner (no width) where a CI system's log would read a command.
/// `language` is the caller's own.
#[must_use]
pub fn markdown_fence(language: &str, text: &str) -> String {
    let text = without_commands(&block(text), "\u{2060}:", "\u{2060}[");
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Text as content of XML 1.0 or HTML; for an attribute's value there is [`xml_attribute`]. Newlines and tabs stay; all else
/// hidden, and with it what XML cannot carry at all, is shown. What a CI system's log would read as a command is written
/// as character references.
#[must_use]
pub fn xml(text: &str) -> String {
    let text = block(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    without_commands(&out, "&#58;", "&#91;")
}

/// Text as an attribute's value in double quotes, in XML 1.0 or HTML. A reader would turn bare newlines and tabs into
/// blanks.
#[must_use]
pub fn xml_attribute(text: &str) -> String {
    xml(text)
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
}

/// A name for somebody else's Markdown, who pastes it unescaped or escapes a part of it: signs that Markdown could read
/// are written in their wide form (`＜` for `<`), which looks alike and means nothing.
#[must_use]
pub fn without_markup(text: &str) -> String {
    let text = line(&text.replace("\r\n", " ").replace(['\n', '\t'], " "));
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = [' '; 3];
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let marks = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~' | '$' | '&'
            | '@' | '{' | '}' | '^' => true,
            ':' => !next.is_whitespace(),
            '.' => before.eq_ignore_ascii_case(&['w', 'w', 'w']),
            '-' => next.is_ascii_digit() && before[1..].eq_ignore_ascii_case(&['G', 'H']),
            _ => false,
        };
        out.push(if marks { wide(c) } else { c });
        before = [before[1], before[2], c];
    }
    out
}

/// The message of a GitHub Actions workflow command.
///
/// The runner decodes `%25`, `%0D` and `%0A`, in this order.
#[must_use]
pub fn github_message(text: &str) -> String {
    block(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a GitHub Actions workflow command, as `title=`.
#[must_use]
pub fn github_property(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// A relative path as a URI reference (RFC 3986, section 4.2): all but unreserved characters and `/` is percent-encoded.
#[must_use]
pub fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(
            line("a\u{1b}[31mb\u{202e}c\u{9b}d\r\n\u{200b}"),
            "a\\u{1b}[31mb\\u{202e}c\\u{9b}d\\r\\n\\u{200b}"
        );
        assert_eq!(block("a\r\n\tb\u{7}\rc"), "a\n\tb\\u{7}\\rc");
        assert_eq!(line("é 中 👩‍💻"), "é 中 👩‍💻");
    }

    #[test]
    fn ascii_leaves_nothing_else() {
        assert_eq!(ascii("é – “x”…"), "\\u{e9} - \"x\"...");
    }

    #[test]
    fn no_line_is_a_ci_command() {
        assert_eq!(
            ci_log("  ::add-mask::x\na::b\n##[error]y ##vso[z]\n##\n"),
            "  \\::add-mask::x\na::b\n##\\[error]y ##vso\\[z]\n##\n"
        );
    }

    #[test]
    fn markdown_is_prose_only() {
        assert_eq!(
            markdown("<img src=x> @bob #12 GH-7 |a| *b* [x](https://e.x) www.e.x ![y] $z$ a: b"),
            "&lt;img src=x&gt; @\u{2060}bob \\#\u{2060}12 GH-\u{2060}7 \\|a\\| \\*b\\* \\[x\\](https\\://e.x) \
             www\\.e.x \\!\\[y\\] \\$z\\$ a: b"
        );
        assert_eq!(
            markdown("run `npm ci` | `x|y` `left"),
            "run `npm ci` \\| x\\|y \\`left"
        );
    }

    #[test]
    fn markdown_code_and_fences_hold_their_content() {
        assert_eq!(markdown_code("a`b"), "``a`b``");
        assert_eq!(markdown_code("`"), "`` ` ``");
        assert_eq!(markdown_code(" "), "");
        assert_eq!(
            markdown_fence("text", "```\n</details>"),
            "````text\n```\n</details>\n````\n"
        );
        assert_eq!(
            markdown_fence("text", " ::x::\n##[y]"),
            "```text\n \u{2060}::x::\n##\u{2060}[y]\n```\n"
        );
    }

    #[test]
    fn xml_is_text_only() {
        assert_eq!(
            xml("<a href=\"x\">'&'\u{1b}\n  ::x ##[y]"),
            "&lt;a href=\"x\"&gt;'&amp;'\\u{1b}\n  &#58;:x ##&#91;y]"
        );
    }

    #[test]
    fn a_name_without_markup_means_nothing_to_markdown() {
        assert_eq!(
            without_markup("small: <b> a|b\n[x](https://www.e.x) #1 GH-7 go-1"),
            "small: ＜b＞ a｜b ［x］(https：//www．e.x) ＃1 GH－7 go-1"
        );
    }

    #[test]
    fn github_commands_cannot_be_left() {
        assert_eq!(
            github_message("50%\n::set-output::x"),
            "50%25%0A::set-output::x"
        );
        assert_eq!(github_property("a:b,c\r"), "a%3Ab%2Cc\\r");
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri_path("a b/ü%.txt"), "a%20b/%C3%BC%25.txt");
    }
}
