//! The half of a TUN device that packets are read from.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;

use lacis_engine::flow::Foreseen;

use super::offload::segments::take_apart;
use super::offload::virtio_header::{VIRTIO_HEADER_BYTES, VirtioHeader};
use crate::platform::{Burst, HandleRef, PacketSource, PacketTaker, Wait};

/// Largest packet a device hands over, and one byte more.
const PACKET_BYTES: usize = 65_536;
/// Reads of the device before what they brought is flushed: as many small packets as leave in one piece. One may stand for 64 packets itself.
const BURST_READS: usize = 64;
/// Bytes that are read before that: what comes from the other side is not to wait for long where one thread serves both.
const BURST_BYTES: usize = 256 << 10;
/// What is kept while its flow is fetched: one read for where the flow lies, one for the flow. A read takes longer than either.
const KEPT_MAX: usize = 2;

/// Reads packets. Where looking up a flow is waiting for memory, they are handed on two reads after their own, or once there is nothing to read.
pub struct TunReader {
    file: Arc<File>,
    /// Read into. Always the same one as long as nothing is kept, so that it stays in the processor's cache.
    slot: Slot,
    kept: VecDeque<Slot>,
    spare: Vec<Slot>,
    segment: Vec<u8>,
}

/// What one read brought.
struct Slot {
    bytes: Vec<u8>,
    length: usize,
    foreseen: Foreseen,
}

impl TunReader {
    /// Reads from a queue.
    pub fn new(file: Arc<File>) -> Self {
        Self { file, slot: Slot::new(), kept: VecDeque::new(), spare: vec![], segment: vec![0; PACKET_BYTES] }
    }

    fn take(&mut self, length: usize, taker: &mut impl PacketTaker) {
        self.approach_last(taker);
        self.slot.length = length;
        self.slot.foreseen =
            self.slot.bytes.get(VIRTIO_HEADER_BYTES..length).map(|packet| taker.foresee(packet)).unwrap_or_default();
        if !self.slot.foreseen.is_known() {
            self.hand_on(0, taker);
            return self.slot.hand_on(&mut self.segment, taker);
        }
        let next = self.spare.pop().unwrap_or_else(Slot::new);
        self.kept.push_back(mem::replace(&mut self.slot, next));
        self.hand_on(KEPT_MAX, taker);
    }

    fn approach_last(&self, taker: &mut impl PacketTaker) {
        if let Some(last) = self.kept.back() {
            taker.approach(last.foreseen);
        }
    }

    /// Hands on what is kept but for so many.
    fn hand_on(&mut self, but_for: usize, taker: &mut impl PacketTaker) {
        while self.kept.len() > but_for
            && let Some(mut slot) = self.kept.pop_front()
        {
            slot.hand_on(&mut self.segment, taker);
            self.spare.push(slot);
        }
    }
}

impl Slot {
    fn new() -> Self {
        Self { bytes: vec![0; VIRTIO_HEADER_BYTES + PACKET_BYTES], length: 0, foreseen: Foreseen::default() }
    }

    fn hand_on(&mut self, segment: &mut [u8], taker: &mut impl PacketTaker) {
        let read = self.bytes.get_mut(..self.length).unwrap_or_default();
        let Some((header, packet)) = read.split_first_chunk_mut::<VIRTIO_HEADER_BYTES>() else { return };
        if let Some(header) = VirtioHeader::decode(header) {
            take_apart(&header, packet, segment, |segments| taker.take(segments, self.foreseen));
        }
    }
}

impl PacketSource for TunReader {
    fn read_burst(&mut self, taker: &mut impl PacketTaker) -> io::Result<Burst> {
        let (mut has_more, mut reads, mut bytes) = (Ok(true), 0, 0);
        while reads < BURST_READS && bytes < BURST_BYTES {
            reads += 1;
            match self.file.as_ref().read(&mut self.slot.bytes) {
                Ok(length) => {
                    bytes += length;
                    self.take(length, taker);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    has_more = if error.kind() == io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) };
                    break;
                }
            }
        }
        self.approach_last(taker);
        self.hand_on(0, taker);
        has_more.map(|has_more| Burst { bytes, has_more })
    }
}

impl Wait for TunReader {
    fn handle(&self) -> HandleRef<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use lacis_engine::segments::Segments;

    use super::super::packet_socket::PacketSocket;
    use super::*;

    /// Writes down what it hears.
    struct Listener {
        is_far: bool,
        heard: Vec<String>,
    }

    impl PacketTaker for Listener {
        fn foresee(&mut self, packet: &[u8]) -> Foreseen {
            self.heard.push(format!("foresee {}", packet[0]));
            if self.is_far { Foreseen(Some(packet[0].into())) } else { Foreseen::default() }
        }

        fn approach(&mut self, foreseen: Foreseen) {
            self.heard.push(format!("approach {}", foreseen.0.unwrap()));
        }

        fn take(&mut self, segments: &mut dyn Segments, foreseen: Foreseen) {
            assert_eq!(foreseen.is_known(), self.is_far);
            self.heard.push(format!("take {}", segments.packet(0)[0]));
        }
    }

    fn heard(packets: u8, is_far: bool) -> String {
        let (device, mut kernel) = PacketSocket::pair(100).unwrap();
        (1..=packets).for_each(|packet| assert!(kernel.write(&[packet]).unwrap()));
        let mut listener = Listener { is_far, heard: vec![] };
        assert!(!TunReader::new(Arc::new(device)).read_burst(&mut listener).unwrap().has_more);
        listener.heard.join(", ")
    }

    #[test]
    fn packets_wait_for_two_reads_while_their_flows_are_fetched_and_keep_their_order() {
        assert_eq!(heard(1, true), "foresee 1, approach 1, take 1");
        assert_eq!(
            heard(4, true),
            "foresee 1, approach 1, foresee 2, approach 2, foresee 3, take 1, approach 3, foresee 4, take 2, approach 4, take 3, take 4"
        );
    }

    #[test]
    fn nothing_waits_where_flows_are_at_hand() {
        assert_eq!(heard(3, false), "foresee 1, take 1, foresee 2, take 2, foresee 3, take 3");
    }
}
