//! What lies between the streams and the device: two short queues of packets.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// Packets that wait for the device. Where it is behind, streams wait, and nothing is lost.
const OUTGOING_MAX: usize = 64;
/// Packets that wait to be looked at: the caller brings no more than that between two looks.
pub const INCOMING_MAX: usize = 64;

/// See the head of this file.
pub struct Wire {
    mtu: usize,
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl Wire {
    pub fn new(mtu: usize) -> Self {
        Self { mtu, incoming: VecDeque::new(), outgoing: VecDeque::new() }
    }

    pub fn push(&mut self, packet: &[u8]) {
        if self.incoming.len() < INCOMING_MAX {
            self.incoming.push_back(packet.to_vec());
        }
    }

    pub fn is_full(&self) -> bool {
        self.outgoing.len() >= OUTGOING_MAX
    }

    pub fn outgoing(&self) -> Option<&[u8]> {
        self.outgoing.front().map(Vec::as_slice)
    }

    pub fn sent(&mut self) {
        self.outgoing.pop_front();
    }
}

pub struct Received(Vec<u8>);

pub struct ToSend<'a>(&'a mut VecDeque<Vec<u8>>);

impl Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend<'a>;

    // An answer to each packet has its place beyond the others': so one that is due is never forgotten, and there are twice as many at most.
    fn receive(&mut self, _: Instant) -> Option<(Received, ToSend<'_>)> {
        if self.outgoing.len() >= 2 * OUTGOING_MAX {
            return None;
        }
        Some((Received(self.incoming.pop_front()?), ToSend(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        if self.is_full() { None } else { Some(ToSend(&mut self.outgoing)) }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, look: F) -> R {
        look(&self.0)
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.0.push_back(packet);
        written
    }
}
