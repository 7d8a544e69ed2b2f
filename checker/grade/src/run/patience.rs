//! How long to wait for an environment that failed, and when to stop waiting.

use std::time::Duration;

use tokio::time::Instant;

/// The waits before new attempts: an engine that is restarted, or gone for a minute, comes back within them.
pub const DELAYS: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(25),
    Duration::from_secs(60),
];

/// Waits that make up `total`: those of [`DELAYS`], and the last of them again and again.
#[must_use]
pub fn delays(total: Duration) -> Vec<Duration> {
    let last = DELAYS[DELAYS.len() - 1];
    let mut left = total;
    let mut waits = Vec::new();
    for delay in DELAYS.into_iter().chain(std::iter::repeat(last)) {
        if left.is_zero() {
            break;
        }
        waits.push(delay.min(left));
        left -= delay.min(left);
    }
    waits
}

/// Far enough to never come.
const LONG: Duration = Duration::from_secs(3600);

/// Waits once for an environment that is gone, and not once more for each submission after that.
pub(super) struct Patience<'a> {
    delays: &'a [Duration],
    /// Given up, and nothing has worked since.
    lost: bool,
    hold: Option<Instant>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(delays: &'a [Duration]) -> Self {
        Self {
            delays,
            lost: false,
            hold: None,
        }
    }

    /// Something worked.
    pub(super) fn reward(&mut self) {
        self.lost = false;
        self.hold = None;
    }

    /// How long to wait after so many failed attempts at one submission; `None` to give it up.
    pub(super) fn after(&mut self, attempts: u32, now: Instant) -> Option<Duration> {
        let n = usize::try_from(attempts).unwrap_or(usize::MAX);
        let delay = self.delays.get(n.saturating_sub(1)).filter(|_| !self.lost);
        match delay {
            Some(delay) => {
                self.hold = Some(now + *delay);
                Some(*delay)
            }
            None => {
                self.lost = true;
                self.hold = None;
                None
            }
        }
    }

    /// Whether nothing new is to begin yet.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.hold.is_some_and(|until| now < until)
    }

    /// When to look again, given when the next repetition is due.
    pub(super) fn until(&self, due: Option<Instant>) -> Instant {
        let far = Instant::now() + LONG;
        [self.hold, due]
            .into_iter()
            .flatten()
            .fold(far, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_add_up_to_what_is_asked_for() {
        assert_eq!(delays(DELAYS.iter().sum()), DELAYS);
        let short = delays(Duration::from_secs(3));
        assert_eq!(short, [Duration::from_secs(2), Duration::from_secs(1)]);
        assert_eq!(
            delays(Duration::from_secs(600))
                .iter()
                .sum::<Duration>()
                .as_secs(),
            600
        );
        assert!(delays(Duration::ZERO).is_empty());
    }

    #[test]
    fn one_outage_is_waited_for_once() {
        let delays = [Duration::from_secs(1), Duration::from_secs(5)];
        let mut patience = Patience::new(&delays);
        let now = Instant::now();
        assert_eq!(patience.after(1, now), Some(delays[0]));
        assert!(patience.holds(now) && !patience.holds(now + delays[0]));
        assert_eq!(patience.after(2, now), Some(delays[1]));
        assert_eq!(patience.after(3, now), None);
        // The next submission is not waited for, as long as nothing works.
        assert_eq!(patience.after(1, now), None);
        patience.reward();
        assert_eq!(patience.after(1, now), Some(delays[0]));
    }
}
