//! When a TCP connection is over, told from the flags of the segments that passed (SEMANTICS.md section 4.3).

use crate::packet::Direction;

/// Flags that begin and end connections (RFC 9293 section 3.1).
#[allow(missing_docs)]
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const ACK: u8 = 0x10;
}

/// How long after its end a connection may still repeat what was lost of it.
const LINGER_MS: u64 = 10_000;
const NOT_OVER: u16 = u16::MAX;
/// What has been seen: a FIN in each direction, and an end that may be disproved.
const FIN_IN: u8 = 1;
const FIN_OUT: u8 = 2;
const BOTH: u8 = FIN_IN | FIN_OUT;
const DISPUTABLE: u8 = 4;

/// Whether a segment with these flags asks for a new connection.
pub fn is_opening(flags: u8) -> bool {
    flags & (flag::SYN | flag::ACK | flag::RST) == flag::SYN
}

/// Whether a segment with these flags can change what is known here.
pub fn is_turning(flags: u8) -> bool {
    flags & (flag::SYN | flag::FIN | flag::RST) != 0
}

/// Whether a connection is over: with a FIN each way, or with a RST. A RST of the peer is disproved when this host goes on with anything
/// but a RST: it has looked at the sequence number, which nobody here does.
#[derive(Clone, Copy)]
pub struct TcpEnd {
    /// From the end to the last packet.
    pub lingered_ms: u16,
    /// Some of the bits of [`Self::SEEN`].
    pub seen: u8,
}

impl TcpEnd {
    /// All bits that `seen` can have.
    pub const SEEN: u8 = BOTH | DISPUTABLE;

    /// Nothing has ended.
    pub fn new() -> Self {
        Self { lingered_ms: NOT_OVER, seen: 0 }
    }

    /// Whether the connection is over, and may be followed by another one.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.lingered_ms != NOT_OVER
    }

    /// Whether even what was lost of the connection has had its time, so long after its last packet.
    #[inline]
    pub fn is_expired(&self, idle_ms: u64) -> bool {
        self.is_over() && idle_ms.saturating_add(self.lingered_ms.into()) > LINGER_MS
    }

    /// A segment with these flags has passed, so long after the last packet. What is expired lets nothing pass.
    #[inline]
    pub fn passed(&mut self, direction: Direction, flags: u8, idle_ms: u64) {
        if self.is_over() {
            self.lingered_ms = (idle_ms.saturating_add(self.lingered_ms.into())).min(LINGER_MS) as u16;
        }
        if is_turning(flags) || self.may_be_disproved() {
            self.turned(direction, flags);
        }
    }

    fn may_be_disproved(&self) -> bool {
        self.seen & DISPUTABLE != 0
    }

    fn turned(&mut self, direction: Direction, flags: u8) {
        let is_reset = flags & flag::RST != 0;
        if direction == Direction::Outbound && !is_reset && self.may_be_disproved() {
            self.lingered_ms = NOT_OVER;
            self.seen &= !DISPUTABLE;
        }
        if is_opening(flags) {
            self.seen &= !BOTH;
        }
        if flags & flag::FIN != 0 {
            self.seen |= if direction == Direction::Inbound { FIN_IN } else { FIN_OUT };
        }
        let is_finished = self.seen & BOTH == BOTH;
        if !self.is_over() && (is_reset || is_finished) {
            self.lingered_ms = 0;
            self.seen &= !DISPUTABLE;
            if is_reset && direction == Direction::Inbound && !is_finished {
                self.seen |= DISPUTABLE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Inbound, Outbound};
    use flag::{ACK, FIN, RST, SYN};

    fn after(segments: &[(Direction, u8)]) -> TcpEnd {
        let mut end = TcpEnd::new();
        for (direction, flags) in segments {
            end.passed(*direction, *flags, 7);
        }
        end
    }

    #[test]
    fn a_connection_is_over_with_a_fin_each_way_or_a_reset() {
        assert!(
            !after(&[(Outbound, SYN), (Inbound, SYN | ACK), (Outbound, ACK), (Outbound, FIN | ACK), (Inbound, ACK)])
                .is_over()
        );
        assert!(!after(&[(Outbound, FIN | ACK), (Outbound, FIN | ACK)]).is_over());
        assert!(after(&[(Outbound, FIN | ACK), (Inbound, FIN | ACK), (Outbound, ACK)]).is_over());
        assert!(after(&[(Outbound, RST)]).is_over());
        assert!(after(&[(Inbound, RST | ACK)]).is_over());
    }

    #[test]
    fn a_reset_of_the_peer_is_disproved_by_what_this_host_goes_on_with() {
        assert!(!after(&[(Inbound, RST), (Outbound, ACK)]).is_over());
        assert!(after(&[(Inbound, RST), (Inbound, ACK), (Outbound, RST)]).is_over());
        assert!(after(&[(Outbound, RST), (Outbound, ACK)]).is_over());
        assert!(after(&[(Inbound, RST), (Outbound, ACK), (Inbound, RST)]).is_over());
        assert!(after(&[(Inbound, FIN), (Inbound, RST), (Outbound, FIN | ACK)]).is_over());
    }

    #[test]
    fn a_new_connection_has_not_seen_the_fins_of_the_last() {
        assert!(!after(&[(Outbound, FIN | ACK), (Outbound, SYN), (Inbound, FIN | ACK)]).is_over());
        assert!(after(&[(Outbound, SYN), (Inbound, FIN | ACK), (Outbound, FIN | ACK)]).is_over());
    }

    #[test]
    fn what_was_lost_has_ten_seconds_from_the_end_whatever_follows() {
        let mut end = after(&[(Outbound, RST)]);
        end.passed(Outbound, RST, 9_000);
        assert!(!end.is_expired(1_000) && end.is_expired(1_001));
        assert!(!after(&[(Outbound, ACK)]).is_expired(u64::MAX));
    }
}
