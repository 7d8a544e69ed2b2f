//! The gradebook's tables, and the way from each version to the next.

use rusqlite::Connection;

/// What marks a SQLite file as a gradebook: `mslg` in its header.
pub(super) const APPLICATION: i64 = 0x6d73_6c67;

/// What makes each version out of the one before.
pub(super) const MIGRATIONS: &[&str] = &[
    // Version 1.
    "
    -- What was said about the run, such as the rule for late work.
    CREATE TABLE setting (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    -- The class list. Times are seconds since 1970.
    CREATE TABLE member (
        student TEXT PRIMARY KEY,
        name TEXT,
        due INTEGER,
        submitted INTEGER
    ) STRICT;
    -- Each lab that something was graded with.
    CREATE TABLE lab (
        digest TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        exercise TEXT NOT NULL,
        slug TEXT NOT NULL,
        title TEXT NOT NULL,
        max_score INTEGER NOT NULL
    ) STRICT;
    -- Distinct work: judged once, whoever handed it in. The same files with another lab, another mslab or other rules
    -- are other work.
    CREATE TABLE work (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        lab TEXT NOT NULL REFERENCES lab,
        mslab TEXT NOT NULL,
        rules TEXT NOT NULL,
        digest TEXT NOT NULL,
        files TEXT NOT NULL,
        canary TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'judging', 'judged', 'refused', 'environment')),
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        report TEXT,
        finished_ms INTEGER
    ) STRICT;
    CREATE INDEX work_by_state ON work (state);
    -- What each student handed in. What was handed in before stays, with current = 0. Without work it was refused or
    -- not placed, and the reason says why.
    CREATE TABLE submission (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        exercise TEXT NOT NULL,
        key TEXT NOT NULL,
        lab TEXT REFERENCES lab,
        work INTEGER REFERENCES work,
        refused INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        notes TEXT NOT NULL DEFAULT '[]',
        current INTEGER NOT NULL DEFAULT 1,
        seen_ms INTEGER NOT NULL,
        UNIQUE (student, exercise, key)
    ) STRICT;
    CREATE INDEX submission_by_work ON submission (work);
    -- An instructor's own marks. The last one counts, and all are kept.
    CREATE TABLE override (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        exercise TEXT NOT NULL,
        points INTEGER NOT NULL,
        note TEXT NOT NULL,
        made_ms INTEGER NOT NULL
    ) STRICT;
    ",
    // Version 2: where work lies below the folder of submissions.
    "
    ALTER TABLE submission ADD COLUMN place TEXT NOT NULL DEFAULT '';
    ",
    // Version 3: an instructor's mark can be taken back. What stood there before is kept.
    "
    ALTER TABLE override ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
    ",
];

/// Brings a gradebook up to the newest version. Each step is whole or not there.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let found = version(connection)?;
    for (n, step) in (1_i64..).zip(MIGRATIONS).filter(|(n, _)| *n > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", n)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The version that a gradebook has; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
