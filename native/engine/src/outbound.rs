//! A packet arrives from the device, and everything else that leaves through a session (SEMANTICS.md section 3).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::division::divided;
use crate::drop_reason::DropReason;
use crate::engine::{Pass, Step};
use crate::firewall::{Passing, Refused};
use crate::flow::Foreseen;
use crate::header::{Kind, OVERHEAD_BYTES};
use crate::lock::lock;
use crate::mss;
use crate::output::{DropSample, Event, Output};
use crate::packet::{Direction, InnerPacket, Subject, Tuple};
use crate::path::Path;
use crate::route::Target;
use crate::route_cache::Way;
use crate::send_counter::{COUNTER_LAST, Reservation};
use crate::session::Session;

impl<O: Output> Pass<'_, O> {
    /// Handles one packet from the device.
    pub fn outbound(&mut self, packet: &[u8]) {
        self.outbound_alone(packet, Foreseen::default());
    }

    /// Of a packet that waits behind others: has the memory fetched that says where its flow lies. Told to [`Self::outbound_all`] with the packet, and to
    /// [`Self::approach_flow`] before that, so that what it says is there in time.
    pub fn foresee_outbound(&mut self, packet: &[u8]) -> Foreseen {
        let flows = &self.step.engine.flows;
        match InnerPacket::parse(packet) {
            Ok(inner) if flows.is_far() && inner.part.is_none() => flows.foresee(&inner.tuple(Direction::Outbound)),
            _ => Foreseen::default(),
        }
    }

    /// Has the memory of the flow itself fetched.
    pub fn approach_flow(&mut self, foreseen: Foreseen) {
        self.step.engine.flows.approach(foreseen);
    }

    /// The same, and what it says if it was forwarded, wherever that has led.
    pub(crate) fn outbound_alone(&mut self, packet: &[u8], foreseen: Foreseen) -> Option<InnerPacket> {
        self.step.engine.outbound.tun_read.add(1);
        let inner = match InnerPacket::parse(packet) {
            Ok(inner) => inner,
            Err(reason) => {
                self.step.drop_outbound(None, None, reason);
                return None;
            }
        };
        if let Err(reason) = self.step.host.check_outbound(&inner) {
            self.step.drop_outbound(None, Some(inner.tuple(Direction::Outbound)), reason);
            return None;
        }
        self.forward(&inner, packet.get(..inner.length)?, foreseen);
        Some(inner)
    }

    /// Sends what is parked for `next_hop`.
    pub fn release(&mut self, next_hop: IpAddr) {
        let packets = lock(&self.step.engine.parked).take(next_hop);
        self.step.engine.outbound.parked_released.add(packets.len() as u64);
        for packet in packets {
            if let Ok(inner) = InnerPacket::parse(&packet) {
                self.forward(&inner, &packet, Foreseen::default());
            }
        }
    }

    /// Steps 2 to 5: through the primary session of the next hop, or wait for one.
    fn forward(&mut self, inner: &InnerPacket, packet: &[u8], foreseen: Foreseen) {
        let way = self.step.way(&inner.destination);
        let refusal = match way {
            Way::Own => Some(DropReason::OwnAddress),
            _ if !self.step.is_own(&inner.source) => Some(DropReason::LocalAddress),
            Way::None => Some(DropReason::NoRoute),
            Way::Peer | Way::Gateways => None,
        };
        let tuple = inner.tuple(Direction::Outbound);
        match refusal {
            Some(DropReason::NoRoute) => {
                let subject = &Subject { flow: tuple, part: inner.part };
                return self.step.refuse_unrouted(Passing { inner, subject, foreseen, bytes: packet });
            }
            Some(reason) => {
                self.step.capture((&tuple, packet), Direction::Outbound, None, Some(reason));
                return self.step.drop_outbound(None, Some(tuple), reason);
            }
            None => {}
        }
        let subject = match self.step.subject(tuple, inner.part, Direction::Outbound, inner.destination) {
            Ok(subject) => subject,
            Err(reason) => {
                self.step.capture((&tuple, packet), Direction::Outbound, None, Some(reason));
                return self.step.drop_outbound(None, Some(tuple), reason);
            }
        };
        let gateway = if way == Way::Gateways { self.gateway(&subject.flow) } else { None };
        let next_hop = gateway.as_ref().unwrap_or(&inner.destination);
        let passing = Passing { inner, subject: &subject, foreseen, bytes: packet };
        let Self { sessions, step, .. } = self;
        match sessions.primary(&step.engine.sessions, next_hop) {
            Some(session) => step.send_allowed(session, passing),
            None => step.park(*next_hop, passing),
        }
    }

    /// Section 3.2: the peer behind which the destination of a flow lies.
    fn gateway(&mut self, flow: &Tuple) -> Option<IpAddr> {
        let Self { sessions, step, .. } = self;
        let Target::Gateways(gateways) = step.routes.target(flow.remote_address) else { return None };
        let table = &step.engine.sessions;
        let version = sessions.version(table);
        let kept = &step.engine.kept_gateways;
        step.ways.gateway(gateways, kept, flow, version, |gateway| sessions.primary(table, &gateway).is_some())
    }
}

impl<O: Output> Step<'_, O> {
    /// Which way packets to an address on the other side of a flow go.
    pub(crate) fn way(&mut self, address: &IpAddr) -> Way {
        self.ways.way(self.routes, address)
    }

    /// Whether an address on our side of a flow is ours.
    pub(crate) fn is_own(&mut self, address: &IpAddr) -> bool {
        self.ways.is_own(self.routes, address)
    }

    fn park(&mut self, next_hop: IpAddr, packet: Passing<'_>) {
        let Passing { subject, bytes, .. } = packet;
        let tuple = &subject.flow;
        let sessions = &self.engine.sessions;
        let mut parked = lock(&self.engine.parked);
        // A session may have become primary since it was looked for; then its release may already be over.
        let next_hop = match self.routes.target(tuple.remote_address) {
            Target::Gateways(gateways) => {
                let has_session = |gateway| sessions.primary(gateway).is_some();
                self.engine.kept_gateways.choose(gateways, tuple, has_session)
            }
            _ => None,
        }
        .unwrap_or(next_hop);
        if let Some(session) = sessions.primary(next_hop) {
            drop(parked);
            return self.send_allowed(&session, packet);
        }
        let has_room = parked.park(next_hop, bytes, self.now_ms);
        let must_ask = parked.must_ask(next_hop, self.now_ms);
        drop(parked);
        if !has_room {
            self.withdraw(subject, Direction::Outbound, tuple.remote_address);
            self.drop_outbound(None, Some(*tuple), DropReason::ParkedFull);
        }
        if must_ask {
            self.out.event(Event::NeedSession { destination: next_hop });
        }
    }

    /// Step 5: sends an inner packet if the rules allow its flow.
    pub(crate) fn send_allowed(&mut self, session: &Arc<Session>, packet: Passing<'_>) {
        match self.judge(session, packet, Direction::Outbound) {
            Ok(()) => match session.mtu.longest() {
                None => self.send_message(session, packet.bytes, &packet.subject.flow),
                Some(longest) => self.send_fitted(session, packet, longest),
            },
            Err(refused) => self.refuse(Some(session), &packet.subject.flow, refused),
        }
    }

    /// Section 4.7: as long as its way carries, in parts, or not at all.
    fn send_fitted(&mut self, session: &Session, packet: Passing<'_>, longest: usize) {
        let Passing { inner, bytes, subject: Subject { flow, .. }, .. } = packet;
        let clamped = mss::clamped(bytes, inner, longest);
        let bytes = clamped.as_deref().unwrap_or(bytes);
        if inner.length <= longest {
            return self.send_message(session, bytes, flow);
        }
        let id = || self.engine.fragment_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        match divided(bytes, inner, longest, id) {
            Ok(parts) => parts.iter().for_each(|part| self.send_message(session, part, flow)),
            Err(mtu) => {
                let answer = self.too_big(Passing { bytes, ..packet }, mtu);
                self.refuse(Some(session), flow, Refused { reason: DropReason::TooBig, answer });
            }
        }
    }

    fn send_message(&mut self, session: &Session, bytes: &[u8], flow: &Tuple) {
        if session.mtu.tells(bytes.len(), self.now_ms) {
            self.out.event(Event::LargeSent { local_index: session.local_index });
        }
        self.send(session, Kind::Message, bytes, Some(flow));
    }

    /// Seals `body` under the session's next counter and sends it on the session's path.
    pub(crate) fn send(&mut self, session: &Session, kind: Kind, body: &[u8], tuple: Option<&Tuple>) {
        self.send_along(session.path(), session, kind, body, tuple);
    }

    /// The same on another path than the session's own.
    pub(crate) fn send_along(
        &mut self,
        path: Option<Path>,
        session: &Session,
        kind: Kind,
        body: &[u8],
        tuple: Option<&Tuple>,
    ) {
        if session.counter().is_exhausted() {
            return self.drop_exhausted(session, tuple);
        }
        let to = match path {
            Some(Path::Direct(to)) => to,
            Some(Path::Relayed(relayed)) => return self.send_relayed(session, relayed, kind, body, tuple),
            None => return self.drop_outbound(Some(session), tuple.copied(), DropReason::NoPath),
        };
        let (counter, is_high) = match session.counter().reserve() {
            Reservation::Counter(counter) => (counter, false),
            Reservation::High(counter) => (counter, true),
            Reservation::Exhausted => return self.drop_exhausted(session, tuple),
        };
        let length = body.len() + OVERHEAD_BYTES;
        if self.out.datagram(to, length, |slot| session.seal_into(slot, kind, counter, body)) {
            self.engine.outbound.udp_sent.add(1);
            if kind == Kind::Message {
                self.engine.silences.sent(session, self.now_ms);
            }
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

    pub(crate) fn drop_exhausted(&mut self, session: &Session, tuple: Option<&Tuple>) {
        self.drop_outbound(Some(session), tuple.copied(), DropReason::CounterExhausted);
        if session.counter().tell_exhausted() {
            let send_counter = session.counter().last().min(COUNTER_LAST);
            let local_index = session.local_index;
            self.out.event(Event::CounterHigh { local_index, send_counter, exhausted: true });
        }
    }

    pub(crate) fn drop_outbound(&mut self, session: Option<&Session>, tuple: Option<Tuple>, reason: DropReason) {
        let local_index = session.map_or(0, |session| session.local_index);
        self.drop(DropSample { tuple, local_index, ..DropSample::new(reason, false) });
    }
}
