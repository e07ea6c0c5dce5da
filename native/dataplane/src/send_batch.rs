//! Datagrams gathered for one system call: written back to back, so that those of one size to one place leave as one.

use std::net::SocketAddr;
use std::sync::Arc;

use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::Engine;

use crate::platform::{Cause, DatagramSink, NotSent, Run};
use crate::send_errors::SendErrors;

/// Bytes gathered at most. Two maximal runs.
const SLAB_BYTES: usize = 128 << 10;
/// Runs gathered at most.
const RUNS_MAX: usize = 64;
/// Segments of one run: what every kernel with UDP_SEGMENT takes.
const RUN_DATAGRAMS_MAX: usize = 64;
/// Bytes of one run: below the largest UDP payload of both families.
const RUN_BYTES_MAX: usize = 65_000;
/// What it is called that a datagram is too long for the link. Some kernels say of a run that it is invalid.
const TOO_LONG: &str = "EMSGSIZE";

/// The send side of one thread.
pub struct SendBatch<S> {
    socket: Arc<S>,
    engine: Arc<Engine>,
    errors: Arc<SendErrors>,
    slab: Vec<u8>,
    filled: usize,
    runs: Vec<Run>,
    /// Whether what is added now must not be divided on the way.
    is_whole: bool,
}

impl<S: DatagramSink> SendBatch<S> {
    /// An empty batch. What the system refuses is counted in `engine`, and now and then told to `errors`.
    pub fn new(socket: Arc<S>, engine: Arc<Engine>, errors: Arc<SendErrors>) -> Self {
        let runs = Vec::with_capacity(RUNS_MAX);
        Self { socket, engine, errors, slab: vec![0; SLAB_BYTES], filled: 0, runs, is_whole: false }
    }

    /// Whether what is added from now on arrives in one piece or not at all.
    pub fn keep_whole(&mut self, whole: bool) {
        self.is_whole = whole;
    }

    /// Adds a datagram that `fill` writes; false, and nothing added, when `fill` says so.
    pub fn push(&mut self, to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        if self.filled + length > SLAB_BYTES || self.runs.len() == RUNS_MAX {
            self.flush();
        }
        let Some(slot) = self.slab.get_mut(self.filled..self.filled + length) else { return false };
        if !fill(slot) {
            return false;
        }
        let joins = self.socket.takes_runs();
        match self.runs.last_mut() {
            Some(run) if joins && !self.is_whole && run.takes(to, length) => {
                run.bytes += length;
                run.datagrams += 1;
            }
            _ => {
                let (start, is_whole) = (self.filled, self.is_whole);
                self.runs.push(Run { to, start, bytes: length, segment_bytes: length, datagrams: 1, is_whole });
            }
        }
        self.filled += length;
        true
    }

    /// Sends everything.
    pub fn flush(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        self.send(&runs);
        self.runs = runs;
        self.clear();
    }

    /// Forgets everything unsent.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.filled = 0;
    }

    fn send(&self, mut runs: &[Run]) {
        while let Some(first) = runs.first() {
            let alike = runs.iter().take_while(|run| run.is_whole == first.is_whole).count();
            let done = match self.socket.send(&self.slab, runs.get(..alike).unwrap_or(runs)) {
                Ok(0) => return,
                Ok(sent) => sent,
                Err(NotSent { cause: Cause::Interrupted, .. }) => 0,
                // The same bytes, one by one, are fragmented on the way.
                Err(NotSent { cause: Cause::TooLarge, .. }) if first.datagrams > 1 => {
                    self.errors.tell(first.to, TOO_LONG);
                    self.send(&first.split());
                    1
                }
                Err(NotSent { cause: Cause::CannotSegment, .. }) if first.datagrams > 1 => {
                    self.socket.stop_runs();
                    self.send(&first.split());
                    1
                }
                // It is as lost as on a narrow link further on.
                Err(NotSent { cause: Cause::TooLarge, .. }) if first.is_whole => {
                    self.errors.tell(first.to, TOO_LONG);
                    1
                }
                Err(NotSent { error, .. }) => {
                    self.engine.count_drops(DropReason::SendFailed, first.datagrams as u64);
                    self.errors.tell(first.to, error);
                    1
                }
            };
            runs = runs.get(done..).unwrap_or_default();
        }
    }
}

impl Run {
    /// Whether a datagram that lies right behind can join.
    fn takes(&self, to: SocketAddr, length: usize) -> bool {
        self.to == to
            && !self.is_whole
            && self.bytes == self.segment_bytes * self.datagrams
            && length <= self.segment_bytes
            && length > 0
            && self.datagrams < RUN_DATAGRAMS_MAX
            && self.bytes + length <= RUN_BYTES_MAX
    }

    fn split(&self) -> Vec<Run> {
        let one = |at: usize| {
            let start = self.start + at * self.segment_bytes;
            let bytes = self.segment_bytes.min(self.start + self.bytes - start);
            Run { to: self.to, start, bytes, segment_bytes: bytes, datagrams: 1, is_whole: self.is_whole }
        };
        (0..self.datagrams).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::net::SocketAddr;

    use lacis_engine::reports::SampleLimits;

    use crate::clock::Clock;

    use super::*;

    /// A socket that refuses runs for some reason, and everything to port 9.
    struct Fussy {
        refusal: Option<Cause>,
        takes_runs: Cell<bool>,
        sent: RefCell<Vec<(usize, usize)>>,
        /// Runs of each call.
        calls: RefCell<Vec<usize>>,
    }

    impl DatagramSink for Fussy {
        fn takes_runs(&self) -> bool {
            self.takes_runs.get()
        }

        fn stop_runs(&self) {
            self.takes_runs.set(false);
        }

        fn send(&self, _slab: &[u8], runs: &[Run]) -> Result<usize, NotSent> {
            self.calls.borrow_mut().push(runs.len());
            let refuses = |run: &Run| run.datagrams > 1 && self.refusal.is_some() || run.to.port() == 9;
            if refuses(&runs[0]) {
                let cause = self.refusal.filter(|_| runs[0].to.port() != 9).unwrap_or(Cause::Refused);
                return Err(NotSent { cause, error: "ENETUNREACH" });
            }
            let accepted = runs.iter().take_while(|run| !refuses(run));
            let sent: Vec<_> = accepted.map(|run| (run.start, run.datagrams)).collect();
            self.sent.borrow_mut().extend(&sent);
            Ok(sent.len())
        }
    }

    fn batch(refusal: Option<Cause>) -> SendBatch<Fussy> {
        let socket =
            Fussy { refusal, takes_runs: Cell::new(true), sent: RefCell::default(), calls: RefCell::default() };
        #[allow(clippy::arc_with_non_send_sync)]
        SendBatch::new(Arc::new(socket), Arc::default(), Arc::new(SendErrors::new(Arc::default(), Clock::from(0))))
    }

    fn push(batch: &mut SendBatch<Fussy>, port: u16, lengths: &[usize]) {
        for length in lengths {
            assert!(batch.push(SocketAddr::from(([192, 0, 2, 1], port)), *length, |_| true));
        }
    }

    #[test]
    fn datagrams_leave_in_order_as_runs() {
        let mut batch = batch(None);
        push(&mut batch, 1, &[100, 100, 40, 100]);
        push(&mut batch, 2, &[100]);
        batch.flush();
        assert_eq!(*batch.socket.sent.borrow(), [(0, 3), (240, 1), (340, 1)]);
    }

    #[test]
    fn what_must_be_whole_is_alone_and_goes_with_its_like() {
        let mut batch = batch(None);
        push(&mut batch, 1, &[100]);
        batch.keep_whole(true);
        push(&mut batch, 1, &[100, 100]);
        batch.keep_whole(false);
        push(&mut batch, 1, &[100]);
        let whole: Vec<_> = batch.runs.iter().map(|run| (run.datagrams, run.is_whole)).collect();
        assert_eq!(whole, [(1, false), (1, true), (1, true), (1, false)]);
        batch.flush();
        assert_eq!(*batch.socket.sent.borrow(), [(0, 1), (100, 1), (200, 1), (300, 1)]);
        assert_eq!(*batch.socket.calls.borrow(), [1, 2, 1]);
    }

    #[test]
    fn a_refused_run_leaves_one_by_one_and_only_a_device_that_cannot_segment_ends_runs() {
        for (refusal, goes_on) in [(Cause::CannotSegment, false), (Cause::TooLarge, true)] {
            let mut batch = batch(Some(refusal));
            push(&mut batch, 1, &[100, 100, 40]);
            batch.flush();
            assert_eq!(*batch.socket.sent.borrow(), [(0, 1), (100, 1), (200, 1)]);
            assert_eq!(batch.socket.takes_runs(), goes_on);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_counted_and_holds_nobody_up() {
        let mut batch = batch(None);
        push(&mut batch, 1, &[100]);
        push(&mut batch, 9, &[100, 100]);
        push(&mut batch, 1, &[100]);
        batch.flush();
        assert_eq!(*batch.socket.sent.borrow(), [(0, 1), (300, 1)]);
        assert_eq!(batch.engine.sample(SampleLimits::default()).drops, [(DropReason::SendFailed, 2)]);
    }

    #[test]
    fn what_is_not_filled_is_not_sent() {
        let mut batch = batch(None);
        assert!(!batch.push(SocketAddr::from(([192, 0, 2, 1], 1)), 10, |_| false));
        batch.flush();
        assert!(batch.socket.sent.borrow().is_empty());
    }

    fn run(segment_bytes: usize, datagrams: usize, last_bytes: usize) -> Run {
        let bytes = segment_bytes * (datagrams - 1) + last_bytes;
        Run { to: "192.0.2.1:1".parse().unwrap(), start: 10, bytes, segment_bytes, datagrams, is_whole: false }
    }

    #[test]
    fn equal_sizes_join_and_a_shorter_one_ends_the_run() {
        let to = run(100, 1, 100).to;
        assert!(run(100, 3, 100).takes(to, 100));
        assert!(run(100, 3, 100).takes(to, 40));
        assert!(!run(100, 3, 40).takes(to, 40));
        assert!(!run(100, 3, 100).takes(to, 101));
        assert!(!run(100, 3, 100).takes("192.0.2.1:2".parse().unwrap(), 100));
    }

    #[test]
    fn a_run_ends_at_64_datagrams_or_65000_bytes() {
        let to = run(100, 1, 100).to;
        assert!(!run(100, 64, 100).takes(to, 100));
        assert!(!run(9_000, 7, 9_000).takes(to, 9_000));
    }

    #[test]
    fn a_run_taken_apart_is_the_same_bytes() {
        let parts = run(100, 3, 40).split();
        let spans: Vec<_> = parts.iter().map(|part| (part.start, part.bytes)).collect();
        assert_eq!(spans, [(10, 100), (110, 100), (210, 40)]);
    }
}
