//! One inner packet, read as it comes.

use std::net::IpAddr;

use lacis_engine::header::Header;
use lacis_engine::packet::{Direction, InnerPacket};

/// What is read lies within the bytes, both directions see the same two ends, and what a header says is written again as it was.
pub fn check(bytes: &[u8]) {
    if let Ok(header) = Header::decode(bytes) {
        let again = header.encode();
        assert_eq!(Header::decode(&again), Ok(header));
        assert_eq!((again[..2].as_ref(), again[4..].as_ref()), (&bytes[..2], &bytes[4..again.len()]));
    }
    let Ok(inner) = InnerPacket::parse(bytes) else { return };
    assert!(inner.length <= bytes.len(), "longer than what it was read from");
    let (inbound, outbound) = (inner.tuple(Direction::Inbound), inner.tuple(Direction::Outbound));
    assert_eq!((inbound.local_address, inbound.remote_address), (inner.destination, inner.source));
    assert_eq!((outbound.local_address, outbound.remote_address), (inner.source, inner.destination));
    assert_eq!((inbound.protocol, inbound.is_rest), (outbound.protocol, outbound.is_rest));
    let at = if bytes[0] >> 4 == 4 { 12 } else { 8 };
    let source = match inner.source {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    assert_eq!(&bytes[at..at + source.len()], source, "the source is another one");
    // What lies behind the packet's own length is none of it.
    let alone = InnerPacket::parse(&bytes[..inner.length]).map(|inner| inner.tuple(Direction::Inbound));
    assert_eq!(alone, Ok(inbound));
}
