//! The extension headers of IPv6 (SEMANTICS.md section 8): the only walk there is, for whoever must know what lies behind them.

use crate::drop_reason::DropReason;
use crate::part::Part;

/// Of the fragment header: more fragments, and the offset, which lies in front of the flags and so counts bytes.
const MORE_FRAGMENTS_V6: u16 = 0x0001;
const OFFSET_BYTES_V6: u16 = 0xfff8;
/// A chain longer than this has no honest use and only costs time.
const EXTENSION_HEADERS_MAX: usize = 8;
const FRAGMENT: u8 = 44;

/// What lies behind the headers of IPv6.
pub struct UpperLayer<'a> {
    /// Protocol number.
    pub protocol: u8,
    /// Its bytes.
    pub payload: &'a [u8],
    /// Set when these are not all.
    pub part: Option<Part>,
}

/// Walks the extension headers (RFC 8200 section 4) to the upper-layer protocol and its bytes. What follows the fragment header of a part
/// behind the first is no header.
pub fn upper_layer(mut next_header: u8, payload: &[u8]) -> Result<UpperLayer<'_>, DropReason> {
    let (mut rest, mut part, mut was_divisible) = (payload, None, false);
    for walked in 0.. {
        let unit_bytes = match next_header {
            // Hop-by-hop options, routing, destination options: the length counts 8-byte units after the first.
            0 | 43 | 60 => 8,
            FRAGMENT => 0,
            // Authentication header (RFC 4302): the length counts 4-byte units after the first two.
            51 => 4,
            _ => break,
        };
        if walked == EXTENSION_HEADERS_MAX {
            return Err(DropReason::BadPacket);
        }
        let &[following, length, f0, f1, i0, i1, i2, i3, ..] = rest.first_chunk::<8>().ok_or(DropReason::BadPacket)?;
        rest = rest.get(8 + usize::from(length) * unit_bytes..).ok_or(DropReason::BadPacket)?;
        if next_header == FRAGMENT {
            // Nobody divides a part again.
            if was_divisible {
                return Err(DropReason::BadPacket);
            }
            was_divisible = true;
            let flags = u16::from_be_bytes([f0, f1]);
            let (more, from) = (flags & MORE_FRAGMENTS_V6 != 0, flags & OFFSET_BYTES_V6);
            if more || from != 0 {
                let id = u32::from_be_bytes([i0, i1, i2, i3]);
                let bytes_before = payload.len() - rest.len() - 8;
                part = Some(Part::new(id, following, from, rest, more, bytes_before)?);
            }
            if from != 0 {
                return Ok(UpperLayer { protocol: following, payload: rest, part });
            }
        }
        next_header = following;
    }
    Ok(UpperLayer { protocol: next_header, payload: rest, part })
}
