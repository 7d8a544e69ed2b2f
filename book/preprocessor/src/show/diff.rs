//! A unified diff as lines that read without colour: the sign stands before each.

use crate::html;

/// A diff of one file or several, each below its name. `name` takes the place of the names in the diff.
pub(super) fn figure(unified: &str, caption: &str, label: &str) -> String {
    let mut out = format!(
        "<figure class=\"mslab-file mslab-diff\">\n<figcaption>{caption}</figcaption>\n\
         <pre class=\"mslab-code\" tabindex=\"0\" aria-label=\"{}\"><samp>",
        html::text(label)
    );
    out.push_str(&lines(unified));
    out.push_str("</samp></pre>\n</figure>\n");
    html::whole(&out)
}

/// The lines of a diff, without its header where it is of one Dockerfile alone.
pub(super) fn lines(unified: &str) -> String {
    let several = unified.lines().filter(|l| l.starts_with("+++ ")).count() > 1
        || unified
            .lines()
            .any(|l| l.starts_with("+++ ") && l != "+++ Dockerfile");
    let mut out = String::new();
    let mut in_hunk = false;
    for line in unified.lines() {
        let (class, text) = match line.as_bytes() {
            _ if line.starts_with("--- ") && !in_hunk => continue,
            _ if line.starts_with("--- ") && is_header(unified, line) => {
                in_hunk = false;
                continue;
            }
            _ if line.starts_with("+++ ") && !in_hunk => {
                if several {
                    ("mslab-line d-file", line[4..].to_owned())
                } else {
                    continue;
                }
            }
            [b'@', b'@', ..] => {
                let first = !in_hunk;
                in_hunk = true;
                match new_line(line) {
                    Some(1) if first => continue,
                    Some(n) => ("mslab-line d-gap", format!("⋮ line {n}")),
                    None => continue,
                }
            }
            [b'+', ..] => ("mslab-line d-add", line.to_owned()),
            [b'-', ..] => ("mslab-line d-del", line.to_owned()),
            [b'\\', ..] => continue,
            _ => ("mslab-line", line.to_owned()),
        };
        let (sign, text) = match text.chars().next() {
            Some(sign @ ('+' | '-' | ' ')) if !class.ends_with("d-file") => {
                (format!("<span class=\"d-sign\">{sign}</span>"), &text[1..])
            }
            _ => (String::new(), text.as_str()),
        };
        out.push_str(&format!(
            "<span class=\"{class}\">{sign}{}</span>\n",
            html::text(text)
        ));
    }
    out
}

/// Whether a line that begins with `--- ` is a file's header, and not a line `-- …` that goes.
fn is_header(unified: &str, line: &str) -> bool {
    let Some(at) = unified.find(&format!("\n{line}\n")) else {
        return false;
    };
    unified[at + 1..]
        .lines()
        .nth(1)
        .is_some_and(|l| l.starts_with("+++ "))
}

/// The first line of the new file that a hunk shows: 9 of `@@ -7,3 +9,4 @@`.
fn new_line(hunk: &str) -> Option<usize> {
    let new = hunk.split_whitespace().nth(2)?.strip_prefix('+')?;
    new.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn signs_stay_and_headers_go() {
        let diff = "--- Dockerfile\n+++ Dockerfile\n@@ -1,2 +1,2 @@\n FROM a\n-RUN b\n+RUN c\n@@ -9 +9 @@\n-x\n+<y>\n";
        assert_eq!(
            lines(diff),
            "<span class=\"mslab-line\"><span class=\"d-sign\"> </span>FROM a</span>\n\
             <span class=\"mslab-line d-del\"><span class=\"d-sign\">-</span>RUN b</span>\n\
             <span class=\"mslab-line d-add\"><span class=\"d-sign\">+</span>RUN c</span>\n\
             <span class=\"mslab-line d-gap\">⋮ line 9</span>\n\
             <span class=\"mslab-line d-del\"><span class=\"d-sign\">-</span>x</span>\n\
             <span class=\"mslab-line d-add\"><span class=\"d-sign\">+</span>&lt;y&gt;</span>\n"
        );
    }

    #[test]
    fn several_files_keep_their_names() {
        let diff = "--- .dockerignore\n+++ .dockerignore\n@@ -1 +1 @@\n-a\n+b\n--- Dockerfile\n+++ Dockerfile\n@@ -1 +1 @@\n-c\n+d\n";
        assert_eq!(lines(diff).matches("d-file").count(), 2);
        assert!(!lines(diff).contains("---"));
    }
}
