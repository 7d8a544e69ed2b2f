//! What counts as alike, and what does not.

use super::*;
use crate::gradebook::{Basis, Row};
use crate::intake::What;
use crate::submission::Submission;
use crate::submission::tests::{file, lab};

fn ones(texts: &[&str]) -> Vec<One> {
    texts
        .iter()
        .enumerate()
        .map(|(n, text)| One {
            students: vec![format!("s{n}")],
            normal: normalise("Dockerfile", text.as_bytes()),
            starter: false,
        })
        .collect()
}

const ANN: &str = "# my own work\nFROM node:24-alpine AS bob\nRUN echo rather special\nENV B=2 A=1\nCOPY ./odd /odd\n\
                   FROM scratch\nCOPY --from=bob /odd /odd\nCMD [\"/odd\"]\n";
const BEN: &str = "from node:24-alpine as builder\nRUN  echo   rather \\\n  special\nENV A=1 B=2\nCOPY ./odd /odd\n\n\
                   FROM scratch\n# copied\nCOPY --from=0 /odd /odd\nCMD [ \"/odd\" ]\n";
const CEM: &str = "FROM node:24-alpine AS b\nRUN npm ci\nCOPY . .\nFROM nginx:1.26-alpine\nCOPY --from=b /dist /www\n";

#[test]
fn names_comments_and_order_do_not_matter() {
    let (ann, ben) = (
        normalise("D", ANN.as_bytes()),
        normalise("D", BEN.as_bytes()),
    );
    assert_eq!(ann.digest(), ben.digest());
    assert_ne!(ann.digest(), normalise("D", CEM.as_bytes()).digest());
}

#[test]
fn the_same_lines_are_shown_side_by_side() {
    let found = compare("exercise-5", &ones(&[ANN, CEM, BEN]), &BTreeSet::new());
    assert_eq!(found.len(), 1);
    let pair = &found[0];
    assert!(pair.same);
    assert_eq!((&pair.first[0][..], &pair.second[0][..]), ("s0", "s2"));
    let special = pair
        .shared
        .iter()
        .find(|p| p.first.text.contains("special"));
    let special = special.unwrap();
    assert_eq!((special.first.line, special.second.line), (3, 2));
    assert_eq!(special.second.text, "RUN echo rather \\ special");
    let text = markdown(&found);
    assert!(
        text.contains("| 3 | `RUN echo rather special` | 2 |"),
        "{text}"
    );
}

#[test]
fn what_everybody_was_given_says_nothing() {
    let given = normalise("Dockerfile", ANN.as_bytes())
        .lines
        .into_keys()
        .collect();
    assert_eq!(compare("exercise-5", &ones(&[ANN, BEN]), &given), []);
}

#[test]
fn what_many_write_alike_says_nothing() {
    let texts: Vec<String> = (0..50).map(|n| format!("{CEM}LABEL n={n}\n")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(compare("exercise-5", &ones(&texts), &BTreeSet::new()), []);
}

#[test]
fn a_changed_line_leaves_them_alike_and_half_of_them_does_not() {
    let mut more = String::from(ANN);
    for n in 0..6 {
        more.push_str(&format!("LABEL same{n}=x\n"));
    }
    let near = more.replace("rather special", "rather ordinary");
    let found = compare("exercise-5", &ones(&[&more, &near]), &BTreeSet::new());
    assert_eq!(found.len(), 1);
    assert!(!found[0].same && found[0].share > 0.8 && found[0].share < 1.0);
    let far = near.replace("same", "other");
    assert_eq!(
        compare("exercise-5", &ones(&[&more, &far]), &BTreeSet::new()),
        []
    );
}

#[test]
fn what_is_the_same_to_the_byte_is_listed_first_unless_it_is_the_starter() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = lab("05-go-scratch");
    let row = |student: &str, text: &str| Row {
        student: student.to_owned(),
        lab: Some(&trusted),
        what: What::Submission(Submission {
            student: student.to_owned(),
            place: String::new(),
            files: [("Dockerfile".to_owned(), file(text))].into(),
            notes: Vec::new(),
        }),
    };
    let starter = "FROM node\nCMD [\"node\"]\n";
    let rows = [
        row("ann", "FROM a\n"),
        row("cem", "FROM a\n"),
        row("dee", starter),
        row("eve", starter),
    ];
    let basis = |mslab: &str| Basis {
        mslab: mslab.to_owned(),
        rules: String::new(),
    };
    let mut book = Gradebook::open(&dir.path().join("g.db")).unwrap();
    let labs = std::slice::from_ref(&trusted);
    book.know(labs).unwrap();
    book.receive(&rows, &basis("1"), &|_| String::new())
        .unwrap();
    // Another version makes other work of the same files.
    let later = [row("ben", "FROM a\n")];
    book.receive(&later, &basis("2"), &|_| String::new())
        .unwrap();
    let found = look(&book, labs).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].identical);
    assert_eq!(found[0].first, ["ann"]);
    assert_eq!(found[0].second, ["cem", "ben"]);
    let text = markdown(&found);
    let said = "## `ann` and `cem`, `ben`\n\nexercise-5: the same to the byte\n";
    assert!(text.ends_with(said), "{text}");
}

#[test]
fn ten_thousand_are_not_fifty_million_pairs() {
    // Everybody has the same good line, every hundredth the same common one, and two each a rare one.
    let n = 10_000;
    let everybody: Vec<usize> = (0..n).collect();
    let common = (0..100).map(|k| (k..n).step_by(100).collect());
    let rare = (0..n / 2).map(|k| vec![2 * k, 2 * k + 1]);
    let having: Vec<Vec<usize>> = [everybody].into_iter().chain(common).chain(rare).collect();
    assert_eq!(candidates(having.iter()).len(), n / 2);
}
