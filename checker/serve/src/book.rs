//! The built book: pages by their path, with what makes their lab cards live, and a policy for each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::files::is_plain;
use crate::web;

/// A built book.
#[derive(Debug, Clone)]
pub enum Book {
    /// A folder, as mdBook writes it.
    Folder(PathBuf),
    /// Files by their path, with `/` between the parts.
    Carried(BTreeMap<String, Vec<u8>>),
}

/// What a path of the book has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A file.
    File(File),
    /// A folder, whose page is at this path with a `/` after it.
    Folder,
    /// Nothing.
    Nothing,
}

/// A file, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: &'static str,
    /// The policy for a page; `None` for what is no page.
    pub(crate) policy: Option<String>,
}

impl Book {
    /// Whether there is a book at all.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.bytes("index.html").is_some()
    }

    /// What is at `path`, which is decoded already.
    pub(crate) fn find(&self, path: &str) -> Found {
        let path = path.strip_prefix('/').unwrap_or(path);
        let file = match path {
            "" => Cow::Borrowed("index.html"),
            p if p.ends_with('/') => Cow::Owned(format!("{p}index.html")),
            p => Cow::Borrowed(p),
        };
        if !file.split('/').all(is_plain) {
            return Found::Nothing;
        }
        match self.bytes(&file) {
            Some(bytes) => Found::File(prepared(&file, bytes)),
            None if self.bytes(&format!("{file}/index.html")).is_some() => Found::Folder,
            None => Found::Nothing,
        }
    }

    /// The page for a path that has nothing.
    pub(crate) fn not_found(&self) -> Option<File> {
        self.bytes("404.html").map(|b| prepared("404.html", b))
    }

    /// The page that holds each exercise's card, by the exercise.
    pub(crate) fn cards(&self) -> BTreeMap<String, String> {
        const MARK: &str = "data-mslab-exercise=\"";
        let mut cards = BTreeMap::new();
        for page in self.pages() {
            // The page for printing has every chapter once more.
            if page == "print.html" {
                continue;
            }
            let Some(bytes) = self.bytes(&page) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            for (at, _) in text.match_indices(MARK) {
                let rest = &text[at + MARK.len()..];
                if let Some(end) = rest.find('"') {
                    cards
                        .entry(rest[..end].to_owned())
                        .or_insert_with(|| page.clone());
                }
            }
        }
        cards
    }

    fn pages(&self) -> Vec<String> {
        let mut pages: Vec<String> = match self {
            Self::Carried(files) => files.keys().cloned().collect(),
            Self::Folder(root) => {
                let mut found = Vec::new();
                let mut todo = vec![String::new()];
                while let Some(below) = todo.pop() {
                    let Ok(entries) = fs::read_dir(root.join(&below)) else {
                        continue;
                    };
                    for entry in entries.flatten() {
                        let path = format!("{below}{}", entry.file_name().to_string_lossy());
                        match entry.file_type() {
                            Ok(kind) if kind.is_dir() => todo.push(format!("{path}/")),
                            Ok(kind) if kind.is_file() => found.push(path),
                            _ => {}
                        }
                    }
                }
                found
            }
        };
        pages.retain(|p| p.ends_with(".html"));
        // The chapter before what repeats it: `README.md` becomes both `index.html` and a name of its own.
        pages.sort();
        pages
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self {
            Self::Carried(files) => files.get(path).cloned(),
            Self::Folder(root) => {
                let root = root.canonicalize().ok()?;
                // Where links lead is known only now.
                let file = root.join(path).canonicalize().ok()?;
                if !file.starts_with(&root) || !file.is_file() {
                    return None;
                }
                fs::read(file).ok()
            }
        }
    }
}

fn prepared(path: &str, bytes: Vec<u8>) -> File {
    let media_type = media_type(path);
    if !media_type.starts_with("text/html") {
        return File {
            bytes,
            media_type,
            policy: None,
        };
    }
    let policy = policy(path, &bytes);
    File {
        bytes: live(bytes),
        media_type,
        policy: Some(policy),
    }
}

/// The page with the program that makes its cards live.
fn live(page: Vec<u8>) -> Vec<u8> {
    let mut head = String::new();
    if web::asset("lab.css").is_some() {
        head.push_str("<link rel=\"stylesheet\" href=\"/_mslab/lab.css\">\n");
    }
    if web::asset("lab.js").is_some() {
        head.push_str("<script type=\"module\" src=\"/_mslab/lab.js\"></script>\n");
    }
    let Some(at) = find(&page, b"</head>", 0) else {
        return page;
    };
    [&page[..at], head.as_bytes(), &page[at..]].concat()
}

/// What a page may load: the book's own inline scripts and styles by their hashes, all else from here.
fn policy(path: &str, page: &[u8]) -> String {
    let scripts = sources(&inline(page, "script"));
    let styles = sources(&inline(page, "style"));
    // Without scripts, mdBook shows its table of contents in a frame.
    let frames = if path == "toc.html" || path.ends_with("/toc.html") {
        "'self'"
    } else {
        "'none'"
    };
    // Attributes for style stand in mdBook's tables.
    format!(
        "default-src 'none'; script-src {scripts}; style-src {styles}; style-src-attr 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         frame-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors {frames}"
    )
}

/// This origin, and texts by their hashes.
fn sources(texts: &[&[u8]]) -> String {
    let mut sources = String::from("'self'");
    for text in texts {
        let hash = STANDARD.encode(Sha256::digest(text));
        let source = format!(" 'sha256-{hash}'");
        if !sources.contains(&source) {
            sources.push_str(&source);
        }
    }
    sources
}

/// The policy of answers that are no page.
pub(crate) const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The texts of a page's elements of this name that have no `src`.
///
/// This reads as a browser does where it matters: such an element ends at the first `</name`. What it takes for one and is
/// none adds a hash that nothing has.
fn inline<'a>(page: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let (opening, closing) = (format!("<{name}"), format!("</{name}"));
    let mut texts = Vec::new();
    let mut at = 0;
    while let Some(open) = find(page, opening.as_bytes(), at) {
        let after = open + opening.len();
        let Some(end) = tag_end(page, after) else {
            break;
        };
        let attributes = String::from_utf8_lossy(&page[after..end]).to_ascii_lowercase();
        let begin = end + 1;
        let close = find(page, closing.as_bytes(), begin).unwrap_or(page.len());
        let has_source = attributes
            .split_ascii_whitespace()
            .any(|a| a == "src" || a.starts_with("src="));
        if !has_source && begin < close {
            texts.push(&page[begin..close]);
        }
        at = close;
    }
    texts
}

/// The `>` that ends a tag, quoted ones passed over.
fn tag_end(page: &[u8], from: usize) -> Option<usize> {
    let mut quote = None;
    for (i, b) in page.iter().enumerate().skip(from) {
        match quote {
            Some(q) if *b == q => quote = None,
            Some(_) => {}
            None if matches!(b, b'"' | b'\'') => quote = Some(*b),
            None if *b == b'>' => return Some(i),
            None => {}
        }
    }
    None
}

/// The first place of `word`, in letters of either case, from `from` on.
fn find(page: &[u8], word: &[u8], from: usize) -> Option<usize> {
    let rest = page.get(from..)?;
    rest.windows(word.len())
        .position(|w| w.eq_ignore_ascii_case(word))
        .map(|i| from + i)
}

/// The media type by a name's end.
pub(crate) fn media_type(path: &str) -> &'static str {
    let end = Path::new(path)
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match end.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head><script>let a = 1;</script><SCRIPT src='x.js'></SCRIPT>\
        <script data-x=\"a>b\" type=module>let b = '<' + '2';</Script></head>\
        <body><svg><style>.a{}</style></svg><section data-mslab-exercise=\"exercise-5\"></section></body></html>";

    fn carried() -> Book {
        let files = [
            ("index.html", "<head></head>"),
            ("lessons/go.html", PAGE),
            ("print.html", PAGE),
            ("toc.html", "<head></head>"),
            ("404.html", "<head></head>nothing"),
            ("patterns/index.html", "<head></head>"),
            ("book.js", "let x;"),
        ];
        Book::Carried(
            files
                .map(|(p, t)| (p.to_owned(), t.as_bytes().to_vec()))
                .into(),
        )
    }

    fn folder(root: &Path) -> Book {
        let Book::Carried(files) = carried() else {
            unreachable!()
        };
        for (path, bytes) in files {
            let path = root.join("book").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Book::Folder(root.join("book"))
    }

    #[test]
    fn pages_are_found_in_folders_and_in_memory() {
        let root = tempfile::tempdir().unwrap();
        for book in [carried(), folder(root.path())] {
            assert!(book.is_there());
            for path in [
                "/",
                "/index.html",
                "/patterns/",
                "/lessons/go.html",
                "/book.js",
            ] {
                assert!(matches!(book.find(path), Found::File(_)), "{path}");
            }
            assert_eq!(book.find("/patterns"), Found::Folder);
            assert_eq!(book.cards()["exercise-5"], "lessons/go.html");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_book() {
        let root = tempfile::tempdir().unwrap();
        let book = folder(root.path());
        fs::write(root.path().join("secret.html"), "secret").unwrap();
        for path in [
            "/../secret.html",
            "/lessons/../../secret.html",
            "/..\\secret.html",
            "/lessons/..\\..\\secret.html",
            "//etc/passwd",
            "/./index.html",
            "/C:/index.html",
            "/index.html\0.js",
            "/.",
            "/..",
        ] {
            assert_eq!(book.find(path), Found::Nothing, "{path}");
        }
        #[cfg(unix)]
        {
            let link = root.path().join("book/link.html");
            std::os::unix::fs::symlink(root.path().join("secret.html"), link).unwrap();
            assert_eq!(book.find("/link.html"), Found::Nothing);
        }
    }

    #[test]
    fn a_page_may_run_its_own_scripts_and_no_other_inline_one() {
        let Found::File(file) = carried().find("/lessons/go.html") else {
            panic!("no page");
        };
        let policy = file.policy.unwrap();
        assert_eq!(policy.matches("'sha256-").count(), 3, "{policy}");
        for script in ["let a = 1;", "let b = '<' + '2';", ".a{}"] {
            let hash = STANDARD.encode(Sha256::digest(script));
            assert!(policy.contains(&hash), "{script}: {policy}");
        }
        for kind in ["script-src ", "style-src "] {
            let sources = policy.split(kind).nth(1).unwrap();
            let sources = sources.split(';').next().unwrap();
            assert!(!sources.contains("unsafe"), "{sources}");
        }
        assert!(policy.contains("frame-ancestors 'none'"));
        let Found::File(toc) = carried().find("/toc.html") else {
            panic!("no page");
        };
        assert!(toc.policy.unwrap().contains("frame-ancestors 'self'"));
    }

    #[test]
    fn the_program_comes_into_the_head() {
        let page = live(PAGE.as_bytes().to_vec());
        let page = String::from_utf8(page).unwrap();
        assert_eq!(
            page.contains("/_mslab/lab.js"),
            web::asset("lab.js").is_some()
        );
        assert!(page.contains("</head>"));
    }
}
