//! The 16 bytes in front of every datagram (protocol, section 1).
//!
//! ```text
//! byte 0         1        2..3      4..7          8..15
//!      1 | type  subtype  reserved  remote index  message counter      (big endian; nibbles in byte 0)
//! ```

use crate::drop_reason::DropReason;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 16;
/// Bytes of the tag behind every sealed body.
pub const TAG_BYTES: usize = 16;
/// Header and tag: what sealing adds to a body.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// Longest datagram of the protocol; what the reference implementation reads without offloads.
pub const DATAGRAM_LIMIT_BYTES: usize = 9_001;

/// What a path request begins with, and all that its reply is.
pub const PATH_TOKEN_BYTES: usize = 16;

/// Longest body of a sealed datagram.
pub const BODY_LIMIT_BYTES: usize = DATAGRAM_LIMIT_BYTES - OVERHEAD_BYTES;

const VERSION: u8 = 1;

/// What a datagram is, from its type and subtype. Every other pair is dropped unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Noise message.
    Handshake,
    /// An inner IP packet, sealed.
    Message,
    /// Another datagram, authenticated for a relay.
    Relay,
    /// "I have no session of this index", in clear.
    RecvError,
    /// Lighthouse protocol, sealed.
    LightHouse,
    /// Asks for its own body back, sealed.
    TestRequest,
    /// Answers a test request, sealed.
    TestReply,
    /// Begins with a token that goes back by the way that it came, sealed.
    PathRequest,
    /// The token of a path request, sealed.
    PathReply,
    /// Asks from where it is seen to come, sealed.
    BindingRequest,
    /// The token of a binding request and from where it came, sealed.
    BindingReply,
    /// The sender forgets this session, sealed.
    CloseTunnel,
    /// Relay control, sealed.
    Control,
}

impl Kind {
    /// From type and subtype.
    pub fn from_wire(kind: u8, subtype: u8) -> Option<Self> {
        Some(match (kind, subtype) {
            (0, 0) => Self::Handshake,
            (1, 0) => Self::Message,
            (1, 1) => Self::Relay,
            (2, 0) => Self::RecvError,
            (3, 0) => Self::LightHouse,
            (4, 0) => Self::TestRequest,
            (4, 1) => Self::TestReply,
            (4, 2) => Self::PathRequest,
            (4, 3) => Self::PathReply,
            (4, 4) => Self::BindingRequest,
            (4, 5) => Self::BindingReply,
            (5, 0) => Self::CloseTunnel,
            (6, 0) => Self::Control,
            _ => return None,
        })
    }

    /// Type and subtype.
    pub fn to_wire(self) -> (u8, u8) {
        match self {
            Self::Handshake => (0, 0),
            Self::Message => (1, 0),
            Self::Relay => (1, 1),
            Self::RecvError => (2, 0),
            Self::LightHouse => (3, 0),
            Self::TestRequest => (4, 0),
            Self::TestReply => (4, 1),
            Self::PathRequest => (4, 2),
            Self::PathReply => (4, 3),
            Self::BindingRequest => (4, 4),
            Self::BindingReply => (4, 5),
            Self::CloseTunnel => (5, 0),
            Self::Control => (6, 0),
        }
    }

    /// Whether it asks about ways, or answers: that says nothing about the one that the peer wants to use.
    pub fn is_probe(self) -> bool {
        matches!(self, Self::PathRequest | Self::PathReply | Self::BindingRequest | Self::BindingReply)
    }

    /// Whether the body travels encrypted in a session.
    pub fn is_sealed(self) -> bool {
        !matches!(self, Self::Handshake | Self::Relay | Self::RecvError)
    }
}

/// A header that passed the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// The receiver's index of the session.
    pub remote_index: u32,
    /// Message counter, also the AEAD's.
    pub counter: u64,
}

impl Header {
    /// Reads the header of a datagram: steps 1 and 2 of SEMANTICS.md section 2. The reserved field is not looked at.
    pub fn decode(datagram: &[u8]) -> Result<Self, DropReason> {
        if datagram.len() < 2 {
            return Err(DropReason::Punch);
        }
        let Some(&[first, subtype, _, _, i0, i1, i2, i3, ref counter @ ..]) = datagram.first_chunk::<HEADER_BYTES>()
        else {
            return Err(DropReason::ShortHeader);
        };
        if first >> 4 != VERSION {
            return Err(DropReason::BadVersion);
        }
        let kind = Kind::from_wire(first & 0x0f, subtype).ok_or(DropReason::UnknownType)?;
        if datagram.len() > DATAGRAM_LIMIT_BYTES {
            return Err(DropReason::Oversized);
        }
        Ok(Self { kind, remote_index: u32::from_be_bytes([i0, i1, i2, i3]), counter: u64::from_be_bytes(*counter) })
    }

    /// The header's bytes, reserved field 0.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let (kind, subtype) = self.kind.to_wire();
        let [i0, i1, i2, i3] = self.remote_index.to_be_bytes();
        let [c0, c1, c2, c3, c4, c5, c6, c7] = self.counter.to_be_bytes();
        [VERSION << 4 | kind, subtype, 0, 0, i0, i1, i2, i3, c0, c1, c2, c3, c4, c5, c6, c7]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Header, DropReason> {
        Header::decode(bytes)
    }

    #[test]
    fn the_fields_stand_where_the_protocol_says() {
        let bytes = [0x14, 0, 0xaa, 0xbb, 0x0a, 0x0b, 0x0c, 0x0d, 0, 0, 0, 0, 0, 0, 1, 3];
        let header = decode(&bytes).unwrap();
        assert_eq!(header, Header { kind: Kind::TestRequest, remote_index: 0x0a0b_0c0d, counter: 259 });
    }

    #[test]
    fn every_kind_survives_encoding_and_all_other_pairs_are_unknown() {
        let mut known = 0;
        for kind in 0..=15u8 {
            for subtype in 0..=255u8 {
                let mut bytes = [0; HEADER_BYTES];
                bytes[0] = 0x10 | kind;
                bytes[1] = subtype;
                match decode(&bytes) {
                    Ok(header) => {
                        known += 1;
                        assert_eq!(header.encode(), bytes);
                    }
                    Err(reason) => assert_eq!(reason, DropReason::UnknownType),
                }
            }
        }
        assert_eq!(known, 13);
    }

    #[test]
    fn bad_headers_are_dropped_in_the_order_of_the_checks() {
        assert_eq!(decode(&[]), Err(DropReason::Punch));
        assert_eq!(decode(&[1]), Err(DropReason::Punch));
        assert_eq!(decode(&[0x10; 2]), Err(DropReason::ShortHeader));
        assert_eq!(decode(&[0x10; 15]), Err(DropReason::ShortHeader));
        assert_eq!(decode(&[0x2f; 9_002]), Err(DropReason::BadVersion));
        assert_eq!(decode(&[0x1f; 9_002]), Err(DropReason::UnknownType));
        let mut long = vec![0; 9_002];
        long[0] = 0x11;
        assert_eq!(decode(&long), Err(DropReason::Oversized));
        long.pop();
        assert!(decode(&long).is_ok());
    }
}
