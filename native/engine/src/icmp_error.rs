//! What an ICMP or ICMPv6 error is about (SEMANTICS.md section 4.4).

use crate::packet::{Direction, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, InnerPacket, Tuple};

/// Type, code, checksum and four bytes that depend come before the quote.
const QUOTE_OFFSET: usize = 8;
/// Unreachable, time exceeded, parameter problem. Source quench is obsolete (RFC 6633), and a redirect is no error.
const ERRORS: [u8; 3] = [3, 11, 12];
/// Unreachable, packet too big, time exceeded, parameter problem.
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];
const MORE_FRAGMENTS: u8 = 0x20;

/// Whether a packet is an ICMP error of its IP version, and whole: of a part nobody can say what all of it quotes.
pub fn is_error(inner: &InnerPacket) -> bool {
    if inner.part.is_some() {
        return false;
    }
    let errors = if inner.source.is_ipv4() { &ERRORS[..] } else { &ERRORS_V6[..] };
    inner.icmp_type().is_some_and(|kind| errors.contains(&kind))
}

/// The flow of the packet that an ICMP error quotes: it went the other way, and whoever sent it is who is told. `None` when nothing
/// sensible is quoted, or a part of a packet in which no port stands.
pub fn quoted_flow(packet: &[u8], error: &InnerPacket, direction: Direction) -> Option<Tuple> {
    let quote = completed(packet.get(error.upper + QUOTE_OFFSET..error.length)?);
    let quoted = InnerPacket::parse(&quote).ok()?;
    let other_way = match direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
    };
    let flow = quoted.tuple(other_way);
    (quoted.source == error.destination && !flow.is_rest).then_some(flow)
}

/// A packet cut short says what a whole one says, once its length is that of what is there. Of parts the first names the ports.
fn completed(quote: &[u8]) -> Vec<u8> {
    let mut whole = quote.to_vec();
    let bytes = whole.len();
    let shortened = |field: [u8; 2], to: usize| usize::from(u16::from_be_bytes(field)).min(to) as u16;
    match whole.first().map(|first| first >> 4) {
        Some(4) => {
            if let Some(header) = whole.first_chunk_mut::<IPV4_HEADER_BYTES>() {
                [header[2], header[3]] = shortened([header[2], header[3]], bytes).to_be_bytes();
                header[6] &= !MORE_FRAGMENTS;
            }
        }
        _ => {
            if let Some(header) = whole.first_chunk_mut::<IPV6_HEADER_BYTES>() {
                [header[4], header[5]] = shortened([header[4], header[5]], bytes - IPV6_HEADER_BYTES).to_be_bytes();
            }
        }
    }
    whole
}
