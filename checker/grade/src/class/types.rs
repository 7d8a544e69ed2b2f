//! The types of a class's grades. Their JSON schema is committed as `schema/grades.v1.json`.

use mslab_core::report::Status;
use mslab_core::text::{escape, plural};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format and its version, the value of the `schema` field.
pub const SCHEMA: &str = "mslab/grades/v1";

/// What came of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Class {
    /// `mslab/grades/v1`.
    #[schemars(extend("const" = "mslab/grades/v1"))]
    pub schema: String,
    /// The rule for late work, where there is one: `10%/day`.
    pub late_rule: Option<String>,
    /// The exercises that somebody handed in, by number.
    pub exercises: Vec<Exercise>,
    /// Everybody on the roster and everybody who handed something in, by id.
    pub students: Vec<Student>,
}

/// One exercise over the whole class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exercise {
    /// `exercise-5`.
    pub exercise: String,
    /// The lab's slug.
    pub lab: String,
    /// The lab's title.
    pub title: String,
    /// The lab's digest: a changed lab has another one.
    pub lab_digest: String,
    /// Points that can be earned.
    pub max_score: u32,
    /// How many students are in which state.
    pub counts: Counts,
    /// How many scores fall into each tenth of the points that can be earned: below 10 %, below 20 %, …, below 100 %,
    /// and all points. Scores are those of the checks, before any penalty.
    pub distribution: Vec<u32>,
    /// How each check fared, in the lab's order.
    pub checks: Vec<CheckRate>,
}

/// How many students are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Every check passed.
    pub passed: u32,
    /// A check failed.
    pub failed: u32,
    /// A rule was broken.
    pub refused: u32,
    /// The environment failed.
    pub not_graded: u32,
    /// Could not be placed or read.
    pub unplaced: u32,
    /// Not judged yet.
    pub waiting: u32,
    /// On the roster, and nothing was handed in.
    pub missing: u32,
}

/// How one check fared over the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRate {
    /// Unique in the lab.
    pub key: String,
    /// The check's title.
    pub title: String,
    /// How many it passed.
    pub passed: u32,
    /// How many it failed.
    pub failed: u32,
    /// How many it could not reach.
    pub skipped: u32,
}

/// One student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Student {
    /// The id: the folder's or archive's name. What is no text in it is escaped.
    pub id: String,
    /// The name on the roster.
    pub name: Option<String>,
    /// Whether the roster has the id; `null` where there is no roster.
    pub on_roster: Option<bool>,
    /// When the work was due, in UTC.
    pub due: Option<String>,
    /// When the work came by the roster, in UTC.
    pub submitted: Option<String>,
    /// A grade for each exercise of the class, in the same order.
    pub grades: Vec<Grade>,
    /// Why what was handed in could not be placed at all.
    pub unplaced: Option<String>,
}

impl Student {
    /// What there is to say beside the marks.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for grade in &self.grades {
            let mut own: Vec<String> = grade.reason.iter().cloned().collect();
            own.extend(grade.late.map(Late::words));
            own.extend(grade.instructor.as_ref().map(|mark| {
                let score = grade.score.map_or("none".to_owned(), |s| s.to_string());
                format!("instructor's mark, in the place of {score}: {}", mark.note)
            }));
            own.extend(grade.notes.iter().cloned());
            if self.grades.len() > 1 {
                for remark in &mut own {
                    *remark = format!("{}: {remark}", grade.exercise);
                }
            }
            remarks.extend(own);
        }
        remarks.extend(self.unplaced.clone());
        remarks
    }
}

/// How far a grade is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GradeState {
    /// Judged, and every check passed.
    Passed,
    /// Judged, and a check failed.
    Failed,
    /// It breaks a rule, and was not judged: no points.
    Refused,
    /// The environment failed: not graded, and no zero.
    NotGraded,
    /// It could not be placed or read: not graded.
    Unplaced,
    /// Not judged yet.
    Waiting,
    /// Nothing was handed in.
    Missing,
}

impl GradeState {
    /// The state in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::NotGraded => "not graded",
            Self::Unplaced => "not placed",
            Self::Waiting => "waiting",
            Self::Missing => "missing",
        }
    }
}

/// One student's grade for one exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// `exercise-5`.
    pub exercise: String,
    /// How far it is.
    pub state: GradeState,
    /// Points that the checks gave; `null` where nothing was judged.
    pub score: Option<u32>,
    /// Points that can be earned.
    pub max_score: u32,
    /// How late it came, where it came late.
    pub late: Option<Late>,
    /// An instructor's own mark, which counts in the place of the checks' points.
    pub instructor: Option<InstructorMark>,
    /// The points that count, penalty and instructor's mark applied; `null` where there is no grade.
    pub mark: Option<u32>,
    /// Why there is no grade, or no points.
    pub reason: Option<String>,
    /// What was noticed when it came in.
    pub notes: Vec<String>,
    /// A number that those share whose work is the same to the byte.
    pub work: Option<i64>,
    /// The version of mslab that judged it.
    pub mslab: Option<String>,
    /// The digest of the lab that it was judged by.
    pub lab_digest: Option<String>,
    /// Every check with its points, in the lab's order.
    pub checks: Vec<CheckGrade>,
}

/// How late work came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Late {
    /// Seconds after the due date.
    pub seconds: u64,
    /// Hundredths of the points that are taken away; none where an instructor's mark counts.
    pub percent: u32,
}

impl Late {
    /// `1 day 1 h 5 min late: 20 % taken away`; each begun minute counts.
    #[must_use]
    pub fn words(self) -> String {
        let minutes = self.seconds.div_ceil(60);
        let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let days = usize::try_from(days).unwrap_or(usize::MAX);
        let parts = [
            (days > 0).then(|| plural(days, "day")),
            (hours > 0).then(|| format!("{hours} h")),
            (minutes > 0).then(|| format!("{minutes} min")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let late = format!("{} late", parts.join(" "));
        match self.percent {
            0 => late,
            percent => format!("{late}: {percent} % taken away"),
        }
    }
}

/// An instructor's own mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstructorMark {
    /// Points.
    pub points: u32,
    /// Why.
    pub note: String,
    /// When it was given, in UTC.
    pub made: String,
}

/// One check of one grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckGrade {
    /// Unique in the lab.
    pub key: String,
    /// Its verdict.
    pub status: Status,
    /// Points earned.
    pub points: u32,
    /// Points that can be earned.
    pub max_points: u32,
    /// What was seen, or why nothing was.
    pub message: String,
}

impl Class {
    /// The sum over all exercises.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for exercise in &self.exercises {
            sum.add(exercise.counts);
        }
        let lost = self.students.iter().filter(|s| s.unplaced.is_some());
        sum.unplaced += u32::try_from(lost.count()).unwrap_or(u32::MAX);
        sum
    }

    /// What has no verdict, though something was handed in: first what could not be graded, then what could not be
    /// placed, then what was refused.
    #[must_use]
    pub fn attention(&self) -> Vec<Attention<'_>> {
        let mut all = Vec::new();
        for student in &self.students {
            let one = |exercise, state, reason| Attention {
                student: &student.id,
                exercise,
                state,
                reason,
            };
            let lost = student.unplaced.as_deref();
            all.extend(lost.map(|reason| one("", GradeState::Unplaced, reason)));
            all.extend(student.grades.iter().filter_map(|grade| {
                let reason = grade.reason.as_deref().unwrap_or("still waiting");
                let shown = match grade.state {
                    GradeState::NotGraded
                    | GradeState::Waiting
                    | GradeState::Unplaced
                    | GradeState::Refused => true,
                    GradeState::Passed | GradeState::Failed | GradeState::Missing => false,
                };
                shown.then(|| one(&grade.exercise, grade.state, reason))
            }));
        }
        all.sort_by_key(|one| match one.state {
            GradeState::Refused => 2,
            GradeState::Unplaced => 1,
            _ => 0,
        });
        all
    }
}

/// Work that has no verdict, and so needs the instructor.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// The student's id.
    pub student: &'a str,
    /// The exercise; empty where it cannot be said which.
    pub exercise: &'a str,
    /// How far it is.
    pub state: GradeState,
    /// Why.
    pub reason: &'a str,
}

impl Attention<'_> {
    /// Whose work it is on which exercise, in one line.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!("{} {}", self.student, self.exercise);
        escape::line(name.trim_end())
    }
}

impl Counts {
    /// `3 passed, 2 failed`; states that nobody is in are left out.
    #[must_use]
    pub fn words(self) -> String {
        let states = self.states();
        let parts: Vec<String> = states.map(|(n, s)| format!("{n} {}", s.words())).collect();
        parts.join(", ")
    }

    pub(super) fn count(&mut self, state: GradeState) {
        *match state {
            GradeState::Passed => &mut self.passed,
            GradeState::Failed => &mut self.failed,
            GradeState::Refused => &mut self.refused,
            GradeState::NotGraded => &mut self.not_graded,
            GradeState::Unplaced => &mut self.unplaced,
            GradeState::Waiting => &mut self.waiting,
            GradeState::Missing => &mut self.missing,
        } += 1;
    }

    /// The states that somebody is in, with how many, the best first.
    pub fn states(self) -> impl Iterator<Item = (u32, GradeState)> {
        [
            (self.passed, GradeState::Passed),
            (self.failed, GradeState::Failed),
            (self.refused, GradeState::Refused),
            (self.not_graded, GradeState::NotGraded),
            (self.unplaced, GradeState::Unplaced),
            (self.waiting, GradeState::Waiting),
            (self.missing, GradeState::Missing),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.refused += other.refused;
        self.not_graded += other.not_graded;
        self.unplaced += other.unplaced;
        self.waiting += other.waiting;
        self.missing += other.missing;
    }
}
