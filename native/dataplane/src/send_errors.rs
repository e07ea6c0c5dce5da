//! What the system refuses to send, as a hint to the control plane (SEMANTICS.md section 5.3).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use lacis_contract::wire::{self, from_data_plane::Event};
use lacis_engine::limiter::{Bucket, Rate};

use crate::clock::Clock;
use crate::encode;
use crate::event_queue::EventQueue;

const TOLD: Rate = Rate { per_second: 10, burst: 10 };

/// Tells of some of them, of all threads together.
pub struct SendErrors {
    events: Arc<EventQueue>,
    clock: Clock,
    bucket: Mutex<Bucket>,
}

impl SendErrors {
    /// None has been told.
    pub fn new(events: Arc<EventQueue>, clock: Clock) -> Self {
        Self { events, clock, bucket: Mutex::new(Bucket::full(TOLD, 0)) }
    }

    /// A datagram to there was refused, for a reason of this name.
    pub fn tell(&self, to: SocketAddr, error: &str) {
        let is_due = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(TOLD, self.clock.now_ms());
        if is_due {
            let endpoint = Some(encode::endpoint(to));
            self.events.push(Event::SendError(wire::SendError { endpoint, error: error.to_owned() }));
        }
    }
}
