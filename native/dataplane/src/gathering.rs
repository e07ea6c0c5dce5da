//! How often the control plane is woken.

use std::time::{Duration, Instant};

/// Whoever is woken for each event of many spends most of its time on waking. So many at once are not many: what happens now and then is told at
/// once, and so is what a host hears when it starts.
const AT_ONCE: u32 = 64;
/// One more for each of these.
const APART: Duration = Duration::from_millis(1);

/// Wake-ups that are left before what happens is gathered first.
#[derive(Debug, Default)]
pub struct Gathering {
    /// When all of them are there again.
    full_at: Option<Instant>,
}

impl Gathering {
    /// How long to wait for more.
    pub fn pause(&self, now: Instant) -> Duration {
        let owed = self.full_at.map_or(Duration::ZERO, |full_at| full_at.saturating_duration_since(now));
        owed.saturating_sub(APART * (AT_ONCE - 1))
    }

    /// It is woken now.
    pub fn woken(&mut self, now: Instant) {
        let before = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(before.min(now + APART * (AT_ONCE - 1)) + APART);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_now_and_then_is_told_at_once() {
        let mut gathering = Gathering::default();
        let begun = Instant::now();
        for happened in 0..1_000 {
            let now = begun + APART * happened;
            assert_eq!(gathering.pause(now), Duration::ZERO);
            gathering.woken(now);
        }
    }

    #[test]
    fn many_at_once_are_told_at_once_and_then_wait_for_each_other() {
        let mut gathering = Gathering::default();
        let now = Instant::now();
        for _ in 0..AT_ONCE {
            assert_eq!(gathering.pause(now), Duration::ZERO);
            gathering.woken(now);
        }
        assert_eq!(gathering.pause(now), APART);
        assert_eq!(gathering.pause(now + APART), Duration::ZERO);
    }

    #[test]
    fn however_often_it_was_woken_nobody_waits_for_longer_than_one_pause() {
        let mut gathering = Gathering::default();
        let now = Instant::now();
        for _ in 0..10_000 {
            gathering.woken(now);
        }
        assert_eq!(gathering.pause(now), APART);
    }
}
