//! A class cut into parts for several machines: which part a student is in depends on the student's id alone.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// One part of several, written `2/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    part: u32,
    of: u32,
}

/// Text that is no part of a class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a part of a class; write it like 2/8, counting from 1")]
pub struct ShardError(String);

impl Shard {
    /// Whether a student is in this part. The same on every machine and in every version.
    #[must_use]
    pub fn holds(self, student: &str) -> bool {
        let digest = Sha256::digest(student.as_bytes());
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.part - 1)
    }
}

impl FromStr for Shard {
    type Err = ShardError;
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let read = || {
            let (part, of) = text.split_once('/')?;
            let (part, of) = (part.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&part).then_some(Self { part, of })
        };
        read().ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_student_is_in_exactly_one_part() {
        let parts: Vec<Shard> = (1..=4).map(|n| format!("{n}/4").parse().unwrap()).collect();
        let mut sizes = [0; 4];
        for n in 0..1000 {
            let student = format!("student-{n}");
            let holding: Vec<usize> = (0..4).filter(|p| parts[*p].holds(&student)).collect();
            assert_eq!(holding.len(), 1);
            sizes[holding[0]] += 1;
        }
        assert!(sizes.iter().all(|n| (180..320).contains(n)), "{sizes:?}");
        // Machines must agree for ever.
        assert!("7/8".parse::<Shard>().unwrap().holds("ann"));
    }

    #[test]
    fn parts_are_counted_from_one() {
        for bad in ["0/4", "5/4", "1", "a/b", "1/0", "-1/4"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
    }
}
