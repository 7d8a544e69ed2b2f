//! Grades a simulated class without an engine, and says how long each part took.
//!
//! usage: class [STUDENTS]
//!
//! A quarter of the class hands in what another has handed in, some hand in archives, and verdicts are those of the
//! text alone: what is measured is what mslab itself adds.

use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use mslab_core::lab::{Folder, FolderFile, Lab};
use mslab_grade::class;
use mslab_grade::gradebook::{Basis, Gradebook, Job};
use mslab_grade::intake::{Intake, Limits};
use mslab_grade::run::recorded::{Recorded, text_report};
use mslab_grade::run::{DELAYS, Judged, Options, Silent, judge_all, take_in};
use mslab_grade::similarity;
use mslab_grade::submission::Trusted;
use tokio_util::sync::CancellationToken;

const LAB: &str = "05-go-scratch";

fn main() -> Result<(), Box<dyn Error>> {
    let students = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 10_000,
    };
    let labs_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs");
    let lab = Lab::read(LAB, folder(&labs_folder.join(LAB))?).map_err(|e| format!("{e:?}"))?;
    let labs = vec![Trusted::new(lab).map_err(|e| format!("{e:?}"))?];
    let place = tempfile::tempdir()?;
    let root = place.path().join("in");
    hand_in(&root, &labs[0].lab, students)?;

    let whole = Instant::now();
    let mut book = Gradebook::open(&place.path().join("grades.db"))?;
    let basis = Basis {
        mslab: mslab_grade::VERSION.to_owned(),
        rules: String::new(),
    };
    timed("taking in", || {
        let intake = Intake::new(&labs, None, Limits::default());
        take_in(&mut book, &intake, &root, None, &basis, &|key| {
            key.to_owned()
        })
    })?;
    let options = Options {
        // Verdicts cost nothing here, and what ends together is written together.
        jobs: 16,
        basis,
        retry_environment: false,
        delays: DELAYS.to_vec(),
        cancel: CancellationToken::new(),
    };
    let judge = Recorded(async |trusted: &Trusted, job: &Job| {
        Ok::<_, Infallible>(Judged::Report(Box::new(text_report(trusted, job))))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    timed("judging", || {
        runtime.block_on(judge_all(&mut book, &labs, &judge, &options, &Silent))
    })?;
    let class = timed("collecting", || class::collect(&book, None))?;
    let shown = class::Shown::new(&class, &book)?;
    let mut sizes = Vec::new();
    for output in class::OUTPUTS {
        let mut out = Counted(0);
        timed(output.name, || (output.write)(&mut out, &shown))?;
        sizes.push(format!("{} {} bytes", output.name, out.0));
    }
    let alike = timed("similarity", || similarity::look(&book, &labs))?;
    println!(
        "{students} students: {:.1} s; {}; {} pairs alike; peak memory {}",
        whole.elapsed().as_secs_f64(),
        sizes.join(", "),
        alike.len(),
        peak_memory(),
    );
    Ok(())
}

/// Counts what is written to it.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn timed<T, E>(what: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let started = Instant::now();
    let result = work()?;
    println!("{what}: {:.2} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// The most memory that this process has had, as the system says.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |l| l.trim().to_owned())
}

/// Solutions and starters with a touch of their own; every fourth is a copy of the one before.
fn hand_in(root: &Path, lab: &Lab, students: usize) -> Result<(), Box<dyn Error>> {
    let text = |files: &Folder| {
        let file = files.get("Dockerfile").ok_or("the lab has no Dockerfile")?;
        Ok::<_, Box<dyn Error>>(String::from_utf8_lossy(&file.bytes).into_owned())
    };
    let (right, wrong) = (text(&lab.solution())?, text(&lab.starter())?);
    for n in 0..students {
        let own = if n % 4 == 3 { n - 1 } else { n };
        let base = if own % 3 == 0 { &wrong } else { &right };
        let text = format!("{base}\nLABEL author=\"{own}\"\n# the work of {own}\n");
        let dir = root.join(format!("student-{n:05}"));
        if n % 10 == 0 {
            fs::create_dir_all(root)?;
            let file = fs::File::create(dir.with_extension("tar"))?;
            let mut tar = tar::Builder::new(file);
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let path = format!("{LAB}/Dockerfile");
            tar.append_data(&mut header, path, text.as_bytes())?;
            tar.finish()?;
        } else {
            let dir = dir.join(LAB);
            fs::create_dir_all(&dir)?;
            fs::write(dir.join("Dockerfile"), text)?;
        }
    }
    Ok(())
}

fn folder(root: &Path) -> Result<Folder, Box<dyn Error>> {
    let mut files = Folder::new();
    let mut todo = vec![(root.to_owned(), String::new())];
    while let Some((dir, below)) = todo.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                todo.push((entry.path(), format!("{path}/")));
            } else {
                let file = FolderFile {
                    bytes: fs::read(entry.path())?.into(),
                    executable: false,
                };
                files.insert(path, file);
            }
        }
    }
    Ok(files)
}
