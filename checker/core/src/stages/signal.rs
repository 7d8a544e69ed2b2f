//! Names and numbers of signals that `STOPSIGNAL` takes.

const NAMES: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
    "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

/// Whether the engine takes `text` as a signal: a number other than 0, or a name with or without `SIG`.
pub(crate) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = |prefix: &str, most: u8| {
        name.strip_prefix(prefix)
            .filter(|n| !n.starts_with('0') && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse().ok())
            .is_some_and(|n: u8| (1..=most).contains(&n))
    };
    NAMES.contains(&name) || real_time("RTMIN+", 15) || real_time("RTMAX-", 14)
}

/// Whether two texts mean the same signal: `15`, `TERM`, `sigterm` and `SIGTERM` do.
pub(crate) fn same_signal(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A signal's name in capitals and without `SIG`; those that people stop programs with, by number too.
fn plain(text: &str) -> String {
    let name = match text.trim() {
        "1" => "HUP",
        "2" => "INT",
        "3" => "QUIT",
        "9" => "KILL",
        "10" => "USR1",
        "12" => "USR2",
        "15" => "TERM",
        "28" => "WINCH",
        other => other,
    };
    let upper = name.to_uppercase();
    upper.strip_prefix("SIG").unwrap_or(&upper).to_owned()
}
