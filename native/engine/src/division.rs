//! An inner packet that is longer than its way carries, divided as the host itself would have done (RFC 791, RFC 8200 section 4.5).

use std::net::IpAddr;

use crate::checksum::Checksum;
use crate::packet::{IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, InnerPacket};

/// No link of IPv6 carries less, and so no host makes its packets shorter.
const MTU_V6_MIN: usize = 1_280;
const DONT_FRAGMENT: u8 = 0x40;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_UNITS: u16 = 0x1fff;
const FRAGMENT: u8 = 44;
const FRAGMENT_HEADER_BYTES: usize = 8;
const MORE_FRAGMENTS_V6: u16 = 1;
const OFFSET_BYTES_V6: u16 = 0xfff8;
/// Of an option: it belongs into every part.
const COPIED: u8 = 0x80;
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;

/// The parts of a packet that is longer than `mtu`. `Err`: it must not be divided, and its sender is told that it may be so long. `id` is for one of
/// IPv6, which has none of its own.
pub fn divided(
    packet: &[u8],
    inner: &InnerPacket,
    mtu: usize,
    id: impl FnOnce() -> u32,
) -> Result<Vec<Vec<u8>>, usize> {
    let parts = match inner.source {
        IpAddr::V4(_) if packet.get(6).is_none_or(|flags| flags & DONT_FRAGMENT != 0) => return Err(mtu),
        IpAddr::V4(_) => parts_v4(packet, mtu),
        IpAddr::V6(_) if inner.length > MTU_V6_MIN || !is_divisible(packet, inner) => return Err(mtu.max(MTU_V6_MIN)),
        IpAddr::V6(_) => parts_v6(packet, inner, mtu, id),
    };
    Ok(parts.unwrap_or_default())
}

fn parts_v4(packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
    let header_bytes = usize::from(packet.first()? & 0x0f) * 4;
    let (header, payload) = packet.split_at_checked(header_bytes)?;
    let following = without_lone_options(header);
    let flags = u16::from_be_bytes([*header.get(6)?, *header.get(7)?]);
    let part = |piece: Piece<'_>| {
        let mut part = [if piece.from == 0 { header } else { &following }, piece.data].concat();
        let length = part.len() as u16;
        let more = if piece.is_last { flags & MORE_FRAGMENTS } else { MORE_FRAGMENTS };
        let offset = (flags & OFFSET_UNITS) + (piece.from / 8) as u16;
        part.get_mut(2..4)?.copy_from_slice(&length.to_be_bytes());
        part.get_mut(6..8)?.copy_from_slice(&(more | offset).to_be_bytes());
        part.get_mut(10..12)?.fill(0);
        let sum = Checksum::default().with(part.get(..header_bytes)?).finish();
        part.get_mut(10..12)?.copy_from_slice(&sum);
        Some(part)
    };
    pieces(payload, mtu.checked_sub(header_bytes)?).map(part).collect()
}

/// The header of the parts behind the first: of the options that are not copied, nothing is left but their room.
fn without_lone_options(header: &[u8]) -> Vec<u8> {
    let mut copy = header.to_vec();
    let mut at = IPV4_HEADER_BYTES;
    while let Some(&kind) = copy.get(at).filter(|kind| **kind != END_OF_OPTIONS) {
        let length = match kind {
            NO_OPERATION => 1,
            _ => usize::from(copy.get(at + 1).copied().unwrap_or(0)),
        };
        if kind != NO_OPERATION && length < 2 {
            break;
        }
        if kind & COPIED == 0 {
            copy.iter_mut().skip(at).take(length).for_each(|byte| *byte = NO_OPERATION);
        }
        at += length;
    }
    copy
}

/// One with nothing in front of what is divided but, of a part, that it is one.
fn is_divisible(packet: &[u8], inner: &InnerPacket) -> bool {
    match inner.part {
        Some(_) => packet.get(6) == Some(&FRAGMENT),
        None => inner.upper == IPV6_HEADER_BYTES,
    }
}

fn parts_v6(packet: &[u8], inner: &InnerPacket, mtu: usize, id: impl FnOnce() -> u32) -> Option<Vec<Vec<u8>>> {
    let (header, rest) = packet.get(..inner.length)?.split_at_checked(IPV6_HEADER_BYTES)?;
    let (fragment, payload) = match inner.part {
        Some(_) => {
            let (fragment, payload) = rest.split_first_chunk::<FRAGMENT_HEADER_BYTES>()?;
            (*fragment, payload)
        }
        None => {
            let [i0, i1, i2, i3] = id().to_be_bytes();
            ([*header.get(6)?, 0, 0, 0, i0, i1, i2, i3], rest)
        }
    };
    let flags = u16::from_be_bytes([fragment[2], fragment[3]]);
    let part = |piece: Piece<'_>| {
        let mut part = [header, &fragment, piece.data].concat();
        let length = (part.len() - IPV6_HEADER_BYTES) as u16;
        let more = if piece.is_last { flags & MORE_FRAGMENTS_V6 } else { MORE_FRAGMENTS_V6 };
        let offset = (flags & OFFSET_BYTES_V6) + piece.from as u16;
        part.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
        *part.get_mut(6)? = FRAGMENT;
        part.get_mut(IPV6_HEADER_BYTES + 2..IPV6_HEADER_BYTES + 4)?.copy_from_slice(&(more | offset).to_be_bytes());
        Some(part)
    };
    pieces(payload, mtu.checked_sub(IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES)?).map(part).collect()
}

struct Piece<'a> {
    from: usize,
    data: &'a [u8],
    is_last: bool,
}

/// Of at most so many bytes, all but the last of a multiple of 8.
fn pieces(payload: &[u8], room: usize) -> impl Iterator<Item = Piece<'_>> {
    let size = (room & !7).max(8);
    let count = payload.len().div_ceil(size);
    payload.chunks(size).enumerate().map(move |(number, data)| Piece {
        from: number * size,
        data,
        is_last: number + 1 == count,
    })
}
