//! The class list: who is in it, until when their work is due, and when it came.

use std::collections::BTreeMap;
use std::io::Read;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The columns that a roster may have. Others are passed over: class lists come out of other programs.
const COLUMNS: [&str; 4] = ["id", "name", "due", "submitted"];

/// One line of the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// The name that people know the student by.
    pub name: Option<String>,
    /// When the work is due, in seconds since 1970.
    pub due: Option<i64>,
    /// When the work came, in seconds since 1970. Files' own times say nothing: a download or a checkout changes them.
    pub submitted: Option<i64>,
}

/// The class list, by id.
pub type Roster = BTreeMap<String, Member>;

/// What is wrong with a roster.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// It is no CSV file.
    #[error("the roster is no CSV file")]
    Csv(#[from] csv::Error),
    /// There is no column `id`.
    #[error("the roster has no column `id` (it has {found})")]
    NoId {
        /// The columns that there are.
        found: String,
    },
    /// A line without an id, or with one that stands there already.
    #[error("line {line} of the roster: {what}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A line with a date that cannot be understood.
    #[error("line {line} of the roster: {what}")]
    Date {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be read.
    #[error("the roster cannot be read")]
    Read(#[from] std::io::Error),
}

impl RosterError {
    /// What to do: one sentence.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Csv(_) | Self::NoId { .. } => {
                "Its first line names the columns: id, and if you like name, due and submitted."
            }
            Self::Line { .. } => {
                "Each student has one line, and its id is the name of the folder handed in."
            }
            Self::Read(_) => "Name a CSV file with the column id.",
            Self::Date { .. } => {
                "Dates are written 2026-11-30T23:59:00+01:00; one without an offset needs --time-zone, as in Europe/Berlin."
            }
        }
    }
}

/// Reads a roster. `zone` is where dates without an offset are meant; a due date without a time means the end of that
/// day.
///
/// # Errors
/// It is no CSV file with a column `id`, or a line of it cannot be understood.
pub fn read(mut input: impl Read, zone: Option<&TimeZone>) -> Result<Roster, RosterError> {
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter(&text))
        .from_reader(&text[..]);
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            // Spreadsheets write a mark before the first column.
            .position(|h| h.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
    };
    let [id, name, due, submitted] = COLUMNS.map(column);
    let id = id.ok_or_else(|| RosterError::NoId {
        found: headers.iter().collect::<Vec<_>>().join(", "),
    })?;
    let mut roster = Roster::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |what: String| RosterError::Line { line, what };
        let no_date = |what: String| RosterError::Date { line, what };
        let field = |column: Option<usize>| {
            column
                .and_then(|c| record.get(c))
                .filter(|text| !text.is_empty())
        };
        let Some(student) = field(Some(id)) else {
            return Err(wrong("there is no id".into()));
        };
        let date = |column, end_of_day| match field(column) {
            Some(text) => moment(text, zone, end_of_day).map(Some).map_err(no_date),
            None => Ok(None),
        };
        let member = Member {
            name: field(name).map(str::to_owned),
            due: date(due, true)?,
            submitted: date(submitted, false)?,
        };
        if roster.insert(student.to_owned(), member).is_some() {
            return Err(wrong(format!("`{student}` stands there already")));
        }
    }
    Ok(roster)
}

/// What parts the columns: spreadsheets write semicolons where a comma is a decimal point, and some write tabs.
fn delimiter(text: &[u8]) -> u8 {
    let mut first = text
        .split(|b| *b == b'\n')
        .next()
        .unwrap_or_default()
        .iter();
    let found = first.find(|b| matches!(b, b',' | b';' | b'\t'));
    *found.unwrap_or(&b',')
}

/// A moment in seconds since 1970.
fn moment(text: &str, zone: Option<&TimeZone>, end_of_day: bool) -> Result<i64, String> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_second());
    }
    // A date alone first: it would be read as the beginning of its day.
    let civil = match text.parse::<Date>() {
        Ok(day) if text.len() <= 10 => {
            let time = if end_of_day {
                Time::constant(23, 59, 59, 0)
            } else {
                Time::midnight()
            };
            Ok(DateTime::from_parts(day, time))
        }
        _ => text.parse::<DateTime>(),
    };
    let civil = civil.map_err(|_| format!("`{text}` is not a date"))?;
    let Some(zone) = zone else {
        return Err(format!("`{text}` does not say in which time zone"));
    };
    let zoned = zone.to_zoned(civil).map_err(|e| format!("`{text}`: {e}"))?;
    Ok(zoned.timestamp().as_second())
}

/// A time zone by its name, such as `Europe/Berlin`.
///
/// # Errors
/// No zone is called that.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, zone: Option<&str>) -> Result<Roster, RosterError> {
        let zone = zone.map(|z| time_zone(z).unwrap());
        read(text.as_bytes(), zone.as_ref())
    }

    #[test]
    fn a_class_list_is_read() {
        let text = "\u{feff}ID,Group,Name,Due,Submitted\n\
                    ann,1,\"Ann, A.\",2026-11-30T23:59:00+01:00,2026-11-30T23:00:00Z\n\
                    ben,2,,,\n";
        let roster = parse(text, None).unwrap();
        assert_eq!(roster["ann"].name.as_deref(), Some("Ann, A."));
        assert_eq!(roster["ann"].due, Some(1_796_079_540));
        assert_eq!(
            roster["ann"].submitted.unwrap() - roster["ann"].due.unwrap(),
            60
        );
        assert_eq!(roster["ben"], Member::default());
    }

    #[test]
    fn spreadsheets_part_columns_as_they_like() {
        for text in ["id;name\nann;\"Ann, A.\"\n", "id\tname\r\nann\tAnn, A.\r\n"] {
            let roster = parse(text, None).unwrap();
            assert_eq!(roster["ann"].name.as_deref(), Some("Ann, A."), "{text}");
        }
    }

    #[test]
    fn a_date_without_an_offset_needs_a_zone() {
        let text = "id,due,submitted\nann,2026-11-30,2026-12-01\n";
        let error = parse(text, None).unwrap_err();
        assert!(error.to_string().contains("time zone"), "{error}");
        let berlin = &parse(text, Some("Europe/Berlin")).unwrap()["ann"];
        let utc = &parse(text, Some("UTC")).unwrap()["ann"];
        assert_eq!(utc.due.unwrap() - berlin.due.unwrap(), 3600);
        // A due date is its day's end, a date of handing in its day's beginning.
        assert_eq!(berlin.submitted.unwrap() - berlin.due.unwrap(), 1);
        let summer = parse("id,due\nann,2026-07-01 12:00\n", Some("Europe/Berlin")).unwrap();
        assert_eq!(summer["ann"].due, Some(1_782_900_000));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, wrong) in [
            ("name\nann\n", "no column `id`"),
            ("id\nann\nann\n", "line 3"),
            ("id,name\n,Ann\n", "line 2"),
            ("id,due\nann,soon\n", "`soon` is not a date"),
        ] {
            let error = parse(text, None).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
            assert!(!error.help().is_empty());
        }
    }
}
