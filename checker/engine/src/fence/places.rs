//! Places that are taken by one at a time, and who goes into which.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

/// How often those who wait look about.
const TICK: Duration = Duration::from_millis(100);

/// A place, and since when it is taken.
#[derive(Debug)]
pub(super) struct Place<T> {
    what: T,
    busy: Arc<tokio::sync::Mutex<()>>,
    taken: Mutex<Instant>,
}

impl<T: Clone> Place<T> {
    pub(super) fn new(what: T) -> Self {
        Self {
            what,
            busy: Arc::default(),
            taken: Mutex::new(Instant::now()),
        }
    }

    /// What is there.
    pub(super) fn what(&self) -> &T {
        &self.what
    }

    fn take(&self, own: OwnedMutexGuard<()>) -> (T, OwnedMutexGuard<()>) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        (self.what.clone(), own)
    }

    fn taken_for(&self) -> Duration {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.elapsed()
    }
}

/// Waits for the place that `key` always has; or for another that is free, where one has had that one for `long`.
pub(super) async fn place<T: Clone>(
    places: &[Place<T>],
    key: &str,
    long: Duration,
) -> (T, OwnedMutexGuard<()>) {
    let hash = key.bytes().fold(0_usize, |h, b| {
        h.wrapping_mul(31).wrapping_add(usize::from(b))
    });
    let home = &places[hash % places.len()];
    let mut turn = std::pin::pin!(home.busy.clone().lock_owned());
    loop {
        if let Ok(own) = tokio::time::timeout(TICK, &mut turn).await {
            return home.take(own);
        }
        if home.taken_for() < long {
            continue;
        }
        let free = places
            .iter()
            .find_map(|p| Some(p.take(p.busy.clone().try_lock_owned().ok()?)));
        if let Some(free) = free {
            return free;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two places; the letters of the alphabet go to one and the other by turns.
    fn two() -> Vec<Place<u8>> {
        vec![Place::new(0), Place::new(1)]
    }

    #[tokio::test]
    async fn a_key_always_has_the_same_place() {
        let places = two();
        let home = place(&places, "a", Duration::MAX).await.0;
        assert_eq!(place(&places, "a", Duration::MAX).await.0, home);
        assert_ne!(place(&places, "b", Duration::MAX).await.0, home);
    }

    #[tokio::test]
    async fn short_work_is_waited_for_although_another_place_is_free() {
        let places = two();
        let (home, own) = place(&places, "a", Duration::MAX).await;
        let mut waits = std::pin::pin!(place(&places, "a", Duration::MAX));
        let early = tokio::time::timeout(TICK * 3, &mut waits).await;
        assert!(early.is_err(), "it went elsewhere");
        drop(own);
        assert_eq!(waits.await.0, home);
    }

    #[tokio::test]
    async fn beside_long_work_the_free_place_is_taken() {
        let places = two();
        let (home, _own) = place(&places, "a", Duration::ZERO).await;
        assert_ne!(place(&places, "a", Duration::ZERO).await.0, home);
    }
}
