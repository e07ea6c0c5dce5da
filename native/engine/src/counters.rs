//! What is counted. Each direction has its own cache lines, so that two threads do not fight for one.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::drop_reason::DropReason;

/// A counter that only grows.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to the count.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the thread that reads the device counts.
#[derive(Default)]
#[repr(align(128))]
pub struct OutboundCounters {
    /// Packets read from the device.
    pub tun_read: Count,
    /// Datagrams handed to the socket, by whichever thread.
    pub udp_sent: Count,
    /// Packets that were parked and then routed again.
    pub parked_released: Count,
    /// Drops of two reasons that packets on their way in die of, too: those on their way out.
    pub no_matching_rule: Count,
    /// As above.
    pub local_address: Count,
}

/// What the thread that reads the socket counts.
#[derive(Default)]
#[repr(align(128))]
pub struct InboundCounters {
    /// Datagrams read from the socket.
    pub udp_received: Count,
    /// Packets handed to the device.
    pub tun_written: Count,
    /// Test requests that were answered.
    pub test_requests: Count,
    /// Messages that were answered without the control plane.
    pub kept_answers: Count,
    /// recv_errors that were sent.
    pub recv_errors: Count,
    /// Counters that left a replay window unseen.
    pub lost: Count,
    /// Counters that came again while the replay window remembered them.
    pub duplicate: Count,
}

/// Packets that went no further, by reason.
pub struct DropCounters(Vec<Count>);

impl DropCounters {
    /// All zero.
    pub fn new() -> Self {
        Self(DropReason::ALL.iter().map(|_| Count::default()).collect())
    }

    /// Counts drops of one reason.
    pub fn add(&self, reason: DropReason, amount: u64) {
        if let Some(count) = self.0.get(reason as usize) {
            count.add(amount);
        }
    }

    /// Every reason with its count, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().copied().zip(self.0.iter().map(Count::get))
    }
}
