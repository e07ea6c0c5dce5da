//! A bad cable between two devices: what arrives at one leaves at the other, later, not at all, twice, or damaged. Only UDP
//! over IPv4 suffers; address resolution and the rest pass.

use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use damage::Damage;
use frame::Frame;
use plug::Plug;
use settings::Settings;

mod damage;
mod frame;
mod plug;
mod random;
mod settings;

/// How often it is looked whether the settings are others.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One direction of the cable: where it ends, what happens on the way, what is on the way.
struct Direction {
    damage: Damage,
    on_the_way: BinaryHeap<Pending>,
    sent: u64,
}

/// A frame that leaves at a moment; of two with the same one the earlier first.
struct Pending {
    due: Instant,
    number: u64,
    frame: Frame,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    /// The heap gives the greatest first, so that the earliest is the greatest.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl Direction {
    fn new(settings: Settings, seed: u64) -> Self {
        Self { damage: Damage::new(settings, seed), on_the_way: BinaryHeap::new(), sent: 0 }
    }

    fn take(&mut self, frame: Frame, now: Instant) {
        for (due, frame) in self.damage.suffer(frame, now) {
            self.on_the_way.push(Pending { due, number: self.sent, frame });
            self.sent += 1;
        }
    }

    fn deliver(&mut self, to: &Plug, now: Instant) -> io::Result<()> {
        while self.on_the_way.peek().is_some_and(|next| next.due <= now) {
            if let Some(Pending { frame, .. }) = self.on_the_way.pop() {
                to.send(&frame)?;
            }
        }
        Ok(())
    }

    fn next_due(&self) -> Option<Instant> {
        self.on_the_way.peek().map(|next| next.due)
    }
}

/// Carries frames between the two devices until it is ended.
pub fn run(path: &Path, inside: &str, outside: &str) -> io::Result<()> {
    let plugs = [Plug::into(inside)?, Plug::into(outside)?];
    let mut read_at = modified(path);
    let (seed, [outwards, inwards]) = settings::parse(&fs::read_to_string(path)?)?;
    let mut directions = [Direction::new(outwards, seed), Direction::new(inwards, seed ^ 1)];
    println!("carrying");
    let mut looked_at = Instant::now();
    let mut buffer = vec![0; plug::FRAME_BYTES_MAX];
    loop {
        let due = directions.iter().filter_map(Direction::next_due).min();
        let wait = due.map_or(LOOK_EVERY, |due| due.saturating_duration_since(Instant::now()).min(LOOK_EVERY));
        plug::wait_for_any(&plugs, wait)?;
        let now = Instant::now();
        for from in 0..2 {
            while let Some(frame) = plugs[from].receive(&mut buffer)? {
                directions[from].take(frame, now);
            }
            directions[from].deliver(&plugs[1 - from], now)?;
        }
        if now.duration_since(looked_at) >= LOOK_EVERY {
            looked_at = now;
            if modified(path) != read_at {
                read_at = modified(path);
                let (_, [outwards, inwards]) = settings::parse(&fs::read_to_string(path)?)?;
                directions[0].damage.become_like(outwards);
                directions[1].damage.become_like(inwards);
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
