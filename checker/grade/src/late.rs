//! Late work: how much of the points a rule takes away.

use std::fmt;
use std::str::FromStr;

/// A rule such as `10%/day` or `5%/hour,max=50%,grace=15m`: for each begun unit of time after the due date, and the
/// grace after it, so many hundredths of the points earned are taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRule {
    /// Hundredths for each begun unit.
    percent: u32,
    /// The unit, in seconds.
    unit: u64,
    /// Hundredths at most.
    most: u32,
    /// Seconds after the due date in which nothing is taken away.
    grace: u64,
}

/// Text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a penalty rule; write it like 10%/day or 5%/hour,max=50%,grace=15m")]
pub struct LateRuleError(String);

const UNITS: [(&str, u64); 4] = [
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
    ("week", 604_800),
];

impl LateRule {
    /// Hundredths that are taken away from work that came `seconds` after its due date.
    #[must_use]
    pub fn percent(&self, seconds: u64) -> u32 {
        let late = seconds.saturating_sub(self.grace);
        let units = u32::try_from(late.div_ceil(self.unit)).unwrap_or(u32::MAX);
        self.percent.saturating_mul(units).min(self.most)
    }
}

/// What is left of `points`, to the nearest whole point; half a point is the student's.
#[must_use]
pub fn less(points: u32, percent: u32) -> u32 {
    let left = u64::from(points) * u64::from(100 - percent.min(100)) + 50;
    u32::try_from(left / 100).unwrap_or(u32::MAX)
}

impl FromStr for LateRule {
    type Err = LateRuleError;
    fn from_str(text: &str) -> Result<Self, LateRuleError> {
        let error = || LateRuleError(text.to_owned());
        let percent = |t: &str| {
            let number = t.trim().strip_suffix('%')?.parse().ok()?;
            (number <= 100).then_some(number)
        };
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (rate, unit) = first.split_once('/').ok_or_else(error)?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim());
        let mut rule = Self {
            percent: percent(rate).ok_or_else(error)?,
            unit: unit.ok_or_else(error)?.1,
            most: 100,
            grace: 0,
        };
        for part in parts {
            match part.split_once('=').map(|(k, v)| (k.trim(), v)) {
                Some(("max", value)) => rule.most = percent(value).ok_or_else(error)?,
                Some(("grace", value)) => {
                    let grace: mslab_core::units::Millis =
                        value.trim().parse().map_err(|_| error())?;
                    rule.grace = grace.0 / 1000;
                }
                _ => return Err(error()),
            }
        }
        Ok(rule)
    }
}

impl fmt::Display for LateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, seconds)| *seconds == self.unit);
        write!(f, "{}%/{}", self.percent, unit.map_or("", |u| u.0))?;
        if self.most < 100 {
            write!(f, ",max={}%", self.most)?;
        }
        if self.grace > 0 {
            write!(f, ",grace={}s", self.grace)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begun_day_counts_up_to_the_most() {
        let rule: LateRule = "10%/day,max=50%,grace=15m".parse().unwrap();
        assert_eq!(rule.to_string(), "10%/day,max=50%,grace=900s");
        assert_eq!(rule.to_string().parse::<LateRule>().unwrap(), rule);
        assert_eq!(rule.percent(0), 0);
        assert_eq!(rule.percent(900), 0);
        assert_eq!(rule.percent(901), 10);
        assert_eq!(rule.percent(900 + 86_400), 10);
        assert_eq!(rule.percent(901 + 86_400), 20);
        assert_eq!(rule.percent(u64::MAX), 50);
    }

    #[test]
    fn points_are_rounded_in_the_students_favour() {
        assert_eq!(less(85, 10), 77);
        assert_eq!(less(100, 100), 0);
        assert_eq!(less(70, 0), 70);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for bad in [
            "10",
            "10%",
            "10%/year",
            "-1%/day",
            "101%/day",
            "10%/day,max",
            "10%/day,x=1",
        ] {
            assert!(bad.parse::<LateRule>().is_err(), "{bad}");
        }
    }
}
