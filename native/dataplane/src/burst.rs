//! The seam to a platform: packets and datagrams come and go in bursts, so that whatever a system can move at once (segmentation
//! offload, batched calls) stays below it, and everything above is the same code on every system.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

/// The read side of a TUN device.
pub trait PacketSource: AsFd {
    /// Hands on the packets that wait, at most one burst of them, without blocking. True when there may be more.
    fn read_burst(&mut self, each: impl FnMut(&[u8])) -> io::Result<bool>;
}

/// The write side of a TUN device. Both methods return how many packets the device refused.
pub trait PacketSink {
    /// Takes a packet, to be written at the next [`Self::flush`] at the latest.
    fn write(&mut self, packet: &[u8]) -> usize;
    /// Writes what is gathered.
    fn flush(&mut self) -> usize;
    /// Forgets what is gathered.
    fn clear(&mut self);
}

/// The receive side of a UDP socket. IPv4-mapped sources are unmapped below it.
pub trait DatagramSource: AsFd {
    /// Hands on the datagrams that wait, at most one call full, without blocking. They may be changed in place. True when there may
    /// be more.
    fn receive_burst(&mut self, each: impl FnMut(&mut [u8], SocketAddr)) -> io::Result<bool>;
}

/// The send side of a UDP socket, shared by threads.
pub trait DatagramSink {
    /// Whether runs of several datagrams may be sent as one.
    fn takes_runs(&self) -> bool;
    /// From now on datagrams are sent one by one: a device cannot segment.
    fn stop_runs(&self);
    /// Sends runs of `slab` in order. Returns how many went out and, if none did, why.
    fn send(&self, slab: &[u8], runs: &[Run]) -> io::Result<usize>;
}

/// Datagrams that lie behind each other, go to one place and have one size; the last may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where to.
    pub to: SocketAddr,
    /// Where the first one starts.
    pub start: usize,
    /// Bytes of all of them.
    pub bytes: usize,
    /// Bytes of each of them.
    pub segment_bytes: usize,
    /// How many they are.
    pub datagrams: usize,
}
