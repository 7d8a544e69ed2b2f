use super::*;

const LAB: &str = r#"
schema = 1
title = "T"
lesson = "go"
[[build]]
key = "prod"
[[check]]
id = "non-root"
points = 100
[starter]
fails = ["non-root"]
"#;

fn folder(lab: &str, more: &[(&str, &str)]) -> Folder {
    let base = [
        ("lab.toml", lab),
        ("README.md", "x"),
        ("starter/Dockerfile", "FROM a"),
        ("solution/Dockerfile", "FROM b"),
    ];
    let file = |text: &str| FolderFile {
        bytes: text.as_bytes().to_vec().into(),
        executable: false,
    };
    base.iter()
        .chain(more)
        .map(|(p, t)| ((*p).to_owned(), file(t)))
        .collect()
}

fn error(lab: &str) -> String {
    let errors = Lab::read("05-go-scratch", folder(lab, &[])).unwrap_err();
    errors
        .iter()
        .map(|e| format!("{e} | {}", e.help))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_lab_has_a_number_a_slug_and_layers_of_files() {
    let lab = Lab::read("05-go-scratch", folder(LAB, &[("starter/go.mod", "m")])).unwrap();
    assert_eq!(
        (lab.exercise().as_str(), lab.workspace_folder().as_str()),
        ("exercise-5", "exercise-05-go-scratch")
    );
    let solution = lab.solution();
    assert_eq!(&*solution["Dockerfile"].bytes, b"FROM b");
    assert_eq!(&*solution["go.mod"].bytes, b"m");
}

#[test]
fn mistakes_have_a_place_and_a_suggestion() {
    let typo = error(&LAB.replace("title", "titel"));
    assert!(
        typo.starts_with("05-go-scratch/lab.toml:3:1: unknown field `titel`"),
        "{typo}"
    );
    assert!(typo.ends_with("Did you mean `title`?"), "{typo}");
    assert!(error(&LAB.replace("100", "90")).contains("the points add up to 90"));
    let build = error(&LAB.replace("points", "build = \"prd\"\npoints"));
    assert!(
        build.contains("names the build `prd`, which does not exist | Did you mean `prod`?"),
        "{build}"
    );
    assert!(
        error(&LAB.replace("[\"non-root\"]", "[\"shell\"]"))
            .contains("[starter] names the check `shell`")
    );
}

#[test]
fn an_attempt_is_laid_over_its_base() {
    let expected =
        "base = \"starter\"\noutcome = \"failed\"\nfails = [\"non-root\"]\nwhy = \"w\"\n";
    let more = [
        ("attempts/root/expected.toml", expected),
        ("attempts/root/x", "y"),
    ];
    let lab = Lab::read("05-go-scratch", folder(LAB, &more)).unwrap();
    let attempts = lab.attempts().unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        attempts[0].files.keys().collect::<Vec<_>>(),
        ["Dockerfile", "x"]
    );
    let wrong = [(
        "attempts/root/expected.toml",
        &*expected.replace("non-root", "no"),
    )];
    assert!(
        Lab::read("05-go-scratch", folder(LAB, &wrong))
            .unwrap()
            .attempts()
            .is_err()
    );
}

#[test]
fn exercises_are_found_by_any_of_their_names() {
    let folders = ["02-test-stage", "05-go-scratch"];
    for name in [
        "exercise-5",
        "5",
        "go-scratch",
        "05-go-scratch",
        "exercise-05-go-scratch/",
        "05",
    ] {
        assert_eq!(find(folders, name).unwrap(), "05-go-scratch", "{name}");
    }
    let unknown = find(folders, "go-scrach").unwrap_err();
    assert!(
        unknown.help.starts_with("Did you mean `go-scratch`?"),
        "{}",
        unknown.help
    );
    for nonsense in ["", "exercise-", "-", "99", "é"] {
        assert!(find(folders, nonsense).is_err(), "{nonsense}");
    }
}
