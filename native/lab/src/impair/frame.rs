//! An Ethernet frame as the kernel hands it over, with what it has left undone in front (`struct virtio_net_hdr`).

/// `struct virtio_net_hdr`: flags, offload kind, and four lengths.
pub const OFFLOAD_BYTES: usize = 10;
const ETHERNET_BYTES: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const UDP: u8 = 17;
const UDP_HEADER_BYTES: usize = 8;
const UDP_CHECKSUM_AT: usize = 6;

/// A frame with its offload header.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame(pub Vec<u8>);

impl Frame {
    /// The length of the IPv4 packet in it when that carries UDP.
    pub fn udp_packet_bytes(&self) -> Option<usize> {
        self.udp_at().map(|_| self.0.len() - OFFLOAD_BYTES - ETHERNET_BYTES)
    }

    /// Turns a bit of the UDP payload over, the `chosen`-th modulo their number. The checksum goes, or the kernel would notice what is for
    /// the receiver to notice.
    pub fn corrupt(&mut self, chosen: u64) {
        let Some(udp) = self.udp_at() else { return };
        let payload = udp + UDP_HEADER_BYTES;
        let bits = (self.0.len().saturating_sub(payload) * 8) as u64;
        if bits == 0 {
            return;
        }
        let bit = (chosen % bits) as usize;
        self.0[payload + bit / 8] ^= 1 << (bit % 8);
        self.0[udp + UDP_CHECKSUM_AT..udp + UDP_CHECKSUM_AT + 2].fill(0);
        self.0[..OFFLOAD_BYTES].fill(0);
    }

    /// Where the UDP header begins.
    fn udp_at(&self) -> Option<usize> {
        let ethernet = self.0.get(OFFLOAD_BYTES..)?;
        if ethernet.get(12..14)? != IPV4 {
            return None;
        }
        let packet = ethernet.get(ETHERNET_BYTES..)?;
        let header_bytes = usize::from(packet.first()? & 0x0f) * 4;
        let holds_udp = *packet.get(9)? == UDP && packet.len() >= header_bytes + UDP_HEADER_BYTES;
        holds_udp.then_some(OFFLOAD_BYTES + ETHERNET_BYTES + header_bytes)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A frame with a UDP packet of so many bytes of payload, all zero.
    pub fn udp(payload: usize) -> Frame {
        let mut bytes = vec![0; OFFLOAD_BYTES + ETHERNET_BYTES + 20 + UDP_HEADER_BYTES + payload];
        bytes[OFFLOAD_BYTES + 12..OFFLOAD_BYTES + 14].copy_from_slice(&IPV4);
        bytes[OFFLOAD_BYTES + ETHERNET_BYTES] = 0x45;
        bytes[OFFLOAD_BYTES + ETHERNET_BYTES + 9] = UDP;
        Frame(bytes)
    }

    /// What asks for a neighbour's address.
    pub fn arp() -> Frame {
        let mut bytes = vec![0; OFFLOAD_BYTES + 60];
        bytes[OFFLOAD_BYTES + 12..OFFLOAD_BYTES + 14].copy_from_slice(&[0x08, 0x06]);
        Frame(bytes)
    }

    #[test]
    fn a_corrupted_frame_differs_in_one_bit_of_its_payload() {
        let clean = udp(10);
        for chosen in 0..200 {
            let mut frame = clean.clone();
            frame.corrupt(chosen);
            let flipped: u32 = frame.0.iter().zip(&clean.0).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(flipped, 1);
            let payload = clean.0.len() - 10;
            assert_eq!(frame.0[..payload], clean.0[..payload]);
        }
    }

    #[test]
    fn nothing_but_udp_over_ipv4_is_taken_for_it() {
        assert_eq!(udp(100).udp_packet_bytes(), Some(128));
        assert_eq!(arp().udp_packet_bytes(), None);
        assert_eq!(Frame(vec![0; 3]).udp_packet_bytes(), None);
        let mut frame = arp();
        frame.corrupt(0);
        assert_eq!(frame, arp());
    }
}
