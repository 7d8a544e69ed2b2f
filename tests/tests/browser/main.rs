//! The built book in a real browser: pages load, links hold, axe finds nothing, the keyboard is enough.
//!
//! `make test` builds the book, and fetches Chromium and axe where they are missing. By hand:
//! `MSLAB_TEST_BOOK=target/book MSLAB_AXE=target/browser/node_modules/axe-core/axe.min.js cargo test -p mslab-tests --test browser`.

mod cdp;
mod class;
mod learner;
mod live;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mslab_tests::root;

use cdp::Browser;
use serve::serve;

/// The built book's folder.
fn book() -> PathBuf {
    let set = std::env::var_os("MSLAB_TEST_BOOK");
    let set = set.expect(
        "this test needs the built book: set MSLAB_TEST_BOOK to its folder, or run `make test`",
    );
    root().join(set)
}

/// The pages that people read, by their path in the book; that with all chapters on it is not among them.
fn pages() -> Vec<String> {
    fn collect(folder: &Path, path: &str, out: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the book is there").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = if path.is_empty() {
                name
            } else {
                format!("{path}/{name}")
            };
            if entry.path().is_dir() {
                collect(&entry.path(), &inner, out);
            } else if inner.ends_with(".html")
                && !["toc.html", "404.html", "print.html"].contains(&&*inner)
            {
                out.push(inner);
            }
        }
    }
    let mut out = Vec::new();
    collect(&book(), "", &mut out);
    out.sort();
    assert!(out.len() > 20, "the book has pages: {out:?}");
    out
}

/// The page that holds something, by a text of its HTML.
fn page_with(text: &str) -> String {
    let has = |page: &String| {
        let html = fs::read_to_string(book().join(page)).expect("a page is text");
        html.contains(text)
    };
    pages()
        .into_iter()
        .find(has)
        .unwrap_or_else(|| panic!("no page has {text}"))
}

/// The program of axe.
fn axe() -> String {
    let set = std::env::var_os("MSLAB_AXE");
    let set = set.expect(
        "this test needs axe: set MSLAB_AXE to axe.min.js, or run `make test`, which fetches it",
    );
    fs::read_to_string(root().join(set)).expect("axe can be read")
}

/// What axe finds on the page that is open.
fn violations(browser: &mut Browser, axe: &str) -> Vec<String> {
    browser.eval(axe);
    texts(browser.eval(
        "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.flatMap((v) => \
         v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`)))",
    ))
}

/// The texts of a list.
fn texts(value: serde_json::Value) -> Vec<String> {
    serde_json::from_value(value).expect("it is a list of texts")
}

/// Where pictures are kept, for a person to look at.
fn pictures() -> PathBuf {
    let folder = root().join("target/screenshots");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// Takes a theme of mdBook's for all pages from here on.
fn theme(browser: &mut Browser, site: &str, theme: &str) {
    browser.open(site);
    browser.eval(&format!("localStorage.setItem('mdbook-theme', '{theme}')"));
}

#[test]
fn browser_every_page_loads_and_every_link_holds() {
    let site = serve(&book());
    let mut browser = Browser::start();
    let mut wrong = Vec::new();
    let mut anchors: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut links: Vec<(String, String)> = Vec::new();
    let mut all = pages();
    all.push("print.html".into());
    for page in &all {
        // The page for paper opens a dialogue.
        let problems = browser.open(&format!("{site}{page}"));
        wrong.extend(problems.into_iter().map(|p| format!("{page}: {p}")));
        let ids = texts(browser.eval("[...document.querySelectorAll('[id]')].map((e) => e.id)"));
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        if distinct.len() < ids.len() {
            let twice = ids
                .iter()
                .filter(|id| ids.iter().filter(|o| o == id).count() > 1);
            wrong.push(format!(
                "{page}: ids given twice: {:?}",
                twice.collect::<BTreeSet<_>>()
            ));
        }
        anchors.insert(page.clone(), distinct);
        for link in
            texts(browser.eval("[...document.querySelectorAll('a[href]')].map((a) => a.href)"))
        {
            links.push((page.clone(), link));
        }
    }
    for (page, link) in links {
        let Some(inside) = link.strip_prefix(&site) else {
            continue;
        };
        let (path, anchor) = inside.split_once('#').unwrap_or((inside, ""));
        let path = if path.is_empty() { "index.html" } else { path };
        let known = anchors.get(path);
        let holds = match known {
            Some(ids) => anchor.is_empty() || ids.contains(anchor),
            None => book().join(path).is_file(),
        };
        if !holds {
            wrong.push(format!("{page}: nothing is at {inside}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// One test for each look: they share the processors.
#[test]
fn browser_axe_finds_nothing_in_light() {
    axe_finds_nothing("light", 1280);
}

#[test]
fn browser_axe_finds_nothing_in_dark() {
    axe_finds_nothing("navy", 1280);
}

#[test]
fn browser_axe_finds_nothing_on_a_phone() {
    axe_finds_nothing("light", 390);
}

/// Looks at every page with axe, in a theme of mdBook's and a window of so many CSS pixels.
fn axe_finds_nothing(look: &str, width: u32) {
    let axe = axe();
    let site = serve(&book());
    let mut browser = Browser::start();
    browser.window(width, 900);
    theme(&mut browser, &site, look);
    let mut wrong = Vec::new();
    for page in pages() {
        browser.open(&format!("{site}{page}"));
        // What is folded is looked at too.
        browser
            .eval("document.querySelectorAll('main details').forEach((d) => { d.open = true; })");
        let found = violations(&mut browser, &axe);
        wrong.extend(found.iter().map(|v| format!("{page}: {v}")));
    }
    assert!(
        wrong.is_empty(),
        "{} violations:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn browser_keyboard_answers_a_quiz_and_the_answer_stays() {
    let site = serve(&book());
    let mut browser = Browser::start();
    browser.open(&format!("{site}{}", page_with("mslab-quiz")));
    let feedback = "document.querySelector('.mslab-feedback').textContent";
    assert_eq!(browser.eval(feedback), "");
    browser.tab_to(".mslab-quiz input");
    browser.press(" ");
    let first = browser.eval(feedback);
    assert_ne!(first, "");
    browser.press("ArrowDown");
    let second = browser.eval(feedback);
    assert_ne!(first, second);
    browser.reload();
    assert_eq!(
        browser.eval("document.querySelectorAll('.mslab-quiz input')[1].checked"),
        true
    );
    assert_eq!(browser.eval(feedback), second);
}

#[test]
fn browser_keyboard_ticks_a_line_and_the_tick_survives() {
    let site = serve(&book());
    let mut browser = Browser::start();
    browser.open(&format!("{site}{}", page_with("mslab-checklist")));
    let status = "document.querySelector('.mslab-progress [role=status]').textContent";
    browser.tab_to(".mslab-checklist input");
    browser.press(" ");
    let told = browser.eval(status);
    assert!(
        told.as_str().is_some_and(|t| t.starts_with("1 of ")),
        "{told}"
    );
    browser.reload();
    assert_eq!(
        browser.eval("document.querySelector('.mslab-checklist input').checked"),
        true
    );
    assert_eq!(browser.eval(status), told);
    browser.tab_to(".mslab-clear");
    browser.press("Enter");
    browser.reload();
    assert_eq!(
        browser.eval("document.querySelector('.mslab-checklist input').checked"),
        false
    );
}

#[test]
fn browser_keyboard_opens_a_card_and_copies_its_command() {
    let site = serve(&book());
    let mut browser = Browser::start();
    browser.open(&format!("{site}{}", page_with("id=\"exercise-5\"")));
    browser.tab_to(".mslab-checks summary");
    assert_eq!(
        browser.eval("document.activeElement.parentElement.open"),
        false
    );
    browser.press("Enter");
    assert_eq!(
        browser.eval("document.activeElement.parentElement.open"),
        true
    );
    browser.tab_to(".mslab-fold > summary");
    browser.press(" ");
    assert_eq!(
        browser.eval("document.querySelector('.mslab-fold').open"),
        true
    );
    browser.tab_to(".mslab-copy");
    browser.press("Enter");
    browser.until("document.querySelector('.mslab-said').textContent === 'Copied'");
    assert_eq!(
        browser.eval("getComputedStyle(document.querySelector('.mslab-live')).display"),
        "none"
    );
}

#[test]
fn browser_without_scripts_all_is_there() {
    let site = serve(&book());
    let mut browser = Browser::start();
    browser.scripts(false);
    browser.open(&format!("{site}{}", page_with("mslab-quiz")));
    let seen = "[...document.querySelectorAll('.mslab-why')].every((w) => getComputedStyle(w).display !== 'none')";
    assert_eq!(browser.eval(seen), true);
    assert_eq!(
        browser.eval("document.querySelectorAll('.mslab-copy:not([hidden])').length"),
        0
    );
}

#[test]
fn browser_search_finds_checks_and_messages() {
    let site = serve(&book());
    let mut browser = Browser::start();
    for (words, page) in [
        ("secret-not-leaked", "reference/checks.html"),
        ("dynamically linked", "lessons/go.html"),
        ("certificate signed by unknown authority", "lessons/go.html"),
        ("GLIBC not found", "troubleshooting.html"),
    ] {
        browser.open(&format!(
            "{site}index.html?search={}",
            words.replace(' ', "+")
        ));
        browser.until(
            "document.querySelectorAll('#mdbook-searchresults a, #searchresults a').length > 0",
        );
        let links = browser.eval(
            "[...document.querySelectorAll('#mdbook-searchresults a, #searchresults a')].slice(0, 5).map((a) => a.href).join(' ')",
        );
        assert!(
            links.as_str().is_some_and(|l| l.contains(page)),
            "{words}: {links}"
        );
    }
}

/// For a person to look at: the ten pages that matter most, in light, dark, and on a phone.
#[test]
fn browser_pictures_are_made() {
    let folder = pictures();
    let site = serve(&book());
    let mut browser = Browser::start();
    for (name, look, width) in [
        ("light", "light", 1280),
        ("dark", "navy", 1280),
        ("phone", "light", 390),
    ] {
        browser.window(width, 900);
        theme(&mut browser, &site, look);
        for page in [
            "index",
            "why",
            "how-it-works",
            "lessons/node",
            "lessons/go",
            "patterns/test-stage",
            "troubleshooting",
            "checklist",
            "reference/checks",
            "authors/directives",
        ] {
            browser.open(&format!("{site}{page}.html"));
            let picture = folder.join(format!("{}-{name}.png", page.replace('/', "-")));
            browser.picture(&picture);
            assert!(
                fs::metadata(&picture).is_ok_and(|m| m.len() > 10_000),
                "{picture:?} is empty"
            );
        }
    }
}
