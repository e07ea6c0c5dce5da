//! Inner packets that an operator wants to see (SEMANTICS.md section 4.9).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::drop_reason::DropReason;
use crate::ip::Prefix;
use crate::lock::lock;
use crate::packet::{Direction, Tuple};

/// What is captured is told so long after the first of it, together.
const GATHERED_FOR_MS: u64 = 100;
/// What may wait, each packet with so much beside its bytes.
const WAITING_BYTES_MAX: usize = 512 << 10;
const PACKET_BYTES: usize = 64;
/// Steps of a filter: as many verdicts fit into the stack.
pub const STEPS_MAX: usize = 64;
const NOTHING: u64 = u64::MAX;

/// One step of a filter in postfix notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    And,
    Or,
    Not,
    Inbound,
    Refused,
    Protocol(u8),
    Source(Prefix),
    Destination(Prefix),
    SourcePort(u16, u16),
    DestinationPort(u16, u16),
}

/// Which packets are meant: one verdict is left when all steps are done. Without steps all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Step>);

impl Filter {
    /// `None` where the steps are too many, or leave no verdict or more than one.
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let mut depth = 0_usize;
        for step in &steps {
            depth = match step {
                Step::And | Step::Or => depth.checked_sub(1).filter(|depth| *depth > 0)?,
                Step::Not => Some(depth).filter(|depth| *depth > 0)?,
                _ => depth + 1,
            };
        }
        (steps.len() <= STEPS_MAX && (depth == 1 || steps.is_empty())).then_some(Self(steps))
    }

    fn means(&self, tuple: &Tuple, direction: Direction, is_refused: bool) -> bool {
        let ends = [(tuple.local_address, tuple.local_port), (tuple.remote_address, tuple.remote_port)];
        let [source, destination] = match direction {
            Direction::Outbound => ends,
            Direction::Inbound => [ends[1], ends[0]],
        };
        // The last verdict is the lowest bit.
        let mut stack = u64::from(self.0.is_empty());
        for step in &self.0 {
            let verdict = match *step {
                Step::And => {
                    stack = (stack >> 1) & (stack | !1);
                    continue;
                }
                Step::Or => {
                    stack = (stack >> 1) | (stack & 1);
                    continue;
                }
                Step::Not => {
                    stack ^= 1;
                    continue;
                }
                Step::Inbound => direction == Direction::Inbound,
                Step::Refused => is_refused,
                Step::Protocol(protocol) => tuple.protocol == protocol,
                Step::Source(prefix) => prefix.contains(source.0),
                Step::Destination(prefix) => prefix.contains(destination.0),
                Step::SourcePort(first, last) => (first..=last).contains(&source.1),
                Step::DestinationPort(first, last) => (first..=last).contains(&destination.1),
            };
            stack = stack << 1 | u64::from(verdict);
        }
        stack & 1 != 0
    }
}

/// A packet between the device and a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedPacket {
    /// As many of its first bytes as were asked for.
    pub bytes: Vec<u8>,
    /// How long it is.
    pub length: usize,
    /// Whether it came through a session.
    pub inbound: bool,
    /// Why it was refused, if it was.
    pub refused: Option<DropReason>,
    /// The session, 0 when it met none.
    pub local_index: u32,
    /// How long before it was told.
    pub ago_ms: u64,
}

/// What was captured, and how many packets more found no room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Captured {
    pub packets: Vec<CapturedPacket>,
    pub lost: u64,
}

/// Packets that wait to be told. Off, it costs a look at a flag.
pub struct Capture {
    is_on: AtomicBool,
    due_ms: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    filter: Filter,
    snap_bytes: usize,
    /// With when each came in place of how long ago that was.
    packets: Vec<CapturedPacket>,
    bytes: usize,
    lost: u64,
}

impl Default for Capture {
    /// Off.
    fn default() -> Self {
        Self { is_on: AtomicBool::new(false), due_ms: AtomicU64::new(NOTHING), waiting: Mutex::default() }
    }
}

impl Capture {
    /// From now on these packets are captured, at most so many bytes of each.
    pub fn start(&self, filter: Filter, snap_bytes: usize) {
        let mut waiting = lock(&self.waiting);
        *waiting = Waiting { filter, snap_bytes, ..Waiting::default() };
        self.is_on.store(true, Ordering::Relaxed);
    }

    /// Nothing is captured any more; what waits is told.
    pub fn stop(&self) {
        self.is_on.store(false, Ordering::Relaxed);
    }

    /// Whether anything is.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// When what waits is to be told.
    pub fn due_ms(&self) -> Option<u64> {
        Some(self.due_ms.load(Ordering::Acquire)).filter(|due_ms| *due_ms != NOTHING)
    }

    /// A packet has come to its verdict.
    pub fn offer(&self, seen: Seen<'_>, now_ms: u64) {
        if !self.is_on() {
            return;
        }
        let Seen { tuple, direction, bytes, refused, local_index } = seen;
        let mut waiting = lock(&self.waiting);
        if !waiting.filter.means(tuple, direction, refused.is_some()) {
            return;
        }
        let kept = bytes.get(..waiting.snap_bytes).unwrap_or(bytes);
        if self.due_ms().is_none() {
            self.due_ms.store(now_ms + GATHERED_FOR_MS, Ordering::Release);
        }
        if waiting.bytes + kept.len() + PACKET_BYTES > WAITING_BYTES_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.bytes += kept.len() + PACKET_BYTES;
        let inbound = direction == Direction::Inbound;
        let (bytes, length) = (kept.to_vec(), bytes.len());
        waiting.packets.push(CapturedPacket { bytes, length, inbound, refused, local_index, ago_ms: now_ms });
    }

    /// What was told found no room on its way.
    pub fn unheard(&self, captured: &Captured) {
        lock(&self.waiting).lost += captured.lost + captured.packets.len() as u64;
    }

    /// What is due now.
    pub fn take_due(&self, now_ms: u64) -> Option<Captured> {
        self.due_ms().filter(|due_ms| *due_ms <= now_ms)?;
        let mut waiting = lock(&self.waiting);
        self.due_ms.store(NOTHING, Ordering::Release);
        waiting.bytes = 0;
        let (mut packets, lost) = (std::mem::take(&mut waiting.packets), std::mem::take(&mut waiting.lost));
        for packet in &mut packets {
            packet.ago_ms = now_ms.saturating_sub(packet.ago_ms);
        }
        Some(Captured { packets, lost })
    }
}

/// What is known of a packet when its verdict is.
pub struct Seen<'a> {
    /// Its flow.
    pub tuple: &'a Tuple,
    /// Which way it goes.
    pub direction: Direction,
    /// All of it.
    pub bytes: &'a [u8],
    /// Why it goes no further.
    pub refused: Option<DropReason>,
    /// Of its session, or 0.
    pub local_index: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{And, DestinationPort, Inbound, Not, Or, Refused, SourcePort};

    #[test]
    fn a_filter_leaves_one_verdict() {
        for bad in [vec![And], vec![Not], vec![Inbound, Or], vec![Inbound, Inbound], vec![Inbound; 65]] {
            assert_eq!(Filter::new(bad.clone()), None, "{bad:?}");
        }
        assert!(Filter::new(vec![]).is_some() && Filter::new(vec![Inbound, Refused, And, Not]).is_some());
    }

    #[test]
    fn verdicts_are_joined_as_written() {
        let tuple = Tuple {
            local_address: [10, 0, 0, 1].into(),
            remote_address: [10, 0, 0, 2].into(),
            local_port: 22,
            remote_port: 40_000,
            protocol: 6,
            icmp_in: 0,
            is_rest: false,
        };
        let means = |steps| Filter::new(steps).is_some_and(|filter| filter.means(&tuple, Direction::Inbound, false));
        let (yes, no) = (Inbound, Refused);
        for (a, b) in [(yes, yes), (yes, no), (no, yes), (no, no)] {
            let (is_a, is_b) = (a == yes, b == yes);
            assert_eq!(means(vec![a, b, And]), is_a && is_b);
            assert_eq!(means(vec![a, b, Or]), is_a || is_b);
            assert_eq!(means(vec![no, a, b, Or, Or]), is_a || is_b);
            assert_eq!(means(vec![yes, a, b, And, And]), is_a && is_b);
            assert_eq!(means(vec![a, Not, b, Or]), !is_a || is_b);
        }
        assert!(means(vec![SourcePort(40_000, 40_000), DestinationPort(1, 22), And]));
        assert!(!means(vec![SourcePort(22, 22)]));
        assert!(means(vec![]));
    }
}
