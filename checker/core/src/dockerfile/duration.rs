//! Durations as the engine's flags write them: `1h30m`, `1.5s`, `500ms`.

/// Why `HEALTHCHECK --name=value` is refused; `None` where it is not. An empty value and a zero are the default.
pub(crate) fn refused(name: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let Some(nanoseconds) = parse(value) else {
        return Some(format!("invalid duration {value:?} in --{name}"));
    };
    (nanoseconds != 0 && nanoseconds < 1_000_000)
        .then(|| format!("--{name} cannot be less than 1ms"))
}

/// Nanoseconds; `None` where the text is no duration or passes 64 bits.
fn parse(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let unit: i128 = match &after[..unit_end] {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            total += i128::from(digit - b'0') * scale;
        }
        if total > i128::from(i64::MAX) + i128::from(negative) {
            return None;
        }
        rest = &after[unit_end..];
    }
    Some(if negative { -total } else { total })
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}
