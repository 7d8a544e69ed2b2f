//! The pages of a class: nothing is asked for from elsewhere, axe finds nothing, and nothing is cut off on a phone.

use std::fs;

use mslab_tests::Sandbox;

use super::cdp::Browser;
use super::serve::serve;
use super::{axe, root, violations};

/// A class that was handed in and waits, with one of each kind that needs no engine.
fn class() -> Sandbox {
    let here = Sandbox::new();
    let hand_in = |student: &str, file: &str, text: &str| {
        let dir = here.path().join("in").join(student);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(file), text).unwrap();
    };
    hand_in("ann", "Dockerfile", "FROM scratch\n");
    hand_in(
        "ben-with-a-long-name@example.org",
        "Dockerfile",
        "FROM alpine\n",
    );
    hand_in("cem", "Dockerfile", &"#".repeat(2 << 20));
    hand_in("dee", "holiday.txt", "see you");
    let roster = "id,name,due,submitted\nann,Ann Arbor,2026-11-30T23:59:00Z,2026-12-02T12:00:00Z\nfay,Fay Frey,,\n";
    fs::write(here.path().join("class.csv"), roster).unwrap();
    let nowhere = "unix:///nowhere/docker.sock";
    let args = ["grade", "in", "--exercise", "5", "--roster", "class.csv"];
    let late = ["--late-penalty", "10%/day", "--engine", nowhere];
    assert_eq!(here.run(&[&args[..], &late[..]].concat()).code, 3);
    let mark = [
        "grade",
        "override",
        "ann",
        "5",
        "80",
        "--note",
        "at the board",
    ];
    assert_eq!(here.run(&mark).code, 0);
    assert_eq!(here.run(&["grade", "report", "--output", "out"]).code, 3);
    here
}

#[test]
fn browser_axe_finds_nothing_on_the_pages_of_a_class() {
    let here = class();
    let axe = axe();
    let site = serve(&here.path().join("out"));
    let mut browser = Browser::start();
    let pictures = root().join("target/screenshots");
    fs::create_dir_all(&pictures).unwrap();
    let mut wrong = Vec::new();
    for (dark, width) in [(false, 1280), (true, 1280), (false, 390), (true, 390)] {
        browser.window(width, 900);
        browser.dark(dark);
        for page in ["index.html", "students/ann.html", "students/cem.html"] {
            let problems = browser.open(&format!("{site}{page}"));
            assert_eq!(problems, Vec::<String>::new(), "{page}");
            wrong.extend(
                violations(&mut browser, &axe)
                    .into_iter()
                    .map(|v| format!("{page}: {v}")),
            );
            let wide =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.eval(wide), 0, "{page} is wider than {width}");
            let theme = if dark { "dark" } else { "light" };
            let name = page.replace('/', "-").replace(".html", "");
            browser.picture(&pictures.join(format!("class-{name}-{theme}-{width}.png")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
