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
const NOT_OVER: u64 = u64::MAX;
const BOTH: u8 = 3;

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
    ended_at_ms: u64,
    /// A bit for each direction in which a FIN has passed.
    finished: u8,
    may_be_disproved: bool,
}

impl TcpEnd {
    /// Nothing has ended.
    pub fn new() -> Self {
        Self { ended_at_ms: NOT_OVER, finished: 0, may_be_disproved: false }
    }

    /// Whether the connection is over, and may be followed by another one.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.ended_at_ms != NOT_OVER
    }

    /// Whether even what was lost of the connection has had its time.
    #[inline]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.is_over() && now_ms.saturating_sub(self.ended_at_ms) > LINGER_MS
    }

    /// A segment with these flags has passed.
    #[inline]
    pub fn passed(&mut self, direction: Direction, flags: u8, now_ms: u64) {
        if is_turning(flags) || self.may_be_disproved {
            self.turned(direction, flags, now_ms);
        }
    }

    fn turned(&mut self, direction: Direction, flags: u8, now_ms: u64) {
        let is_reset = flags & flag::RST != 0;
        if direction == Direction::Outbound && !is_reset && self.may_be_disproved {
            self.ended_at_ms = NOT_OVER;
            self.may_be_disproved = false;
        }
        if is_opening(flags) {
            self.finished = 0;
        }
        if flags & flag::FIN != 0 {
            self.finished |= if direction == Direction::Inbound { 1 } else { 2 };
        }
        if !self.is_over() && (is_reset || self.finished == BOTH) {
            self.ended_at_ms = now_ms;
            self.may_be_disproved = is_reset && direction == Direction::Inbound && self.finished != BOTH;
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
        assert!(!end.is_expired(10_007) && end.is_expired(10_008));
        assert!(!after(&[(Outbound, ACK)]).is_expired(u64::MAX));
    }
}
