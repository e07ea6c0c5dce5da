//! The format of netlink (netlink(7)), in the byte order of the host.
//!
//! ```text
//! nlmsghdr:  length u32 | type u16 | flags u16 | sequence u32 | port u32
//! then the family's own header, then attributes: length u16 | type u16 | value, padded to 4
//! ```

/// Length of `nlmsghdr`.
pub const HEADER_BYTES: usize = 16;
const ATTRIBUTE_HEADER_BYTES: usize = 4;
/// NLA_F_NESTED: the value is attributes.
pub const NESTED: u16 = 1 << 15;
/// NLA_F_NESTED and NLA_F_NET_BYTEORDER say something about a type and are no part of it.
const TYPE_BITS: u16 = 0x3fff;

/// One message to the kernel.
pub fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = (HEADER_BYTES + body.len()) as u32;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// One attribute.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = (ATTRIBUTE_HEADER_BYTES + value.len()) as u16;
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An attribute whose value is attributes.
pub fn nested(kind: u16, attributes: &[&[u8]]) -> Vec<u8> {
    attribute(kind | NESTED, &attributes.concat())
}

/// One message from the kernel.
pub struct Received<'a> {
    pub kind: u16,
    pub sequence: u32,
    pub body: &'a [u8],
}

/// The messages in what one call received, up to the first that is cut short.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Received<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let kind = u16_at(bytes, 4)?;
        let sequence = u32_at(bytes, 8)?;
        let body = bytes.get(HEADER_BYTES..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Received { kind, sequence, body })
    })
}

/// The attributes behind a family's header, up to the first that is cut short.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & TYPE_BITS;
        let value = bytes.get(ATTRIBUTE_HEADER_BYTES..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the first attribute of a kind.
pub fn value_of(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// The number that the first attribute of a kind is.
pub fn number_of(bytes: &[u8], wanted: u16) -> Option<u32> {
    value_of(bytes, wanted).and_then(|value| u32_at(value, 0))
}

/// A number in the byte order of the host.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_attribute_is_padded_to_four_bytes_that_its_length_leaves_out() {
        assert_eq!(attribute(8, &[1]), [&5u16.to_ne_bytes()[..], &8u16.to_ne_bytes(), &[1, 0, 0, 0]].concat());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let body = [vec![0; 4], nested(3, &[&attribute(1, b"abc"), &attribute(2, &[])])].concat();
        let stream = [message(7, 1, 42, &body), message(8, 0, 43, &[])].concat();
        let read: Vec<_> = messages(&stream).collect();
        assert_eq!(read.iter().map(|m| (m.kind, m.sequence)).collect::<Vec<_>>(), [(7, 42), (8, 43)]);
        let inner = value_of(&read[0].body[4..], 3).unwrap();
        assert_eq!(attributes(inner).collect::<Vec<_>>(), [(1, &b"abc"[..]), (2, &[])]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(messages(&bytes).count() <= bytes.len());
            prop_assert!(attributes(&bytes).count() <= bytes.len());
        }
    }
}
