//! `mslab new`: a lab's folder to begin with.

use std::fs;
use std::path::Path;

use mslab_core::lab::{self, Folder, FolderFile};

use crate::args::NewArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::labs::{Labs, write_folder};
use crate::terminal::say;
use crate::workspace::Surroundings;

/// What a lesson's Dockerfiles look like.
struct Lesson {
    name: &'static str,
    starter: &'static str,
    solution: &'static str,
    manifests: &'static str,
    port: u16,
}

/// The lessons with Dockerfiles of their own. Labs of other lessons begin like the first.
const LESSONS: &[Lesson] = &[
    Lesson {
        name: "node",
        starter: include_str!("node.starter.Dockerfile"),
        solution: include_str!("node.solution.Dockerfile"),
        manifests: "\"package.json\", \"package-lock.json\"",
        port: 3000,
    },
    Lesson {
        name: "python",
        starter: include_str!("python.starter.Dockerfile"),
        solution: include_str!("python.solution.Dockerfile"),
        manifests: "\"requirements.txt\"",
        port: 8000,
    },
    Lesson {
        name: "go",
        starter: include_str!("go.starter.Dockerfile"),
        solution: include_str!("go.solution.Dockerfile"),
        manifests: "\"go.mod\"",
        port: 8080,
    },
    Lesson {
        name: "react",
        starter: include_str!("react.starter.Dockerfile"),
        solution: include_str!("react.solution.Dockerfile"),
        manifests: "\"package.json\", \"package-lock.json\"",
        port: 8080,
    },
];

/// Makes the folder.
pub(crate) fn run(args: &NewArgs) -> Result<Exit> {
    let here = Surroundings::here()?;
    let Labs::Folder(root) = &here.labs else {
        return Err(Failure::usage("there is no folder of labs here")
            .help("Run it in a checkout of mslab, or in any folder that has a `labs` folder."));
    };
    let slug = checked(&args.slug)?;
    let folders = here.labs.folders()?;
    let taken = folders.iter().filter_map(|f| lab::split_folder(f));
    if let Some((number, _)) = taken.clone().find(|(_, s)| *s == slug) {
        return Err(
            Failure::usage(format!("exercise-{number} is called `{slug}` already"))
                .help("Give the new lab another name."),
        );
    }
    let number = taken.map(|(n, _)| n).max().unwrap_or(0) + 1;
    let name = format!("{number:02}-{slug}");
    let folder = root.join(&name);
    fs::create_dir_all(&folder).map_err(|e| Failure::file("make", &folder, &e))?;
    write_folder(&folder, &files(&args.lesson, slug))?;
    say!("made {}", shown(&folder));
    say!("\nNext: mslab verify {slug}   (says what is still to do)");
    Ok(Exit::Passed)
}

fn checked(slug: &str) -> Result<&str> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = slug.starts_with(|c: char| c.is_ascii_lowercase())
        && !slug.ends_with('-')
        && slug.chars().all(letters);
    if good {
        return Ok(slug);
    }
    let failure = Failure::usage(format!("`{slug}` cannot be a lab's name"));
    Err(failure.help("Use small letters, digits and hyphens, as in `go-scratch`."))
}

fn files(lesson: &str, slug: &str) -> Folder {
    let like = LESSONS
        .iter()
        .find(|l| l.name == lesson)
        .unwrap_or(&LESSONS[0]);
    let filled = |template: &str| {
        template
            .replace("{lesson}", lesson)
            .replace("{manifests}", like.manifests)
            .replace("{port}", &like.port.to_string())
            .replace("{slug}", slug)
    };
    let file = |path: &str, text: String| {
        let bytes = text.into_bytes().into();
        let executable = false;
        (path.to_owned(), FolderFile { bytes, executable })
    };
    Folder::from([
        file("lab.toml", filled(include_str!("lab.toml.in"))),
        file("README.md", filled(include_str!("README.md.in"))),
        file("starter/Dockerfile", filled(like.starter)),
        file("solution/Dockerfile", filled(like.solution)),
    ])
}

/// The path as seen from the current folder.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|h| path.strip_prefix(h).ok().map(Path::to_owned));
    relative
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use mslab_core::lab::Lab;
    use mslab_core::plan::Plan;

    use super::*;

    #[test]
    fn what_is_made_is_a_lab_with_things_to_do() {
        for lesson in LESSONS.iter().map(|l| l.name).chain(["patterns"]) {
            let lab = Lab::read("16-fresh", files(lesson, "fresh")).unwrap();
            assert!(lab.definition.draft);
            assert_eq!(lab.definition.lesson, lesson);
            let plan = Plan::new(&lab).unwrap();
            let target = |name: &str| plan.solution[name].text().contains("AS production");
            assert!(target("Dockerfile"), "{lesson}");
            let todo = lab.todo();
            assert!(todo.iter().any(|t| t.starts_with("README.md:")), "{todo:?}");
            assert!(
                todo.iter().any(|t| t.starts_with("attempts/ has 0")),
                "{todo:?}"
            );
        }
    }

    #[test]
    fn names_are_those_of_folders() {
        assert!(checked("go-scratch").is_ok());
        for bad in ["", "Go", "5-go", "a_b", "../x", "a-"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
