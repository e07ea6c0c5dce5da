//! Frames: datagrams of others that a relay brings or is to send on (SEMANTICS.md section 2.2).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::drop_reason::DropReason;
use crate::engine::{Engine, Pass, Step};
use crate::header::{DATAGRAM_LIMIT_BYTES, HEADER_BYTES, Header, Kind, OVERHEAD_BYTES};
use crate::inbound::{Sender, is_handshake};
use crate::lock::lock;
use crate::output::{DropSample, Event, Output};
use crate::packet::Tuple;
use crate::path::{Path, Relayed};
use crate::relay::{RelayEntry, Role};
use crate::send_counter::Reservation;
use crate::session::Session;
use crate::session_table::SessionCache;
use crate::standing::Standing;

/// Longest datagram that a frame has room for.
pub const RELAYED_LIMIT_BYTES: usize = DATAGRAM_LIMIT_BYTES - OVERHEAD_BYTES;

impl<O: Output> Pass<'_, O> {
    /// A frame from the socket.
    pub(crate) fn frame(&mut self, header: &Header, frame: &mut [u8], source: SocketAddr) {
        let Self { sessions, relays, step } = self;
        let Some(relay) = relays.get(&step.engine.relays, header.remote_index) else {
            return step.drop_from(source, DropReason::UnknownRelay);
        };
        let (hop, length) = (&relay.hop, frame.len());
        let inner = match hop.take_in(header, frame, &step.engine.inbound) {
            Ok(inner) => inner,
            Err(reason) => return step.drop_inbound(hop, None, reason),
        };
        relay.count(length);
        let of_hop = step.proved(hop, Path::Direct(source), header.kind);
        let of_session = match (relay.relay.role, &relay.next) {
            (Role::Forward(next), Some(session)) => {
                step.forward(hop, session, next.relay_index, inner);
                vec![]
            }
            (Role::End(peer), _) => step.brought(sessions, relay, peer, inner),
            (Role::Forward(_), None) => vec![],
        };
        for address in of_session.into_iter().chain(of_hop) {
            self.release(address);
        }
    }
}

impl<O: Output> Step<'_, O> {
    /// What came through one hop goes on through the next, if the quota of its peer allows.
    fn forward(&mut self, hop: &Session, next: &Arc<Session>, relay_index: u32, inner: &[u8]) {
        let (engine, kilobytes) = (self.engine, self.host.relay_peer_kilobytes);
        if kilobytes != 0 && !lock(&engine.relay_quota).admits(hop.peer(), inner.len(), kilobytes, self.now_ms) {
            return self.drop_inbound(hop, None, DropReason::RelayLimited);
        }
        self.wrap_datagram(next, relay_index, inner);
    }

    /// What a relay has brought: only from the peer that it was set for, and only to the sessions with it. Returns the addresses
    /// whose packets now have a session.
    fn brought(
        &mut self,
        sessions: &mut SessionCache,
        relay: &RelayEntry,
        peer: IpAddr,
        inner: &mut [u8],
    ) -> Vec<IpAddr> {
        let origin = relay.origin();
        let refusal = match Header::decode(inner) {
            Err(reason) => reason,
            Ok(header) => match header.kind {
                Kind::RecvError | Kind::Relay => DropReason::RelayMismatch,
                Kind::Handshake if !is_handshake(&header, inner) => DropReason::BadHandshake,
                Kind::Handshake => {
                    let sender = Sender { origin, address: relay.hop.peer(), standing: Standing::Known };
                    self.handshake(&header, inner, sender);
                    return vec![];
                }
                _ => match sessions.by_index(&self.engine.sessions, header.remote_index) {
                    Some(session) if session.peer_addresses.contains(&peer) => {
                        return self.open(session, &header, inner, origin);
                    }
                    Some(session) => {
                        self.drop_inbound(session, None, DropReason::RelayMismatch);
                        return vec![];
                    }
                    None if self.hold(header.remote_index, origin, Some(peer), inner) => return vec![],
                    None => DropReason::UnknownIndex,
                },
            },
        };
        self.drop(DropSample { origin: Some(origin), ..DropSample::new(refusal, true) });
        vec![]
    }

    /// Seals `body` for the session and wraps it for the relay on its path.
    pub(crate) fn send_relayed(
        &mut self,
        session: &Session,
        path: Relayed,
        kind: Kind,
        body: &[u8],
        tuple: Option<&Tuple>,
    ) {
        let Self { engine, hops, out, .. } = self;
        // A session is no way to itself.
        let hop = hops.by_index(&engine.sessions, path.session).filter(|hop| hop.local_index != session.local_index);
        let mut high = None;
        let sent = match hop {
            None => Err(DropReason::NoPath),
            Some(hop) => wrap(engine, *out, hop, path.relay_index, body.len() + OVERHEAD_BYTES, |slot| {
                let counter = match session.counter().reserve() {
                    Reservation::Counter(counter) => counter,
                    Reservation::High(counter) => *high.insert(counter),
                    Reservation::Exhausted => return false,
                };
                session.seal_into(slot, kind, counter, body)
            }),
        };
        if sent.is_ok() && kind == Kind::Message {
            engine.silences.sent(session, self.now_ms);
        }
        if let Some(send_counter) = high {
            let local_index = session.local_index;
            out.event(Event::CounterHigh { local_index, send_counter, exhausted: false });
        }
        match sent {
            Ok(event) => event.into_iter().for_each(|event| out.event(event)),
            Err(reason) => match hop.filter(|_| reason == DropReason::CounterExhausted).cloned() {
                Some(hop) => self.drop_exhausted(&hop, tuple),
                None => self.drop_outbound(Some(session), tuple.copied(), reason),
            },
        }
    }

    /// Sends a datagram as it is along a relayed path.
    pub(crate) fn send_datagram_relayed(&mut self, path: Relayed, datagram: &[u8]) {
        match self.hops.by_index(&self.engine.sessions, path.session).cloned() {
            Some(hop) => self.wrap_datagram(&hop, path.relay_index, datagram),
            None => self.drop_outbound(None, None, DropReason::NoPath),
        }
    }

    fn wrap_datagram(&mut self, hop: &Session, relay_index: u32, datagram: &[u8]) {
        let fill = |slot: &mut [u8]| {
            slot.copy_from_slice(datagram);
            true
        };
        match wrap(self.engine, self.out, hop, relay_index, datagram.len(), fill) {
            Ok(event) => event.into_iter().for_each(|event| self.out.event(event)),
            Err(DropReason::CounterExhausted) => self.drop_exhausted(hop, None),
            Err(reason) => self.drop_outbound(Some(hop), None, reason),
        }
    }
}

/// Sends a datagram of so many bytes, which `fill` writes, to the peer of `hop`, for it to relay. Returns what is to be told of the
/// hop's counter. There are no chains: a hop is reached directly or not at all.
fn wrap<O: Output>(
    engine: &Engine,
    out: &mut O,
    hop: &Session,
    relay_index: u32,
    length: usize,
    fill: impl FnOnce(&mut [u8]) -> bool,
) -> Result<Option<Event>, DropReason> {
    let Some(Path::Direct(to)) = hop.path() else { return Err(DropReason::NoPath) };
    if length > RELAYED_LIMIT_BYTES {
        return Err(DropReason::Oversized);
    }
    let (counter, is_high) = match hop.counter().reserve() {
        Reservation::Counter(counter) => (counter, false),
        Reservation::High(counter) => (counter, true),
        Reservation::Exhausted => return Err(DropReason::CounterExhausted),
    };
    let sent = out.datagram(to, length + OVERHEAD_BYTES, |slot| {
        slot.get_mut(HEADER_BYTES..HEADER_BYTES + length).is_some_and(fill) && hop.wrap(slot, relay_index, counter)
    });
    if !sent {
        return Err(DropReason::SendFailed);
    }
    engine.outbound.udp_sent.add(1);
    let local_index = hop.local_index;
    Ok(is_high.then_some(Event::CounterHigh { local_index, send_counter: counter, exhausted: false }))
}
