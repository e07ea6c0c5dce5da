//! A packet arrives from the device, and everything else that leaves through a session (SEMANTICS.md section 3).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::drop_reason::DropReason;
use crate::engine::{Pass, Step};
use crate::flow_table::Verdict;
use crate::header::{Kind, OVERHEAD_BYTES};
use crate::lock::{lock, read};
use crate::output::{DropSample, Event, Output};
use crate::packet::{Direction, InnerPacket, Tuple};
use crate::session::{COUNTER_LAST, Reservation, Session};

impl<O: Output> Pass<'_, O> {
    /// Handles one packet from the device.
    pub fn outbound(&mut self, packet: &[u8]) {
        self.step.engine.outbound.tun_read.add(1);
        let inner = match InnerPacket::parse(packet) {
            Ok(inner) => inner,
            Err(reason) => return self.step.drop_outbound(None, None, reason),
        };
        if let Err(reason) = self.step.host.check_outbound(&inner) {
            return self.step.drop_outbound(None, Some(inner.tuple(Direction::Outbound)), reason);
        }
        if let Some(packet) = packet.get(..inner.length) {
            self.forward(&inner, packet);
        }
    }

    /// Sends what is parked for `destination`.
    pub fn release(&mut self, destination: IpAddr) {
        let packets = lock(&self.step.engine.parked).take(destination);
        for packet in packets {
            if let Ok(inner) = InnerPacket::parse(&packet) {
                self.forward(&inner, &packet);
            }
        }
    }

    /// Steps 4 and 5: through the primary session of the destination, or wait for one.
    fn forward(&mut self, inner: &InnerPacket, packet: &[u8]) {
        let Self { sessions, step } = self;
        let tuple = inner.tuple(Direction::Outbound);
        match sessions.primary(&step.engine.sessions, inner.destination) {
            Some(session) => step.send_allowed(session, &tuple, packet),
            None => step.park(&tuple, packet),
        }
    }
}

impl<O: Output> Step<'_, O> {
    fn park(&mut self, tuple: &Tuple, packet: &[u8]) {
        let destination = tuple.remote_address;
        let mut parked = lock(&self.engine.parked);
        // A session may have become primary since it was looked for; then its release may already be over.
        if let Some(session) = self.engine.sessions.primary(destination) {
            drop(parked);
            return self.send_allowed(&session, tuple, packet);
        }
        let has_room = parked.park(destination, packet, self.now_ms);
        let must_ask = parked.must_ask(destination, self.now_ms);
        drop(parked);
        if !has_room {
            self.drop_outbound(None, Some(*tuple), DropReason::ParkedFull);
        }
        if must_ask {
            self.out.event(Event::NeedSession { destination });
        }
    }

    /// Step 5: sends an inner packet if the rules allow its flow.
    pub(crate) fn send_allowed(&mut self, session: &Arc<Session>, tuple: &Tuple, packet: &[u8]) {
        if self.allows(session, tuple, Direction::Outbound) {
            self.send(session, Kind::Message, packet, Some(tuple));
        } else {
            self.drop_outbound(Some(session), Some(*tuple), DropReason::NoMatchingRule);
        }
    }

    /// Section 4.3: whether the flow is known or some rule of the session's program allows it.
    pub(crate) fn allows(&mut self, session: &Session, tuple: &Tuple, direction: Direction) -> bool {
        let engine = self.engine;
        let verdict = engine.flows.judge(self.flow, tuple, direction, self.now_ms, session.policy_id(), |direction| {
            // Asked for again under the lock: a change of rules binds sessions while it holds it.
            read(&engine.policies).get(session.policy_id()).is_some_and(|program| program.allows(direction, tuple))
        });
        if verdict == Verdict::AllowedByEviction {
            engine.drops.add(DropReason::FlowEvicted, 1);
        }
        verdict != Verdict::Refused
    }

    /// Seals `body` under the session's next counter and sends it on the session's path.
    pub(crate) fn send(&mut self, session: &Session, kind: Kind, body: &[u8], tuple: Option<&Tuple>) {
        if session.is_exhausted() {
            return self.drop_exhausted(session, tuple);
        }
        let Some(path) = session.path() else {
            return self.drop_outbound(Some(session), tuple.copied(), DropReason::NoPath);
        };
        let (counter, is_high) = match session.reserve_counter() {
            Reservation::Counter(counter) => (counter, false),
            Reservation::High(counter) => (counter, true),
            Reservation::Exhausted => return self.drop_exhausted(session, tuple),
        };
        let length = body.len() + OVERHEAD_BYTES;
        if self.out.datagram(path, length, |slot| session.seal_into(slot, kind, counter, body)) {
            self.engine.outbound.udp_sent.add(1);
        } else {
            self.drop_outbound(Some(session), tuple.copied(), DropReason::SendFailed);
        }
        if is_high {
            let local_index = session.local_index;
            self.out.event(Event::CounterHigh { local_index, send_counter: counter, exhausted: false });
        }
    }

    /// Sends a datagram as it is.
    pub(crate) fn send_datagram(&mut self, to: SocketAddr, datagram: &[u8]) {
        let fill = |slot: &mut [u8]| {
            slot.copy_from_slice(datagram);
            true
        };
        if self.out.datagram(to, datagram.len(), fill) {
            self.engine.outbound.udp_sent.add(1);
        } else {
            self.drop_outbound(None, None, DropReason::SendFailed);
        }
    }

    fn drop_exhausted(&mut self, session: &Session, tuple: Option<&Tuple>) {
        self.drop_outbound(Some(session), tuple.copied(), DropReason::CounterExhausted);
        if session.tell_exhausted() {
            let send_counter = session.send_counter().min(COUNTER_LAST);
            let local_index = session.local_index;
            self.out.event(Event::CounterHigh { local_index, send_counter, exhausted: true });
        }
    }

    fn drop_outbound(&mut self, session: Option<&Session>, tuple: Option<Tuple>, reason: DropReason) {
        let local_index = session.map_or(0, |session| session.local_index);
        self.drop(DropSample { reason, inbound: false, tuple, local_index, source: None });
    }
}
