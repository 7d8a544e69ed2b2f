//! The gradebook's rows made into a class: late work, instructors' marks, and how each check fared.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mslab_core::report::{CheckReport, Outcome, Report, Status};

use super::types::{
    CheckGrade, CheckRate, Class, Counts, Exercise, Grade, GradeState, InstructorMark, Late,
    SCHEMA, Student,
};
use crate::gradebook::{Entry, EntryState, Gradebook, GradebookError, LabRow, Override};
use crate::late::{LateRule, less};
use crate::roster::Member;

/// All that the gradebook says of a class. `rule` is the rule for late work.
///
/// # Errors
/// The gradebook cannot be read.
pub fn collect(book: &Gradebook, rule: Option<LateRule>) -> Result<Class, GradebookError> {
    let roster = book.roster()?;
    let overrides = book.overrides()?;
    // Of a lab that was changed the newest row counts.
    let labs: BTreeMap<String, LabRow> = book
        .labs()?
        .into_iter()
        .map(|lab| (lab.exercise.clone(), lab))
        .collect();
    let mut found: BTreeMap<String, BTreeMap<String, Grade>> = BTreeMap::new();
    let mut lost: BTreeMap<String, String> = BTreeMap::new();
    let mut rates: BTreeMap<String, Vec<CheckRate>> = BTreeMap::new();
    book.entries(|entry| {
        if entry.exercise.is_empty() {
            let (student, reason) = (entry.student.clone(), grade(entry, &labs).reason);
            found.entry(student.clone()).or_default();
            lost.insert(student, reason.unwrap_or_default());
            return Ok::<_, GradebookError>(());
        }
        if let EntryState::Judged(report) = &entry.state {
            rate(rates.entry(entry.exercise.clone()).or_default(), report);
        }
        let student = found.entry(entry.student.clone()).or_default();
        student.insert(entry.exercise.clone(), grade(entry, &labs));
        Ok(())
    })?;
    for student in roster.keys() {
        found.entry(student.clone()).or_default();
    }
    let mut exercises: Vec<Exercise> = labs
        .values()
        .filter(|lab| found.values().any(|g| g.contains_key(&lab.exercise)))
        .map(|lab| exercise(lab, &mut rates))
        .collect();
    exercises.sort_by_key(|e| labs[&e.exercise].number);
    let mut students = Vec::new();
    for (id, mut grades) in found {
        let member = roster.get(&id).cloned().unwrap_or_default();
        let mut all = Vec::new();
        for exercise in &mut exercises {
            let name = &exercise.exercise;
            let mut grade = grades
                .remove(name)
                .unwrap_or_else(|| missing(name, exercise.max_score));
            let mark = overrides.get(&(id.clone(), name.clone()));
            settle(&mut grade, &member, rule, mark);
            exercise.counts.count(grade.state);
            if let Some(score) = grade.score.filter(|_| !grade.checks.is_empty()) {
                let tenth = u64::from(score) * 10 / u64::from(grade.max_score.max(1));
                exercise.distribution[tenth.min(10) as usize] += 1;
            }
            all.push(grade);
        }
        students.push(Student {
            name: member.name.clone(),
            on_roster: (!roster.is_empty()).then(|| roster.contains_key(&id)),
            due: member.due.map(utc),
            submitted: member.submitted.map(utc),
            grades: all,
            unplaced: lost.remove(&id),
            id,
        });
    }
    Ok(Class {
        schema: SCHEMA.to_owned(),
        late_rule: rule.map(|r| r.to_string()),
        exercises,
        students,
    })
}

fn exercise(lab: &LabRow, rates: &mut BTreeMap<String, Vec<CheckRate>>) -> Exercise {
    Exercise {
        exercise: lab.exercise.clone(),
        lab: lab.slug.clone(),
        title: lab.title.clone(),
        lab_digest: lab.digest.clone(),
        max_score: lab.max_score,
        counts: Counts::default(),
        distribution: vec![0; 11],
        checks: rates.remove(&lab.exercise).unwrap_or_default(),
    }
}

fn rate(rates: &mut Vec<CheckRate>, report: &Report) {
    for check in &report.checks {
        let at = rates.iter().position(|r| r.key == check.key);
        let at = at.unwrap_or_else(|| {
            rates.push(CheckRate {
                key: check.key.clone(),
                title: check.title.clone(),
                passed: 0,
                failed: 0,
                skipped: 0,
            });
            rates.len() - 1
        });
        match check.status {
            Status::Passed => rates[at].passed += 1,
            Status::Failed => rates[at].failed += 1,
            Status::Skipped | Status::Error => rates[at].skipped += 1,
        }
    }
}

fn missing(exercise: &str, max_score: u32) -> Grade {
    Grade {
        exercise: exercise.to_owned(),
        state: GradeState::Missing,
        score: None,
        max_score,
        late: None,
        instructor: None,
        mark: None,
        reason: None,
        notes: Vec::new(),
        work: None,
        mslab: None,
        lab_digest: None,
        checks: Vec::new(),
    }
}

fn grade(entry: Entry, labs: &BTreeMap<String, LabRow>) -> Grade {
    let max_score = labs.get(&entry.exercise).map_or(0, |l| l.max_score);
    let mut grade = Grade {
        notes: entry.notes,
        work: entry.work,
        mslab: entry.mslab,
        lab_digest: entry.lab,
        ..missing(&entry.exercise, max_score)
    };
    match entry.state {
        EntryState::Waiting => grade.state = GradeState::Waiting,
        EntryState::Judged(report) => {
            grade.state = match report.outcome {
                Outcome::Passed => GradeState::Passed,
                Outcome::Failed | Outcome::Error => GradeState::Failed,
            };
            grade.reason = no_points(&report);
            grade.score = Some(report.score);
            grade.max_score = report.max_score;
            grade.checks = report.checks.into_iter().map(check).collect();
            // They were collected in the place of the report's, which are ten times as large.
            grade.checks.shrink_to_fit();
        }
        EntryState::Refused(reason) => {
            grade.state = GradeState::Refused;
            grade.score = Some(0);
            grade.reason = Some(reason);
        }
        EntryState::Environment(reason) => {
            grade.state = GradeState::NotGraded;
            grade.reason = Some(reason);
        }
        EntryState::Unplaced(reason) => {
            grade.state = GradeState::Unplaced;
            grade.reason = Some(reason);
        }
    }
    grade
}

/// Why judged work has no points, where there is one reason for all of it: a Dockerfile that does not parse, or that
/// does not build and has nothing else that holds.
pub(super) fn no_points(report: &Report) -> Option<String> {
    let mut checks = report.checks.iter().filter(|_| report.score == 0);
    let builds = checks.find(|c| c.id == "builds" && c.status == Status::Failed)?;
    let unread =
        |c: &&CheckReport| c.status == Status::Skipped && c.message.ends_with("does not parse");
    Some(match report.checks.iter().find(unread) {
        Some(check) => format!("{}: {}", check.message, builds.message),
        None => builds.message.clone(),
    })
}

fn check(check: CheckReport) -> CheckGrade {
    CheckGrade {
        key: check.key,
        status: check.status,
        points: check.points,
        max_points: check.max_points,
        message: check.message,
    }
}

/// Applies what the roster and the instructor say.
fn settle(grade: &mut Grade, member: &Member, rule: Option<LateRule>, mark: Option<&Override>) {
    if grade.state != GradeState::Missing {
        let seconds = member
            .submitted
            .zip(member.due)
            .map(|(came, due)| came - due);
        grade.late = seconds
            .and_then(|s| u64::try_from(s).ok())
            .filter(|s| *s > 0)
            .map(|seconds| Late {
                seconds,
                // An instructor's mark is final.
                percent: rule
                    .filter(|_| mark.is_none())
                    .map_or(0, |r| r.percent(seconds)),
            });
    }
    let penalty = grade.late.map_or(0, |l| l.percent);
    grade.mark = grade.score.map(|score| less(score, penalty));
    if let Some(mark) = mark {
        grade.mark = Some(mark.points);
        grade.instructor = Some(InstructorMark {
            points: mark.points,
            note: mark.note.clone(),
            made: utc(mark.made_ms.div_euclid(1000)),
        });
    }
}

/// Seconds since 1970 as `2026-11-30T22:59:00Z`.
fn utc(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}
