//! A datagram arrives from the socket (SEMANTICS.md sections 2 and 4).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::awaited::Early;
use crate::drop_reason::DropReason;
use crate::echo;
use crate::engine::{Pass, Step};
use crate::firewall::Passing;
use crate::flow::Foreseen;
use crate::header::{HEADER_BYTES, Header, Kind};
use crate::limiter::tokens_of;
use crate::lock::lock;
use crate::message_limiter::Order;
use crate::mss;
use crate::output::{DropSample, Event, Output};
use crate::packet::{Direction, InnerPacket, Tuple};
use crate::path::Path;
use crate::session::Session;
use crate::standing::Standing;

/// Bytes of a recv_error: a header and nothing else.
const RECV_ERROR_BYTES: usize = HEADER_BYTES;

impl<O: Output> Pass<'_, O> {
    /// Handles one datagram. It is decrypted in place; its bytes mean nothing afterwards.
    pub fn inbound(&mut self, datagram: &mut [u8], source: SocketAddr) {
        self.step.engine.inbound.udp_received.add(1);
        self.datagram(datagram, source);
    }

    /// Handles datagrams from one source that lie behind each other, of so many bytes each but for the last, as [`Self::inbound`] does one by one.
    pub fn inbound_all(&mut self, datagrams: &mut [u8], datagram_bytes: usize, source: SocketAddr) {
        let datagram_bytes = datagram_bytes.max(1);
        if datagrams.len() <= datagram_bytes {
            return self.inbound(datagrams, source);
        }
        self.step.engine.inbound.udp_received.add(datagrams.len().div_ceil(datagram_bytes) as u64);
        self.inbound_run(datagrams, datagram_bytes, source);
    }

    pub(crate) fn datagram(&mut self, datagram: &mut [u8], source: SocketAddr) {
        let header = match Header::decode(datagram) {
            Ok(header) => header,
            Err(reason) => return self.step.drop_from(source, reason),
        };
        if source.port() == 0 {
            return self.step.drop_from(source, DropReason::BadSource);
        }
        if self.step.host.is_overlay(source.ip()) {
            return self.step.drop_from(source, DropReason::OverlaySource);
        }
        match header.kind {
            Kind::Handshake => self.step.handshake_from(&header, datagram, source),
            Kind::RecvError => self.step.recv_error(datagram, source),
            Kind::Relay => self.frame(&header, datagram, source),
            _ => self.sealed(&header, datagram, source),
        }
    }

    fn sealed(&mut self, header: &Header, datagram: &mut [u8], source: SocketAddr) {
        let Self { sessions, step, .. } = self;
        let Some(session) = sessions.by_index(&step.engine.sessions, header.remote_index) else {
            return self.early(header, datagram, source);
        };
        for address in step.open(session, header, datagram, Path::Direct(source)) {
            self.release(address);
        }
    }

    /// Step 7: no session has this index, or none has it yet.
    fn early(&mut self, header: &Header, datagram: &mut [u8], source: SocketAddr) {
        let origin = Path::Direct(source);
        if self.step.hold(header.remote_index, origin, None, datagram) {
            return;
        }
        match self.step.engine.sessions.by_index(header.remote_index) {
            // It was installed between the two questions.
            Some(session) => self.open_and_release(&session, header, datagram, origin),
            None => self.step.unknown_index(header, source),
        }
    }

    /// What came before its session was installed, as if it came now.
    pub(crate) fn catch_up(&mut self, session: &Arc<Session>) {
        let early = lock(&self.step.engine.awaited).take(session.local_index);
        for Early { origin, peer, mut datagram } in early {
            let Ok(header) = Header::decode(&datagram) else { continue };
            match peer {
                Some(peer) if !session.peer_addresses.contains(&peer) => {
                    self.step.drop_inbound(session, None, DropReason::RelayMismatch);
                }
                _ => self.open_and_release(session, &header, &mut datagram, origin),
            }
        }
    }

    fn open_and_release(&mut self, session: &Arc<Session>, header: &Header, datagram: &mut [u8], origin: Path) {
        for address in self.step.open(session, header, datagram, origin) {
            self.release(address);
        }
    }
}

/// With whom a datagram that proves nothing shares its limits, and how it came.
pub(crate) struct Sender {
    pub origin: Path,
    pub address: IpAddr,
    pub standing: Standing,
}

/// Step 4: message 1 knows no index of ours, message 2 must name one.
pub(crate) fn is_handshake(header: &Header, datagram: &[u8]) -> bool {
    let is_plausible = match header.counter {
        1 => header.remote_index == 0,
        2 => header.remote_index != 0,
        _ => false,
    };
    is_plausible && datagram.len() > HEADER_BYTES
}

impl<O: Output> Step<'_, O> {
    /// Steps 8 to 14, of a datagram from the socket or out of a frame. Returns the addresses whose packets now have a session.
    pub(crate) fn open(
        &mut self,
        session: &Arc<Session>,
        header: &Header,
        datagram: &mut [u8],
        origin: Path,
    ) -> Vec<IpAddr> {
        match session.take_in(header, datagram, &self.engine.inbound) {
            Ok(body) => {
                let awaited = self.proved(session, origin, header.kind);
                self.opened(session, header.kind, origin, body);
                awaited
            }
            Err(reason) => {
                self.drop_inbound(session, None, reason);
                vec![]
            }
        }
    }

    /// Steps 12 and 13: something authentic came. Whoever is heard through a relay has not shown where he is, but that this way leads
    /// to him.
    pub(crate) fn proved(&mut self, session: &Arc<Session>, origin: Path, kind: Kind) -> Vec<IpAddr> {
        session.seldom.silence.heard();
        let source = match origin {
            Path::Direct(source) => Some(source),
            Path::Relayed(_) => None,
        };
        // The path first: until now it was where somebody sent message 1 from, and nobody has proved to be there.
        let may_move = (source.is_some() && !kind.is_probe()) || !session.is_confirmed();
        if may_move && let Some(path) = session.heard_from(origin, || self.may_be_at(session, origin), self.now_ms) {
            self.out.event(Event::Roamed { local_index: session.local_index, path });
        }
        if let Some(source) = source.filter(|_| session.is_noteworthy(self.now_ms)) {
            lock(&self.engine.acquaintances).heard(source.ip());
        }
        self.confirm(session)
    }

    pub(crate) fn may_be_at(&self, session: &Session, origin: Path) -> bool {
        match origin {
            Path::Direct(source) => self.host.remote_allow_list.allows(&session.peer_addresses, source.ip()),
            Path::Relayed(_) => true,
        }
    }

    fn handshake_from(&mut self, header: &Header, datagram: &[u8], source: SocketAddr) {
        if !is_handshake(header, datagram) {
            return self.drop_from(source, DropReason::BadHandshake);
        }
        let standing = match header.counter {
            1 => self.standing_of_message_1(source, datagram),
            _ => self.standing(source),
        };
        self.handshake(header, datagram, Sender { origin: Path::Direct(source), address: source.ip(), standing });
    }

    pub(crate) fn handshake(&mut self, header: &Header, datagram: &[u8], sender: Sender) {
        let Sender { origin, address, standing } = sender;
        let limiter = match header.counter {
            1 => &self.engine.messages_1_in,
            _ => &self.engine.messages_2_in,
        };
        if !lock(limiter).admits(address, standing, tokens_of(datagram), self.now_ms) {
            let sample = DropSample::new(DropReason::HandshakeLimited, true);
            return self.drop(DropSample { origin: Some(origin), ..sample });
        }
        if header.counter == 2 {
            lock(&self.engine.awaited).named(header.remote_index, self.now_ms);
        }
        self.out.event(Event::Datagram { origin, standing, datagram: datagram.to_vec() });
    }

    fn standing_of_message_1(&self, source: SocketAddr, datagram: &[u8]) -> Standing {
        match self.standing(source) {
            Standing::First if lock(&self.engine.repeats).has(source, datagram, self.now_ms) => Standing::Repeated,
            standing => standing,
        }
    }

    fn standing(&self, source: SocketAddr) -> Standing {
        let is_known = lock(&self.engine.acquaintances).knows(source.ip(), self.now_ms);
        if is_known { Standing::Known } else { Standing::First }
    }

    fn recv_error(&mut self, datagram: &[u8], source: SocketAddr) {
        if datagram.len() != RECV_ERROR_BYTES {
            return self.drop_from(source, DropReason::BadRecvError);
        }
        let standing = self.standing(source);
        if !lock(&self.engine.recv_errors_in).admits(source.ip(), standing, 1, self.now_ms) {
            return self.drop_from(source, DropReason::RecvErrorLimited);
        }
        self.out.event(Event::Datagram { origin: Path::Direct(source), standing, datagram: datagram.to_vec() });
    }

    /// Holds what came for a session that is about to be installed, with `peer` if a relay brought it. False when there is none such, or no room.
    pub(crate) fn hold(&self, index: u32, origin: Path, peer: Option<IpAddr>, datagram: &[u8]) -> bool {
        let mut awaited = lock(&self.engine.awaited);
        // An installed session has taken what was held for it, or waits for this lock to do so.
        awaited.contains(index, self.now_ms)
            && self.engine.sessions.by_index(index).is_none()
            && awaited.hold(index, self.now_ms, || Early { origin, peer, datagram: datagram.to_vec() })
    }

    fn unknown_index(&mut self, header: &Header, source: SocketAddr) {
        self.drop_from(source, DropReason::UnknownIndex);
        if !self.host.send_recv_error.tells(source.ip())
            || lock(&self.engine.awaited).contains(header.remote_index, self.now_ms)
            || !lock(&self.engine.recv_errors_out).admits(source.ip(), Standing::First, 1, self.now_ms)
        {
            return;
        }
        let answer = Header { kind: Kind::RecvError, remote_index: header.remote_index, counter: 0 }.encode();
        self.engine.inbound.recv_errors.add(1);
        self.send_datagram(source, &answer);
    }

    /// The first authentic packet proves that the peer has the keys. Returns the addresses whose packets now have a session.
    fn confirm(&mut self, session: &Arc<Session>) -> Vec<IpAddr> {
        if !session.confirm() {
            return vec![];
        }
        self.engine.sessions.make_primary(session);
        self.out.event(Event::Confirmed { local_index: session.local_index });
        session.peer_addresses.to_vec()
    }

    fn opened(&mut self, session: &Arc<Session>, kind: Kind, origin: Path, body: &mut [u8]) {
        let kept = if kind == Kind::LightHouse { self.kept_answer(session, origin, body) } else { None };
        let order = match kind {
            Kind::Message => {
                self.inner_packet(session, body, Foreseen::default());
                return;
            }
            Kind::TestRequest | Kind::PathRequest | Kind::BindingRequest => Order::Answer,
            _ if kept.is_some() => Order::Answer,
            _ => Order::Tell,
        };
        // A closed tunnel is gone with its first message: nobody can order more of these than there are sessions.
        let is_last = kind == Kind::CloseTunnel;
        if is_last {
            self.engine.forget(session.local_index);
        } else if !lock(&self.engine.messages_in).admits(session.peer(), order, self.now_ms) {
            return self.drop_inbound(session, None, DropReason::MessageLimited);
        }
        match kind {
            Kind::TestRequest => {
                self.engine.inbound.test_requests.add(1);
                self.send(session, Kind::TestReply, body, None);
            }
            _ if kind.is_probe() => {
                if let Err(reason) = self.probed(session, kind, origin, body) {
                    self.drop_inbound(session, None, reason);
                }
            }
            _ => match kept {
                Some(answer) => self.answer_again(session, &answer),
                None => {
                    let heard =
                        if kind == Kind::LightHouse { lock(&session.seldom.kept_answer).told(origin) } else { 0 };
                    let local_index = session.local_index;
                    self.out.event(Event::Message { local_index, kind, body: body.to_vec(), heard });
                }
            },
        }
    }

    /// Section 4: what came through a session must be from its peer, for us, and allowed. Returns what it says if it went to the device.
    pub(crate) fn inner_packet(
        &mut self,
        session: &Arc<Session>,
        body: &mut [u8],
        foreseen: Foreseen,
    ) -> Option<InnerPacket> {
        let inner = match InnerPacket::parse(body) {
            Ok(inner) => inner,
            Err(reason) => {
                self.drop_inbound(session, None, reason);
                return None;
            }
        };
        let refusal = match self.speaks_for(session, inner.source) {
            false => Some(DropReason::RemoteAddress),
            true if !self.is_own(&inner.destination) => Some(DropReason::LocalAddress),
            true => None,
        };
        let tuple = inner.tuple(Direction::Inbound);
        let packet = body.get_mut(..inner.length)?;
        let subject = match refusal {
            Some(reason) => Err(reason),
            None => self.subject(tuple, inner.part, Direction::Inbound, session.peer()),
        };
        let subject = match subject {
            Ok(subject) => subject,
            Err(reason) => {
                self.capture((&tuple, packet), Direction::Inbound, Some(session), Some(reason));
                self.drop_inbound(session, Some(tuple), reason);
                return None;
            }
        };
        let passing = Passing { inner: &inner, subject: &subject, foreseen, bytes: packet };
        if let Err(refused) = self.judge(session, passing, Direction::Inbound) {
            if let Some(answer) = self.refuse_peer(session, &subject.flow, refused) {
                self.send(session, Kind::Message, &answer, None);
            }
            return None;
        }
        if !self.host.answer_echo {
            self.engine.inbound.tun_written.add(1);
            if let Some(longest) = session.mtu.longest() {
                mss::clamp(packet, &inner, longest);
            }
            self.out.packet(packet);
            return Some(inner);
        }
        if echo::turn_around(packet) {
            self.send_allowed(session, Passing { inner: &inner, subject: &subject, foreseen, bytes: packet });
        } else {
            self.drop_inbound(session, Some(subject.flow), DropReason::NoDevice);
        }
        None
    }

    pub(crate) fn drop_inbound(&mut self, session: &Session, tuple: Option<Tuple>, reason: DropReason) {
        self.drop(DropSample { tuple, local_index: session.local_index, ..DropSample::new(reason, true) });
    }
}
