//! Datagrams gathered for one system call: written back to back, so that those of one size to one place leave as one.

use std::net::SocketAddr;
use std::sync::Arc;

use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::Engine;

use crate::os::udp::{Run, Udp};

/// Bytes gathered at most. Two maximal runs.
const SLAB_BYTES: usize = 128 << 10;
/// Runs gathered at most.
const RUNS_MAX: usize = 64;
/// Segments of one run: what every kernel with UDP_SEGMENT takes.
const RUN_DATAGRAMS_MAX: usize = 64;
/// Bytes of one run: below the largest UDP payload of both families.
const RUN_BYTES_MAX: usize = 65_000;

/// The send side of one thread.
pub struct SendBatch {
    udp: Arc<Udp>,
    engine: Arc<Engine>,
    slab: Vec<u8>,
    filled: usize,
    runs: Vec<Run>,
}

impl SendBatch {
    /// An empty batch. What the system refuses is counted in `engine`.
    pub fn new(udp: Arc<Udp>, engine: Arc<Engine>) -> Self {
        Self { udp, engine, slab: vec![0; SLAB_BYTES], filled: 0, runs: Vec::with_capacity(RUNS_MAX) }
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
        let joins = self.udp.takes_runs();
        match self.runs.last_mut() {
            Some(run) if joins && run.takes(to, length) => {
                run.bytes += length;
                run.datagrams += 1;
            }
            _ => self.runs.push(Run { to, start: self.filled, bytes: length, segment_bytes: length, datagrams: 1 }),
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
            let (sent, error) = self.udp.send(&self.slab, runs);
            let done = match error.and_then(|error| error.raw_os_error()) {
                None if sent == 0 => return,
                None => sent,
                Some(libc::EINTR) => 0,
                // Larger than what this path takes in one piece: the same bytes, one by one, are fragmented on the way.
                Some(libc::EINVAL | libc::EMSGSIZE) if first.datagrams > 1 => {
                    self.send(&first.split());
                    1
                }
                // The device cannot segment.
                Some(libc::EIO) if first.datagrams > 1 => {
                    self.udp.stop_runs();
                    self.send(&first.split());
                    1
                }
                Some(_) => {
                    self.engine.count_drops(DropReason::SendFailed, first.datagrams as u64);
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
            Run { to: self.to, start, bytes, segment_bytes: bytes, datagrams: 1 }
        };
        (0..self.datagrams).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(segment_bytes: usize, datagrams: usize, last_bytes: usize) -> Run {
        let bytes = segment_bytes * (datagrams - 1) + last_bytes;
        Run { to: "192.0.2.1:1".parse().unwrap(), start: 10, bytes, segment_bytes, datagrams }
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
