//! The lab in the page: the book as `mslab serve` serves it, in a real browser.

use std::fs;

use mslab_tests::engine;

use super::learner::Learner;
use super::{axe, violations};

/// Where no engine answers.
const NO_ENGINE: &str = "unix:///nowhere/docker.sock";

/// The editor's text, as one reads it.
const TEXT: &str = "[...document.querySelectorAll('[role=tabpanel]:not([hidden]) .cm-line')].map((line) => line.textContent).join('\\n')";

#[test]
fn engine_browser_from_the_starter_by_fixes_to_the_pass() {
    let mut learner = Learner::at_the_lab(&engine());
    learner.picture("1-starter");

    // What the text shows is underlined on its words, and told in the terminal's words.
    let words = learner
        .browser
        .eval("[...document.querySelectorAll('.mslab-finding')].map((e) => e.textContent)");
    assert!(
        words.to_string().contains("lighthouse -listen :8080"),
        "{words}"
    );
    let terminal = learner
        .here
        .run(&["check", "exercise-5", "--static"])
        .stdout;
    let row = "[data-mslab-check=exec-form]";
    learner.browser.eval(&format!(
        "document.querySelector('{row} details').open = true"
    ));
    let told = learner.said(&format!("{row} .mslab-seen"));
    assert!(
        !told.is_empty() && terminal.contains(&told),
        "{told:?} is not in\n{terminal}"
    );
    learner.show(row);
    learner.picture("2-finding");

    // A check: steps beside their lines, a verdict for each check, sizes and stages.
    let outcome = learner.check();
    assert!(outcome.contains("✗ failed"), "{outcome}");
    let steps = learner
        .browser
        .eval("document.querySelectorAll('.mslab-steps .mslab-step').length");
    assert!(steps.as_u64().is_some_and(|n| n >= 3), "{steps}");
    let waiting = "document.querySelectorAll('.mslab-verdicts details:not([data-status=passed], [data-status=failed])').length";
    assert_eq!(learner.browser.eval(waiting), 0);
    assert!(
        learner
            .said(".mslab-image .mslab-sizes")
            .contains("at most"),
        "no sizes"
    );
    assert!(
        learner
            .browser
            .eval("document.querySelector('.mslab-graphs svg') !== null")
            == true
    );
    learner.browser.until(
        "document.querySelector('.mslab-unseen[role=status]').textContent.includes('points')",
    );
    learner
        .browser
        .eval("document.querySelector('.mslab-live').scrollIntoView()");
    learner.picture("3-failed");
    learner
        .browser
        .eval("document.querySelector('[data-mslab-check=static] details').open = true");
    learner.show("[data-mslab-check=static]");
    learner.picture("4-fix");
    learner.show(".mslab-pictures");
    learner.picture("5-pictures");

    // Before a pass there is a hint, and no solution.
    learner.browser.click(".mslab-toolbar button:nth-child(3)");
    learner
        .browser
        .until("document.querySelector('.mslab-hint') !== null");
    learner.browser.click(".mslab-toolbar button:last-child");
    learner
        .browser
        .until("document.querySelector('.mslab-answer-place').textContent.includes('--spoil')");

    // Fix after fix: those that the text shows, then those that only an image shows.
    let mut outcome = String::new();
    for _ in 0..20 {
        for _ in 0..20 {
            if !learner.apply() {
                break;
            }
        }
        outcome = learner.check();
        if outcome.contains("✓ passed") || !learner.apply() {
            break;
        }
    }
    assert!(
        outcome.contains("✓ passed 100 / 100"),
        "{outcome}\n{}",
        learner.on_disk()
    );
    let text = learner.browser.eval(TEXT);
    assert_eq!(text.as_str(), Some(&*learner.on_disk()));
    learner
        .browser
        .eval("document.querySelector('.mslab-live').scrollIntoView()");
    learner.picture("6-passed");
    learner.show(".mslab-pictures");
    learner.picture("7-small");

    // The terminal and the sidebar know, and the solution is open.
    assert!(learner.here.run(&["list"]).stdout.contains("✓ passed"));
    learner
        .browser
        .until("document.querySelector('.mslab-tick-passed') !== null");
    assert!(learner.said(".mslab-course").contains("1 of 15 passed"));
    learner.browser.click(".mslab-toolbar button:last-child");
    learner
        .browser
        .until("document.querySelector('.mslab-solution-shown') !== null");
    learner
        .browser
        .eval("document.querySelector('.mslab-live').scrollIntoView({ block: 'end' })");
    learner.picture("8-solution");

    // Reset asks first, and keeps the work.
    learner.browser.click(".mslab-toolbar button:nth-child(4)");
    learner.picture("9-reset");
    learner.browser.click("dialog [value=yes]");
    learner
        .browser
        .until("document.querySelector('.mslab-answer-place').textContent.includes('kept in')");
    learner.settle();
    let starter = learner.browser.eval(TEXT);
    assert_eq!(starter.as_str(), Some(&*learner.on_disk()));
    assert!(!learner.on_disk().contains("scratch"));
    assert_eq!(learner.browser.problems(), Vec::<String>::new());
}

#[test]
fn engine_browser_all_windows_see_the_same_run() {
    let mut learner = Learner::at_the_lab(&engine());
    // A build that lasts as long as it is let, and is never from the cache.
    let slow = format!(
        "FROM golang:1.27\nRUN echo begun {} && sleep 100\n",
        std::process::id()
    );
    fs::write(learner.dockerfile(), slow).expect("the file can be written");
    learner
        .browser
        .until("document.querySelector('.cm-content').textContent.includes('begun')");
    learner.settle();
    learner.browser.click(".mslab-primary");
    let begun = "[...document.querySelectorAll('.mslab-log')].some((log) => log.textContent.includes('begun'))";
    learner.browser.until(begun);

    // A window that comes late sees it from its beginning, and can stop it.
    let first = learner.browser.window_beside();
    learner.open();
    learner.browser.until(begun);
    assert_eq!(learner.said(".mslab-step-running"), "running");
    learner.picture("running");
    learner.browser.click(".mslab-toolbar button:nth-child(2)");
    assert!(learner.ended().contains("Stopped"));
    let second = learner.browser.turn_to(first);
    assert!(learner.ended().contains("Stopped"));

    // An edit in one ends the next, and is in both.
    learner.browser.click(".mslab-primary");
    learner
        .browser
        .until("document.querySelector('.mslab-step-running') !== null");
    let first = learner.browser.turn_to(second);
    learner
        .browser
        .until("document.querySelector('.mslab-running') !== null");
    learner
        .browser
        .eval("document.querySelector('.cm-content').focus()");
    learner.browser.type_in("# from the second\n");
    assert!(learner.ended().contains("the files were changed"));
    learner.browser.turn_to(first);
    assert!(learner.ended().contains("the files were changed"));
    learner
        .browser
        .until("document.querySelector('.cm-content').textContent.includes('# from the second')");
    assert!(learner.on_disk().starts_with("# from the second\n"));
}

#[test]
fn browser_live_findings_follow_the_keys_at_once() {
    let mut learner = Learner::at_the_lab(NO_ENGINE);
    // At the end of the words of a finding: what is typed there is underlined when it was looked at.
    learner
        .browser
        .eval("document.querySelector('.cm-content').focus()");
    learner.browser.press("Ctrl+End");
    learner.browser.eval(
        "(() => {
            const content = document.querySelector('.cm-content');
            const last = () => [...document.querySelectorAll('.mslab-finding')].at(-1)?.textContent ?? '';
            let begun = null;
            let wanted = '';
            window.took = [];
            content.addEventListener('keydown', (event) => {
                if (event.key === 'x') { begun = performance.now(); wanted = last() + 'x'; }
            }, true);
            new MutationObserver(() => {
                if (begun !== null && last() === wanted) {
                    window.took.push(performance.now() - begun);
                    begun = null;
                }
            }).observe(content, { childList: true, subtree: true, characterData: true });
        })()",
    );
    // The starter ends with a line feed.
    let end_of_words = "(() => { const lines = document.querySelectorAll('.cm-line'); return lines[lines.length - 1].textContent === ''; })()";
    if learner.browser.eval(end_of_words) == true {
        learner.browser.press("ArrowUp");
        learner.browser.press("End");
    }
    for n in 1..=40 {
        learner.browser.press("x");
        learner
            .browser
            .until(&format!("window.took.length === {n}"));
    }
    let took = learner
        .browser
        .eval("window.took.toSorted((a, b) => a - b)");
    let took: Vec<f64> = took
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    let median = took[took.len() / 2];
    eprintln!(
        "from the key to the underline: {:.1} ms at best, {median:.1} ms in the middle, {:.1} ms at worst",
        took[0],
        took[took.len() - 1]
    );
    let limit = 50.0 * crowd();
    assert!(median < limit, "not within {limit:.0} ms: {took:?}");
}

/// How many programs wait for each processor, and 1 where it is free: where others compute, too, a key waits its turn.
fn crowd() -> f64 {
    let processors = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load
        .split(' ')
        .next()
        .and_then(|l| l.parse().ok())
        .unwrap_or(0.0);
    (load / processors).max(1.0)
}

#[test]
fn browser_live_conflict_overwrites_nothing_unseen() {
    let mut learner = Learner::at_the_lab(NO_ENGINE);
    let starter = learner.on_disk();
    // A change elsewhere appears.
    fs::write(learner.dockerfile(), format!("# elsewhere\n{starter}"))
        .expect("the file can be written");
    learner
        .browser
        .until("document.querySelector('.cm-content').textContent.includes('# elsewhere')");
    learner.settle();
    assert_eq!(learner.said(".mslab-conflict"), "");

    for (button, kept) in [("Keep mine", "# mine\n"), ("Take the disk's", "# theirs\n")] {
        // Both at once: the server looks away until both have happened.
        let before = learner.on_disk();
        learner.served.signal("STOP");
        learner
            .browser
            .eval("document.querySelector('.cm-content').focus()");
        learner.browser.press("Ctrl+Home");
        learner.browser.type_in("# mine\n");
        fs::write(learner.dockerfile(), format!("# theirs\n{before}"))
            .expect("the file can be written");
        std::thread::sleep(std::time::Duration::from_millis(600));
        learner.served.signal("CONT");
        learner
            .browser
            .until("document.querySelector('.mslab-conflict') !== null");
        let both = learner.said(".mslab-conflict");
        assert!(
            both.contains("# mine") && both.contains("# theirs"),
            "{both}"
        );
        assert!(learner.on_disk().starts_with("# theirs\n"));
        learner.browser.until("document.querySelector('.mslab-unseen[role=status]').textContent.includes('changed elsewhere')");
        if kept == "# mine\n" {
            learner
                .browser
                .eval("document.querySelector('.mslab-live').scrollIntoView()");
            learner.picture("conflict");
        }
        learner.browser.eval(&format!(
            "[...document.querySelectorAll('.mslab-conflict button')].find((b) => b.textContent === {button:?}).click()"
        ));
        learner
            .browser
            .until("document.querySelector('.mslab-conflict') === null");
        learner.settle();
        let text = learner.on_disk();
        assert!(text.starts_with(kept), "{text}");
        assert_eq!(learner.browser.eval(TEXT).as_str(), Some(&*text));
    }
}

#[test]
fn browser_live_each_of_several_files_has_its_tab() {
    let mut learner = Learner::new(NO_ENGINE);
    learner.open_at("exercise-14");
    let tabs = "[...document.querySelectorAll('[role=tab]')].map((t) => t.textContent)";
    let toys = ["kite", "eggtimer", "gatekeeper", "abacus", "music-box"];
    let wanted = toys.map(|toy| format!("{toy}/Dockerfile"));
    let tabs = learner.browser.eval(tabs);
    for file in &wanted {
        let named = tabs.as_array().is_some_and(|t| t.iter().any(|t| t == file));
        assert!(named, "{file}: {tabs}");
    }
    let folder = learner.here.exercise("14-broken-builds");
    let read = |file: &String| fs::read_to_string(folder.join(file)).expect("it is there");
    let before = wanted.each_ref().map(read);
    learner.browser.eval(&format!(
        "[...document.querySelectorAll('[role=tab]')].find((t) => t.textContent === {:?}).click()",
        wanted[1]
    ));
    learner
        .browser
        .eval("document.querySelector('[role=tabpanel]:not([hidden]) .cm-content').focus()");
    learner.browser.press("Ctrl+Home");
    learner.browser.type_in("# a small egg\n");
    learner.settle();
    learner.picture("several-files");
    let mut after = before;
    after[1].insert_str(0, "# a small egg\n");
    assert_eq!(wanted.each_ref().map(read), after);
}

#[test]
fn browser_live_the_last_exercise_keeps_its_answers_until_they_are_asked_for() {
    let mut learner = Learner::new(NO_ENGINE);
    learner.open_at("exercise-15");
    learner
        .browser
        .until("document.querySelector('[data-mslab-check]') !== null");
    let fixes = learner
        .browser
        .eval("document.querySelectorAll('.mslab-apply').length");
    assert_eq!(fixes, 0);
    learner.picture("capstone");
}

#[test]
fn browser_live_a_server_that_is_gone_is_told() {
    let mut learner = Learner::at_the_lab(NO_ENGINE);
    learner.served.signal("TERM");
    let _ = learner.served.wait();
    learner
        .browser
        .until("document.querySelector('.mslab-gone')?.hidden === false");
    learner
        .browser
        .eval("document.querySelector('.cm-content').focus()");
    learner.browser.type_in("# kept\n");
    learner
        .browser
        .until("document.querySelector('.mslab-saved-failed') !== null");
    let told = learner.said(".mslab-gone");
    assert!(
        told.contains("mslab check exercise-5") && told.contains("mslab serve"),
        "{told}"
    );
    assert!(told.contains("not saved"), "{told}");
    assert_eq!(
        learner
            .browser
            .eval("document.querySelector('.mslab-primary').ariaDisabled"),
        "true"
    );
    assert!(
        learner
            .browser
            .eval(TEXT)
            .as_str()
            .is_some_and(|t| t.starts_with("# kept\n"))
    );
    learner
        .browser
        .eval("document.querySelector('.mslab-live').scrollIntoView()");
    learner.picture("gone");
}

#[test]
fn browser_live_keyboard_is_enough() {
    let mut learner = Learner::at_the_lab(NO_ENGINE);
    let browser = &mut learner.browser;
    browser.tab_to(".cm-content");
    browser.press("Ctrl+End");
    // Tab indents; Escape lets it go on.
    browser.press("Tab");
    assert_eq!(
        browser.eval("document.activeElement.matches('.cm-content')"),
        true
    );
    browser.press("Escape");
    browser.press("Tab");
    assert_eq!(
        browser.eval("document.activeElement.matches('.cm-content')"),
        false
    );
    let described = browser.eval("document.getElementById(document.querySelector('.cm-content').getAttribute('aria-describedby')).textContent");
    assert!(
        described.as_str().is_some_and(|t| t.contains("Escape")),
        "{described}"
    );

    // From the finding to its fix, applied.
    browser.tab_to("[data-mslab-check=exec-form] summary");
    browser.press("Enter");
    browser.tab_to("[data-mslab-check=exec-form] .mslab-apply");
    browser.press("Enter");
    browser.until("document.querySelector('[data-mslab-check=exec-form] details').dataset.status === 'passed'");

    // The focus stays where the fix was, and a check can be begun from there. Without an engine it says what is missing,
    // and judges nothing.
    assert_eq!(
        browser.eval("document.activeElement.closest('[data-mslab-check]')?.dataset.mslabCheck"),
        "exec-form"
    );
    browser.press("Ctrl+Enter");
    browser.until("document.querySelector('.mslab-outcome .mslab-fault') !== null");
    let told = learner.said(".mslab-outcome");
    assert!(told.contains("Not judged"), "{told}");
    learner.browser.until(
        "document.querySelector('.mslab-unseen[role=status]').textContent.includes('Not judged')",
    );
    assert!(
        learner.on_disk().contains("CMD [\""),
        "{}",
        learner.on_disk()
    );
    learner
        .browser
        .eval("document.querySelector('.mslab-live').scrollIntoView()");
    learner.picture("no-engine");
}

#[test]
fn engine_browser_axe_finds_nothing_in_a_live_card() {
    let axe = axe();
    let mut learner = Learner::at_the_lab(&engine());
    learner.check();
    learner.browser.click(".mslab-toolbar button:nth-child(3)");
    learner
        .browser
        .until("document.querySelector('.mslab-hint') !== null");
    learner
        .browser
        .eval("document.querySelectorAll('main details').forEach((d) => { d.open = true; })");
    let mut wrong = Vec::new();
    for (theme, width) in [
        ("light", 1280),
        ("rust", 1280),
        ("coal", 1280),
        ("navy", 1280),
        ("ayu", 1280),
        ("navy", 390),
        ("light", 390),
    ] {
        if width < 600 {
            // As a phone opens it: mdBook decides then whether its sidebar is open.
            learner.browser.window(width, 844);
            learner.browser.reload();
            learner.settle();
        }
        learner.browser.eval(&format!(
            "document.documentElement.classList.remove('light', 'rust', 'coal', 'navy', 'ayu'); document.documentElement.classList.add('{theme}')"
        ));
        learner
            .browser
            .eval("document.querySelector('.mslab-live').scrollIntoView()");
        let found = violations(&mut learner.browser, &axe);
        wrong.extend(found.iter().map(|v| format!("{theme}, {width}: {v}")));
        learner.picture(&format!("{theme}-{width}"));
        let wide = learner
            .browser
            .eval("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(
            wide, 0,
            "{theme}, {width}: the page is wider than its window"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
