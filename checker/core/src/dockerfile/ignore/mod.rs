//! `.dockerignore`: which paths of a build context the engine leaves out, and which line decides.

mod expression;
mod glob;

use glob::{Glob, Refused};

use crate::source::{Source, Span};

/// The patterns of a `.dockerignore` file.
#[derive(Debug, Clone)]
pub struct Ignore {
    /// The patterns in the order of the file; a later one wins over an earlier one.
    pub patterns: Vec<IgnorePattern>,
    /// Lines that make the engine refuse the file.
    pub errors: Vec<IgnoreError>,
}

/// One line of the file.
#[derive(Debug, Clone)]
pub struct IgnorePattern {
    /// The line without white space at its ends.
    pub span: Span,
    /// The pattern as the engine uses it: cleaned, relative to the context, without the `!`.
    pub text: String,
    /// Whether it begins with `!`: what it matches is kept.
    pub keeps: bool,
    glob: Glob,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreError {
    /// The line.
    pub span: Span,
    /// What is wrong with it.
    pub message: String,
}

/// What each pattern said of a folder; what is inside it needs to know.
#[derive(Debug, Clone, Default)]
pub struct FolderMatch {
    matched: Vec<bool>,
}

/// The names under which the engine looks for the ignore file of a Dockerfile, both relative to the context; the
/// first that exists counts, alone.
#[must_use]
pub fn ignore_file_names(dockerfile: &str) -> [String; 2] {
    [
        format!("{dockerfile}.dockerignore"),
        ".dockerignore".to_owned(),
    ]
}

impl Ignore {
    /// Reads the file's bytes. Lines that begin with `#` are comments; a byte order mark is passed over.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut ignore = Self {
            patterns: Vec::new(),
            errors: Vec::new(),
        };
        let source = Source::new(".dockerignore", bytes);
        for number in 1..=source.line_count() {
            let mut span = source.line_span(number);
            if number == 1 && bytes.starts_with(b"\xEF\xBB\xBF") {
                span.start += 3;
            }
            if source.slice(span).starts_with(b"#") {
                continue;
            }
            let text = source.snippet(span);
            let lead = text.len() - text.trim_start().len();
            let text = text.trim();
            if !text.is_empty() {
                let start = span.start + lead;
                let end = (start + text.len()).min(span.end);
                ignore.line(text, Span::new(start, end));
            }
        }
        ignore.unsendable();
        ignore
    }

    /// The engine asks for a context in a message whose header has the patterns. Control characters cannot stand in
    /// it, unless some pattern is not ASCII: all are put in another form then.
    fn unsendable(&mut self) {
        if self.patterns.iter().all(|p| p.text.is_ascii()) {
            let bad = |p: &&IgnorePattern| p.text.contains(|c: char| c.is_ascii_control());
            let errors = self.patterns.iter().filter(bad).map(|p| IgnoreError {
                span: p.span,
                message: format!("control character in pattern {:?}", p.text),
            });
            self.errors.extend(errors);
            self.errors.sort_by_key(|e| e.span.start);
        }
    }

    fn line(&mut self, text: &str, span: Span) {
        let (keeps, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let cleaned = clean(text);
        if keeps && (text.is_empty() || cleaned == "/") {
            self.errors.push(IgnoreError {
                span,
                message: "illegal exclusion pattern: \"!\"".to_owned(),
            });
            return;
        }
        let relative = match cleaned.strip_prefix('/') {
            Some(rest) if !rest.is_empty() => clean(rest),
            _ => cleaned,
        };
        match Glob::parse(&relative) {
            Ok(glob) => self.patterns.push(IgnorePattern {
                span,
                text: relative,
                keeps,
                glob,
            }),
            // Nothing is compared with it where nothing is left out.
            Err(Refused::Compared) if keeps && !self.patterns.iter().any(|p| !p.keeps) => {}
            Err(_) => self.errors.push(IgnoreError {
                span,
                message: format!("syntax error in pattern {relative:?}"),
            }),
        }
    }

    /// Whether the engine leaves `path` (relative to the context, with slashes) out of the build.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.deciding(path).is_some_and(|p| !p.keeps)
    }

    /// The last pattern that has a say about `path`, or about a folder that it is in.
    #[must_use]
    pub fn deciding(&self, path: &str) -> Option<&IgnorePattern> {
        let path = clean(path);
        let mut folder = FolderMatch::default();
        let mut decided = None;
        let slashes = path.match_indices('/').map(|(i, _)| i);
        for end in slashes.chain([path.len()]) {
            (decided, folder) = self.step(&path[..end], &folder);
        }
        decided.map(|i| &self.patterns[i])
    }

    /// Whether `path` is left out, given what the patterns said of the folder that holds it; and what they say of
    /// `path` itself, for what is inside it. For a walk from the top, which begins with the default.
    #[must_use]
    pub fn matches_in(&self, path: &str, folder: &FolderMatch) -> (bool, FolderMatch) {
        let (decided, here) = self.step(path, folder);
        (decided.is_some_and(|i| !self.patterns[i].keeps), here)
    }

    /// Whether any line begins with `!`, so that something inside an ignored folder may be kept.
    #[must_use]
    pub fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|p| p.keeps)
    }

    fn step(&self, path: &str, folder: &FolderMatch) -> (Option<usize>, FolderMatch) {
        let mut here = FolderMatch {
            matched: vec![false; self.patterns.len()],
        };
        let mut decided: Option<usize> = None;
        for (i, pattern) in self.patterns.iter().enumerate() {
            let ignored = decided.is_some_and(|d| !self.patterns[d].keeps);
            let matched = folder.matched.get(i).copied().unwrap_or(false)
                || (pattern.keeps == ignored && pattern.glob.matches(path));
            here.matched[i] = matched;
            if matched {
                decided = Some(i);
            }
        }
        (decided, here)
    }
}

/// A path without empty parts, `.` and what `..` takes back; `.` if nothing is left.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(file: &str, path: &str) -> bool {
        Ignore::parse(file.as_bytes()).matches(path)
    }

    #[test]
    fn patterns_match_as_in_the_engine() {
        let cases = [
            ("node_modules", "node_modules/a/b.js", true),
            ("node_modules", "app/node_modules", false),
            ("**/node_modules", "app/node_modules/x", true),
            ("**/node_modules", "node_modules", true),
            ("/dist/", "dist/x", true),
            ("./dist", "dist", true),
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README.md", "CHANGES.md", true),
            ("*.md", "docs/a.md", false),
            ("**/*.md", "docs/a.md", true),
            ("docs\n!docs/keep.md", "docs/keep.md", false),
            ("docs\n!docs/keep.md\ndocs/k*", "docs/keep.md", true),
            ("**", "anything/at/all", true),
            ("*\n!src", "src/main.rs", false),
            ("*\n!src", "lib/main.rs", true),
            ("# *\n  \n a ", "a", true),
            ("\u{feff}a\r\nb\r\n", "a", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**", "a/x", true),
            ("a/**", "a", false),
            ("a\\*b", "a*b", true),
            ("x/../y", "y", true),
            ("!a", "a", false),
            (" !  a ", "a", false),
            // The engine makes regular expressions of patterns, and not always those that one would expect.
            ("\\d\\d", "42", true),
            ("\\d", "d", false),
            ("\\x41", "A", true),
            ("\\101", "A", true),
            ("\\bab\\b", "ab", true),
            ("a\\B", "a", false),
            ("\\Qa.b\\E*", "a\\.bc", true),
            ("[\\w.]", "_", true),
            ("[^\\D]", "5", true),
            ("[[:alpha:]]", "x", true),
            ("[[:^alpha:]]", "x", false),
            ("a[*]b", "a]b", true),
            ("a[*]b", "a*b", false),
        ];
        for (file, path, expected) in cases {
            assert_eq!(ignored(file, path), expected, "{file:?} on {path:?}");
        }
    }

    #[test]
    fn a_line_that_decides_can_be_pointed_at() {
        let ignore = Ignore::parse(b"# c\n*.log\n !keep.log\n");
        let line = ignore.deciding("keep.log").expect("a deciding line");
        assert_eq!((line.span, line.keeps), (Span::new(11, 20), true));
        assert!(ignore.deciding("other").is_none());
    }

    #[test]
    fn bad_patterns_are_errors() {
        for bad in [
            "!", "!/", "[", "[]a]", "a[b-", "[z-a]x", "a\\", "\\m", "\\1", "a\x0Bb",
        ] {
            assert_eq!(Ignore::parse(bad.as_bytes()).errors.len(), 1, "{bad}");
        }
    }
}
