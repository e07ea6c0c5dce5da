//! What all threads of the process share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lacis_engine::engine::Engine;

use crate::clock::Clock;
use crate::event_queue::EventQueue;
use crate::libraries;
use crate::platform::{SystemTun, SystemUdp, Tun, Wake, wish_huge_pages};
use crate::send_batch::SendBatch;
use crate::send_errors::SendErrors;
use crate::thread_output::ThreadOutput;

/// A worker that panics more often than this in a minute is broken: the process ends and is started anew.
const PANICS_PER_MINUTE_MAX: usize = 10;
/// sysexits.h, EX_SOFTWARE.
const EXIT_PANICS: i32 = 70;

/// The engine and what surrounds it.
#[derive(Clone)]
pub struct Shared {
    /// The engine.
    pub engine: Arc<Engine>,
    /// To the control plane.
    pub events: Arc<EventQueue>,
    /// The time.
    pub clock: Clock,
    /// Of what the system refuses to send.
    send_errors: Arc<SendErrors>,
    /// The thread that looks after deadlines.
    pub wake: Arc<Wake>,
    panics: Arc<Mutex<Vec<Instant>>>,
}

impl Shared {
    /// A new engine with nobody connected.
    pub fn new(wake: Wake, clock: Clock) -> Self {
        let events = Arc::<EventQueue>::default();
        Self {
            engine: Arc::new(Engine::in_memory(libraries::fastest(), wish_huge_pages)),
            send_errors: Arc::new(SendErrors::new(Arc::clone(&events), clock)),
            events,
            clock,
            wake: Arc::new(wake),
            panics: Arc::default(),
        }
    }

    /// Outputs for one thread: into the queue of its number, counted round.
    pub fn output(&self, tun: Option<&SystemTun>, udp: &[Arc<SystemUdp>], queue: usize) -> ThreadOutput {
        let udp = udp.get(queue % udp.len().max(1));
        ThreadOutput {
            engine: Arc::clone(&self.engine),
            datagrams: udp
                .map(|udp| SendBatch::new(Arc::clone(udp), Arc::clone(&self.engine), Arc::clone(&self.send_errors))),
            packets: tun.map(|tun| tun.writer(queue)),
            events: Arc::clone(&self.events),
        }
    }

    /// Runs one burst. A panic in it loses the burst, not the process, unless it happens again and again.
    pub fn contain<T>(&self, burst: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(burst)).ok();
        if done.is_none() && self.panics_in_last_minute() > PANICS_PER_MINUTE_MAX {
            eprintln!("lacis-dataplane: more than {PANICS_PER_MINUTE_MAX} panics in a minute, giving up");
            std::process::exit(EXIT_PANICS);
        }
        done
    }

    /// Counts one more.
    fn panics_in_last_minute(&self) -> usize {
        let now = Instant::now();
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        panics.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        panics.push(now);
        panics.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_loses_a_burst_and_not_the_thread() {
        let shared = Shared::new(Wake::new().unwrap(), Clock::from(0));
        assert_eq!(shared.contain(|| 1), Some(1));
        assert_eq!(shared.contain(|| -> u8 { panic!("a packet that nobody thought of") }), None);
        assert_eq!(shared.contain(|| 2), Some(2));
        assert_eq!(shared.panics_in_last_minute(), 2);
    }
}
