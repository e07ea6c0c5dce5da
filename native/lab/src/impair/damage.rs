//! What happens to a frame on the way, by chance but the same for the same seed.

use std::time::{Duration, Instant};

use super::frame::Frame;
use super::random::Random;
use super::settings::Settings;

/// One direction of a cable.
pub struct Damage {
    settings: Settings,
    random: Random,
    in_burst: bool,
    /// When the last frame that was given a turn has passed the bottleneck.
    free_at: Option<Instant>,
}

impl Damage {
    /// A cable of this kind.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self { settings, random: Random::new(seed), in_burst: false, free_at: None }
    }

    /// It is of another kind from now on; what is on the way has had its share.
    pub fn become_like(&mut self, settings: Settings) {
        self.settings = settings;
        self.in_burst = false;
    }

    /// What comes out of a frame that goes in now, and when.
    pub fn suffer(&mut self, mut frame: Frame, now: Instant) -> Vec<(Instant, Frame)> {
        let Some(bytes) = frame.udp_packet_bytes() else { return vec![(now, frame)] };
        if self.is_lost(bytes) {
            return Vec::new();
        }
        let Some(turn) = self.turn(bytes, now) else { return Vec::new() };
        if self.random.happens(self.settings.corrupt) {
            frame.corrupt(self.random.next());
        }
        let copies = if self.random.happens(self.settings.duplicate) { self.settings.copies } else { 0 };
        (0..=copies).map(|_| (turn + self.delay(), frame.clone())).collect()
    }

    fn is_lost(&mut self, bytes: usize) -> bool {
        if self.settings.above > 0 && bytes > self.settings.above {
            return true;
        }
        let changes = if self.in_burst { self.settings.burst_ends } else { self.settings.burst_begins };
        if self.random.happens(changes) {
            self.in_burst = !self.in_burst;
        }
        self.in_burst || self.random.happens(self.settings.loss)
    }

    /// When a packet of this length is through the bottleneck; none when it would wait too long.
    fn turn(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        if self.settings.rate_kbit <= 0.0 {
            return Some(now);
        }
        let begins = self.free_at.map_or(now, |free_at| free_at.max(now));
        if begins - now > milliseconds(self.settings.queue_ms) {
            return None;
        }
        let ends = begins + milliseconds(bytes as f64 * 8.0 / self.settings.rate_kbit);
        self.free_at = Some(ends);
        Some(ends)
    }

    fn delay(&mut self) -> Duration {
        if self.random.happens(self.settings.reorder) {
            return Duration::ZERO;
        }
        let jitter = (self.random.fraction() * 2.0 - 1.0) * self.settings.jitter_ms;
        milliseconds((self.settings.delay_ms + jitter).max(0.0))
    }
}

fn milliseconds(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::{arp, udp};
    use super::*;

    const PACKETS: usize = 10_000;

    /// What comes out when so many packets go in at once: how late each is, in milliseconds.
    fn through(settings: Settings, seed: u64) -> Vec<f64> {
        let mut damage = Damage::new(settings, seed);
        let now = Instant::now();
        let out = (0..PACKETS).flat_map(|_| damage.suffer(udp(100), now));
        out.map(|(due, _)| (due - now).as_secs_f64() * 1_000.0).collect()
    }

    #[test]
    fn the_same_seed_does_the_same_and_another_something_else() {
        let settings = Settings { loss: 0.2, delay_ms: 50.0, jitter_ms: 20.0, ..Settings::default() };
        assert_eq!(through(settings.clone(), 7), through(settings.clone(), 7));
        assert_ne!(through(settings.clone(), 7), through(settings, 8));
    }

    #[test]
    fn a_cable_without_settings_does_nothing() {
        assert_eq!(through(Settings::default(), 1), vec![0.0; PACKETS]);
    }

    #[test]
    fn loss_duplication_and_bursts_are_as_frequent_as_they_are_said_to_be() {
        let lost = |settings| PACKETS - through(settings, 3).len();
        let uniform = lost(Settings { loss: 0.05, ..Settings::default() });
        assert!((400..600).contains(&uniform), "{uniform} of 500");
        // In the long run p / (p + r) of the time is burst.
        let bursts = lost(Settings { burst_begins: 0.01, burst_ends: 0.05, ..Settings::default() });
        assert!((1_200..2_200).contains(&bursts), "{bursts} of 1,667");
        let copies = through(Settings { duplicate: 1.0, copies: 3, ..Settings::default() }, 3).len();
        assert_eq!(copies, 4 * PACKETS);
    }

    #[test]
    fn delay_stays_within_its_jitter_and_some_packets_overtake() {
        let late = through(Settings { delay_ms: 50.0, jitter_ms: 20.0, reorder: 0.25, ..Settings::default() }, 5);
        let overtaking = late.iter().filter(|&&ms| ms == 0.0).count();
        assert!((2_200..2_800).contains(&overtaking), "{overtaking} of 2,500");
        assert!(late.iter().all(|&ms| ms == 0.0 || (29.9..70.1).contains(&ms)));
    }

    #[test]
    fn a_bottleneck_lets_through_what_it_is_wide_and_loses_the_rest() {
        // 128 bytes at 1,024 kbit/s take a millisecond: a hundred wait, and one is on its way.
        let late = through(Settings { rate_kbit: 1_024.0, ..Settings::default() }, 1);
        assert_eq!(late.len(), 101);
        assert!((late[100] - 101.0).abs() < 0.1);
    }

    #[test]
    fn long_packets_vanish_and_what_is_not_udp_passes() {
        let settings = Settings { above: 128, loss: 0.0, ..Settings::default() };
        let mut damage = Damage::new(settings, 1);
        let now = Instant::now();
        assert_eq!(damage.suffer(udp(100), now).len(), 1);
        assert_eq!(damage.suffer(udp(101), now).len(), 0);
        damage.become_like(Settings { loss: 1.0, ..Settings::default() });
        assert_eq!(damage.suffer(udp(100), now).len(), 0);
        assert_eq!(damage.suffer(arp(), now), vec![(now, arp())]);
    }
}
